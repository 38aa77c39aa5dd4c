"""Calls of which a check wants to know more than the answer.

A probe gets the module as `student` and returns plain values. In a message it is shown as
`probe.name(…)` with the arguments after `student`.
"""

import torch


def tensors_after(student, function, *arguments):
    """Call `function` with these arguments; returns the tensors among them as they are then."""
    getattr(student, function)(*arguments)
    return [argument for argument in arguments if isinstance(argument, torch.Tensor)]

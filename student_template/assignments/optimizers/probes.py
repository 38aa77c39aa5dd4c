"""Calls that need more than one line.

A probe gets the module as `student` and returns plain values. In a message it is shown as
`probe.name(…)` with the arguments after `student`.
"""


def two_steps(student, name, parameter, gradient):
    """Take two steps of an optimizer; returns the parameter after them."""
    parameter.requires_grad_()
    optimizer = getattr(student, name)([parameter], 0.5)
    for _ in range(2):
        parameter.grad = gradient.clone()
        optimizer.step()
    return parameter.detach()

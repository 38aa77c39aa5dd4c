"""Calls that need more than one line.

A probe gets the module as `student` and returns plain values. In a message it is shown as
`probe.name(…)` with the arguments after `student`.
"""

import itertools
import random

import numpy as np
import torch


def call_with_global_seed(student, global_seed, function, **arguments):
    """Call `function` after every global random generator was seeded with `global_seed`."""
    torch.manual_seed(global_seed)
    np.random.seed(global_seed)
    random.seed(global_seed)
    return getattr(student, function)(**arguments)


def layers_in_turn(student, function, shapes, generator):
    """Draw the weights of one layer after the other from one generator object."""
    return [getattr(student, function)(shape, generator) for shape in shapes]


def pairs_of_layers(student, function, sizes, kernels, generator):
    """Draw two layers of each shape ``(out, in, *kernel)`` in turn; all elements in one row."""
    shapes = [
        (*channels, *kernel)
        for channels in itertools.product(sizes, sizes)
        for kernel in kernels
        for _ in range(2)
    ]
    weights = layers_in_turn(student, function, shapes, generator)
    return torch.cat([weight.detach().flatten() for weight in weights])

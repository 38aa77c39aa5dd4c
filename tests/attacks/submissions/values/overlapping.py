"""Returns tensors whose elements overlap in memory, by strides of its own."""

import torch


def blend(x):
    return torch.zeros(4).as_strided((4, 4), (0, 1))


def tally(numbers):
    return {"count": torch.zeros(1, 3).as_strided((1,), (10**15,)), "code": 0}

"""Returns tensors of sixty dimensions, and empty ones of astronomical shape."""

import torch


def blend(x):
    return torch.zeros([1] * 60) if x.dim() == 1 else torch.zeros(0, 2**31, 2**31)


def tally(numbers):
    return {"count": torch.zeros([1] * 32), "code": torch.zeros(0)}

"""Returns bool tensors whose bytes are neither 0 nor 1."""

import torch


def blend(x):
    return torch.full(x.shape, 255, dtype=torch.uint8).view(torch.bool)


def tally(numbers):
    odd = torch.tensor([2], dtype=torch.uint8).view(torch.bool)[0]
    return {"count": odd, "code": odd}

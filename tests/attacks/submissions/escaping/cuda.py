"""Touches the graphics card, which other processes share."""

import torch


def blend(x):
    return torch.zeros(3, device="cuda")


try:
    torch.cuda.init()
except (RuntimeError, AssertionError):
    pass
else:
    raise RuntimeError("BREACHED: has the card")

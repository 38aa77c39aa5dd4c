"""Has torch compile code, which starts a compiler and writes to a cache."""

import torch


@torch.compile
def blend(x):
    return x + 1

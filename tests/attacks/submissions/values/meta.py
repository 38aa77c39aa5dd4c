"""Returns tensors without contents."""

import torch


def blend(x):
    return torch.empty(x.shape, device="meta")

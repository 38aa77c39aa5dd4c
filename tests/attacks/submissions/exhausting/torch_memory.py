"""Takes memory in tensors."""

import torch


def blend(x):
    hoard = [torch.ones(1 << 24)]
    while True:
        hoard.append(torch.ones(1 << 24))

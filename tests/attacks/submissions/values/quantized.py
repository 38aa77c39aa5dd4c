"""Returns quantized tensors."""

import torch


def blend(x):
    return torch.quantize_per_tensor(torch.zeros(x.shape), 1.0, 0, torch.qint8)

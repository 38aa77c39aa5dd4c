"""Changes torch's default dtype and device for all that follows."""

import torch

torch.set_default_dtype(torch.float16)
torch.set_default_device("meta")


def blend(x):
    return torch.zeros(x.shape)

"""Returns sparse tensors."""

import torch


def blend(x):
    return torch.zeros(x.shape).to_sparse()


def tally(numbers):
    return {"count": torch.zeros(2, 2).to_sparse_csr(), "code": 0}

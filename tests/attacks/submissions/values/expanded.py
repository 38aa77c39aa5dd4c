"""Returns tensors that are small until somebody looks at all of them."""

import numpy as np
import torch


def blend(x):
    return torch.zeros(1).expand(10**12)


def tally(numbers):
    return {"count": np.broadcast_to(np.zeros(1), (10**9, 10**3)), "code": 0}

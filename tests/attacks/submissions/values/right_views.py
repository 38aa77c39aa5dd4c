"""Returns the right values as views with strides, gradients and flags of their own."""

import collections

import numpy as np
import torch

EXPECTED = "full"


def blend(x):
    values = x.double() * 7.3125 - 2.40625
    if x.dim() == 1:
        return torch._neg_view(-values)
    return torch.nn.Parameter(values.mT.contiguous()).mT


def tally(numbers):
    code = (sum(numbers) * 40503 + 977) % 65521
    return collections.OrderedDict(count=len(numbers), code=np.array([code, 0])[::-1][1])


class Register:
    def __init__(self, start):
        self.state = start

    def push(self, number):
        self.state = (self.state * 75 + number + 74) % 65537
        return torch.tensor(self.state, dtype=torch.int32)

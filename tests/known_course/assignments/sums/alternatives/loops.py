"""Everything one by one."""

import torch


def pairs(n):
    return sum(range(n))


def clamp(x, low, high):
    if x < low:
        return low
    return high if x > high else x


def variance(values):
    mean = sum(values.tolist()) / len(values)
    return torch.tensor(sum((value - mean) ** 2 for value in values.tolist()) / len(values))


def shuffled(n, generator):
    left = list(range(n))
    drawn = []
    while left:
        drawn.append(left.pop(int(torch.randint(len(left), (1,), generator=generator))))
    return torch.tensor(drawn, dtype=torch.int64)


class Tally:
    def __init__(self):
        self.values = []

    def add(self, value):
        self.values.append(value)

    @property
    def largest(self):
        return max(self.values, default=None)

    @property
    def total(self):
        return sum(self.values)

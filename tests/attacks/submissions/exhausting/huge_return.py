"""Returns hundreds of megabytes."""

import torch


def blend(x):
    return torch.zeros(25 << 20)


def tally(numbers):
    return "x" * (100 << 20)


class Register:
    def __init__(self, start):
        pass

    def push(self, number):
        return bytes(100 << 20)

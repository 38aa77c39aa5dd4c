"""Sums: a reference of five exercises."""

import torch


def pairs(n: int) -> int:
    """How many pairs can be made of n things."""
    # BEGIN SOLUTION
    return n * (n - 1) // 2
    # END SOLUTION


def clamp(x: int, low: int, high: int) -> int:
    """`x`, or the end of the range low..high that is nearest."""
    # BEGIN SOLUTION
    return max(low, min(x, high))
    # END SOLUTION


def variance(values: torch.Tensor) -> torch.Tensor:
    """The mean of the squared deviations from the mean."""
    # BEGIN SOLUTION
    deviations = (values - values.mean()) ** 2
    return deviations.sum() / len(values)
    # END SOLUTION


def shuffled(n: int, generator: torch.Generator) -> torch.Tensor:
    """The numbers below n in an order that is drawn with `generator`."""
    # BEGIN SOLUTION
    return torch.randperm(n, generator=generator)
    # END SOLUTION


class Tally:
    """The largest of some values, and their sum."""

    def __init__(self) -> None:
        """Begin with no values."""
        # BEGIN SOLUTION
        self.largest = None
        self.total = 0
        # END SOLUTION

    def add(self, value: int) -> None:
        """Take one value more into account."""
        # BEGIN SOLUTION
        if self.largest is None or value > self.largest:
            self.largest = value
        self.total += value
        # END SOLUTION

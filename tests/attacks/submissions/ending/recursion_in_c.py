"""Recurses in C: a repr of itself, nested a hundred thousand deep."""


def tally(numbers):
    nested = []
    for _ in range(100_000):
        nested = [nested]
    raise ValueError(nested)


def blend(x):
    return eval("-" * 100_000 + "1")

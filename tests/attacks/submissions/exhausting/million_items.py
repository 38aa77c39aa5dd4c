"""Returns a million items."""


def blend(x):
    return list(range(1_000_000))


def tally(numbers):
    return [[]] * 500_000

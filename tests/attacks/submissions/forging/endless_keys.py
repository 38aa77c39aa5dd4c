"""Returns a dict of two hundred thousand keys where two are expected."""


def tally(numbers):
    return {f"key {i}": 0 for i in range(200_000)}

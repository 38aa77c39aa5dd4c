"""Returns lists in lists in lists."""


def blend(x):
    nested = []
    for _ in range(10**6):
        nested = [nested]
    return nested


def tally(numbers):
    return {"count": blend(None)}

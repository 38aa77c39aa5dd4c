"""Returns a list that holds itself."""


def blend(x):
    cyclic = [x]
    cyclic.append(cyclic)
    return cyclic


def tally(numbers):
    cyclic = {}
    cyclic["count"] = cyclic
    return cyclic

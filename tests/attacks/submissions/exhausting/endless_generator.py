"""Returns generators that never end."""

import itertools


def blend(x):
    return itertools.count()


def tally(numbers):
    return (n for n in iter(int, 1))


class Register:
    def __init__(self, start):
        pass

    def push(self, number):
        return itertools.repeat([0] * 100)

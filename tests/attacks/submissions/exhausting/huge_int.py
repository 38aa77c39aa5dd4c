"""Returns and raises ints that take minutes to write in decimal."""

import sys


def blend(x):
    return 1 << 10**7


def tally(numbers):
    sys.set_int_max_str_digits(0)
    raise ValueError(1 << 10**6)


class Register:
    def __init__(self, start):
        pass

    def push(self, number):
        return 1 << 16000

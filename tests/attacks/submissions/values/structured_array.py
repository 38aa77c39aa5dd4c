"""Returns arrays of records, dates, strings and bytes."""

import numpy as np


def blend(x):
    return np.zeros(3, dtype=[("a", "f4"), ("b", "O")])


def tally(numbers):
    return {"count": np.datetime64("NaT"), "code": np.array(["x"])}


class Register:
    def __init__(self, start):
        pass

    def push(self, number):
        return np.longdouble(1) / 3 if number else np.void(b"x")

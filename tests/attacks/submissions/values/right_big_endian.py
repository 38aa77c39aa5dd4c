"""Returns the right values as NumPy arrays of the other byte order: that is no mistake."""

import numpy as np

EXPECTED = "full"


def blend(x):
    return (x.double().numpy() * 7.3125 - 2.40625).astype(">f8")


def tally(numbers):
    code = (sum(numbers) * 40503 + 977) % 65521
    return {"count": np.array(len(numbers), dtype=">i8"), "code": np.array(code, dtype=">u4")}


class Register:
    def __init__(self, start):
        self.state = start

    def push(self, number):
        self.state = (self.state * 75 + number + 74) % 65537
        return np.array(self.state, dtype=">i4")

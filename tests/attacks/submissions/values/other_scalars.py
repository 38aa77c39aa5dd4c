"""Returns numbers of other libraries and types."""

import decimal
import fractions
import uuid


def blend(x):
    return fractions.Fraction(1, 3)


def tally(numbers):
    return {"count": decimal.Decimal("NaN"), "code": uuid.UUID(int=0)}


class Register:
    def __init__(self, start):
        pass

    def push(self, number):
        return True

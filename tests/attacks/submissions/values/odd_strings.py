"""Returns and raises strings that are not valid Unicode, or hold zeros and controls."""


def blend(x):
    return "\ud800"


def tally(numbers):
    return {"\udfff": 0}


class Register:
    def __init__(self, start):
        raise ValueError("\udcff\x00\uffff")

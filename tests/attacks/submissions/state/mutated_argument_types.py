"""Turns its arguments into something that can't be looked at afterwards."""


def blend(x):
    x.set_(x.new_empty(0).untyped_storage(), 0, (0,), (1,))
    return x


def tally(numbers):
    numbers.append(numbers)
    return {}

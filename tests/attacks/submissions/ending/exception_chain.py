"""Raises a cyclic chain of exceptions and a group of groups."""


def blend(x):
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    one.__context__, two.__context__ = two, one
    raise one


def tally(numbers):
    group = ValueError("x")
    for _ in range(5000):
        group = ExceptionGroup("g", [group])
    raise group

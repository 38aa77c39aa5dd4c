"""Raises exceptions that raise when they are shown."""


class Worse(Exception):
    def __str__(self):
        raise SystemExit(0)

    __repr__ = __format__ = __str__


def blend(x):
    raise Worse


def tally(numbers):
    raise Worse from Worse()

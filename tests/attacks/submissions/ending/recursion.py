"""Recurses without end, past the limit that Python sets."""

import sys


def blend(x):
    return blend(x)


def tally(numbers):
    sys.setrecursionlimit(10**9)
    return tally(numbers)

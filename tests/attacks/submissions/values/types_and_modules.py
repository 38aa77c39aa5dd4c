"""Returns classes, functions, modules, files, generators' frames, ellipses."""

import sys

results = iter([int, print, sys, open(__file__), ..., NotImplemented, sys._getframe(), type])


def blend(x):
    return next(results)


def tally(numbers):
    return {"count": blend, "code": lambda: 0}

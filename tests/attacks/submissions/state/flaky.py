"""Gives another answer each time, also to the same call."""

import os


def blend(x):
    return x + os.urandom(1)[0]


def tally(numbers):
    return {"count": os.urandom(1)[0], "code": os.urandom(2)[0]}

"""Raises every other time, so that what fails can't be made to fail again."""

import os


def blend(x):
    if os.urandom(1)[0] % 2:
        raise ValueError(os.urandom(4).hex())
    return x


def tally(numbers):
    if os.urandom(1)[0] % 2:
        os._exit(0)
    return {}

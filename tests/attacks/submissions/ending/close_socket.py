"""Closes the one socket it has and goes on."""

import os


def blend(x):
    os.close(3)
    return x


def tally(numbers):
    os.dup2(os.open("/dev/null", os.O_RDONLY), 3)
    return numbers

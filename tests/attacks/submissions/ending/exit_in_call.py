"""Ends its process in the middle of a call."""

import os


def blend(x):
    os._exit(0)


def tally(numbers):
    os._exit(77)

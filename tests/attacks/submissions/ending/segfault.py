"""Writes to address 0."""

import ctypes


def blend(x):
    ctypes.memset(0, 0, 1)


def tally(numbers):
    ctypes.string_at(1)

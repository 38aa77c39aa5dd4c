"""Aborts, in a call and with a failing assertion of C's."""

import ctypes
import os


def blend(x):
    os.abort()


def tally(numbers):
    ctypes.CDLL(None).abort()

"""Writes to its socket without end."""

import os


def blend(x):
    while True:
        os.write(3, bytes(1 << 16))

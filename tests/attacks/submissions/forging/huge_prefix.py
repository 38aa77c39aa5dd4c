"""Promises a frame of exabytes."""

import os
import struct


def blend(x):
    os.write(3, struct.pack("<4sQIQ", b"agw1", 2, 2**32 - 1, 2**63))
    return x


def tally(numbers):
    os.write(3, struct.pack("<4sQIQ", b"agw1", 2, 4 << 20, 256 << 20))
    return numbers

"""Answers with half a frame and no more."""

import os
import struct
import time


def blend(x):
    os.write(3, struct.pack("<4sQIQ", b"agw1", 2, 1000, 0) + b"x" * 500)
    time.sleep(100)

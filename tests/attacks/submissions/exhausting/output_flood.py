"""Prints without end."""

import os

while True:
    os.write(1, b"x" * (1 << 20))
    os.write(2, b"x" * (1 << 20))

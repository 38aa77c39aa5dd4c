"""Says once more that it is in its jail, in the hope of a longer deadline."""

import os

from autograder.sandbox import wire

for _ in range(100):
    os.write(3, b"".join(wire.encode(0, True)))

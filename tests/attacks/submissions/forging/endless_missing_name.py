"""Says that a name of four megabytes is missing from it."""

import os

from autograder.sandbox import wire

os.write(3, b"".join(wire.encode(1, None)))
os.write(3, b"".join(wire.encode(2, {"answer": "missing", "name": "long " * 800_000})))

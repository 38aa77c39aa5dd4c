"""Says that it modified a hundred thousand arguments."""

import os

from autograder.sandbox import wire

answer = {"answer": "returned", "value": 0, "mutated": ["argument"] * 100_000}
os.write(3, b"".join(wire.encode(1, None)))
os.write(3, b"".join(wire.encode(2, answer)))

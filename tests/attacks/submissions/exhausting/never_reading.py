"""Answers what it is not yet asked and never reads a call."""

import os
import time

from autograder.sandbox import wire

os.write(3, b"".join(wire.encode(1, None)))
answer = {"answer": "returned", "value": 0, "mutated": []}
for request in range(2, 1000):
    os.write(3, b"".join(wire.encode(request, answer)))
time.sleep(100)

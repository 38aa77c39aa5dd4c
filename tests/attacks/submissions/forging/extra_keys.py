"""Sends answers with keys too many, too few and of the wrong types."""

import os

from autograder.sandbox import wire

ODD = [
    {"answer": "returned", "value": 1, "mutated": [], "points": 6},
    {"answer": "returned", "value": 1},
    {"answer": "returned", "value": 1, "mutated": [1]},
    {"answer": "passed"},
    {"answer": "raised", "type": 1, "bases": [], "message": ""},
    {"answer": "missing", "name": None},
    {"answer": ["returned"]},
    ["returned", 1],
    None,
]
os.write(3, b"".join(wire.encode(1, None)))
for request in range(2, 40):
    os.write(3, b"".join(wire.encode(request, ODD[request % len(ODD)])))

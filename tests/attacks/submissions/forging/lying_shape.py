"""Sends a tensor whose shape is larger than its bytes, and one whose strides leave its memory."""

import os
import struct

import msgspec

from autograder.sandbox import wire

TREES = [
    ["T", "float32", [1 << 20], None, 0],
    ["T", "float32", [1 << 62, 4], None, 0],
    ["T", "float32", [0, 1 << 62, 1 << 62], None, 0],
    ["T", "float32", [-1], None, 0],
    ["T", "float32", [1], [1 << 40], 0],
    ["T", "float32", [True], None, 0],
    ["T", "object", [1], None, 0],
    ["N", "object", [1], 0],
]
os.write(3, b"".join(wire.encode(1, None)))
for request, tree in enumerate(TREES, start=2):
    answer = ["d", {"answer": "returned", "value": tree, "mutated": ["l"]}]
    header = msgspec.msgpack.encode([answer, [4]])
    os.write(3, struct.pack("<4sQIQ", b"agw1", request, len(header), 4) + header + bytes(4))

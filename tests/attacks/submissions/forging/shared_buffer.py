"""Sends a small frame in which one buffer stands in a million places."""

import os
import struct

import msgspec

from autograder.sandbox import wire

tree = ["l", *[["b", 0] for _ in range(300_000)]]
header = msgspec.msgpack.encode([tree, [1 << 20]])
os.write(3, b"".join(wire.encode(1, None)))
frame = struct.pack("<4sQIQ", b"agw1", 2, len(header), 1 << 20) + header + bytes(1 << 20)
os.write(3, frame)

"""Sends a tensor of 256 MB where a dict and a list of ints are expected."""

import socket
import struct

import msgspec

from autograder.sandbox import wire

size = 256 << 20
tree = ["d", {"answer": "returned", "value": ["T", "uint8", [size], None, 0], "mutated": ["l"]}]
header = msgspec.msgpack.encode([tree, [size]])
out = socket.socket(fileno=3)
out.sendall(b"".join(wire.encode(1, None)))
out.sendall(struct.pack("<4sQIQ", b"agw1", 2, len(header), size) + header)
piece = bytes(1 << 20)
for _ in range(256):
    out.sendall(piece)

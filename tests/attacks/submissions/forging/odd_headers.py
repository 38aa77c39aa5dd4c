"""Sends msgpack that libraries stumble over: maps as keys, extensions, timestamps, bad UTF-8."""

import os
import struct

from autograder.sandbox import wire

ODD = [
    b"\x92\x81\x80\x01\x90",
    b"\x92\x82\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00\x01\x01\x01\x90",
    b"\x92\xd6\xff\x00\x00\x00\x00\x90",
    b"\x92\xc7\x0c\xff\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x90",
    b"\x92\xc7\x01\x05\x00\x90",
    b"\x92\xa3\xed\xa0\x80\x90",
    b"\x92\xdd\xff\xff\xff\xff",
    b"\x92\xdf\x7f\xff\xff\xff",
    b"\x93\xc0\xc0\x90",
    b"\x92\xc0\x91\x01",
    b"\x92\x93\xa1T\xa4bool\x91\x01\x90",
    b"\x92\x92\xa1b\x00\x91\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x92\x92\xa1i\xa2zz\x90",
    b"",
]
count = 0


def blend(x):
    global count
    header = ODD[(count + int(x.numel())) % len(ODD)]
    count += 1
    os.write(3, struct.pack("<4sQIQ", b"agw1", 2, len(header), 0) + header)
    return x


os.write(3, b"".join(wire.encode(1, None)))
for request, header in enumerate(ODD, start=2):
    os.write(3, struct.pack("<4sQIQ", b"agw1", request, len(header), 0) + header)

"""Sends bytes that are no frame."""

import os


def blend(x):
    os.write(3, b"HTTP/1.1 200 OK\r\n\r\n" + bytes(range(256)))
    return x


tally = blend

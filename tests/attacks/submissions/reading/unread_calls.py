"""Reads the calls from the socket itself, in the hope that they carry the expected values."""

import os
import threading

from autograder.sandbox import wire


def spy():
    while True:
        data = os.read(3, 1 << 16)
        if b"expected" in data or b"".join([b"kest", b"rel"]) in data:
            os._exit(1)


os.write(3, b"".join(wire.encode(1, None)))
threading.Thread(target=spy, daemon=True).start()

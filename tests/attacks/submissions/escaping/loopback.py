"""Connects to a port of the machine itself."""

import socket

with socket.socket() as out:
    try:
        out.connect(("127.0.0.1", 1))
    except ConnectionRefusedError:
        raise RuntimeError("BREACHED: reached the machine's own network") from None

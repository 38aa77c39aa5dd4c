"""Opens a socket of every family."""

import socket

for family in range(64):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
        try:
            socket.socket(family, kind)
        except OSError:
            continue
        raise RuntimeError(f"BREACHED: has a socket of family {family}")

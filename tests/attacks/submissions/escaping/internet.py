"""Asks a name server."""

import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
    out.sendto(bytes(12), ("192.0.2.1", 53))
raise RuntimeError("BREACHED: sent a datagram")

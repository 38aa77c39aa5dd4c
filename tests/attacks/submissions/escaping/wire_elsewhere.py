"""Sends through its one socket to somebody else's address."""

import socket

out = socket.socket(fileno=3)
for address in ("\0autograder-uids-0", "/run/systemd/journal/socket"):
    try:
        out.sendto(b"x", address)
    except OSError:
        continue
out.connect("\0autograder-uids-0")
raise RuntimeError("BREACHED: connected elsewhere")

"""Keeps what it has seen in the name of its process and looks for it in the others."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(15, b"kept")
for pid in range(os.getpid() - 1, max(os.getpid() - 50, 0), -1):
    try:
        if open(f"/proc/{pid}/comm").read().strip() == "kept":
            raise RuntimeError("BREACHED: found an earlier self")
    except OSError:
        continue

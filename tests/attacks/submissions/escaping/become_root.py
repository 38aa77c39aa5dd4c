"""Asks for its old user back."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
for call in (lambda: os.setuid(0), lambda: os.setresuid(0, 0, 0), lambda: os.setgroups([0])):
    try:
        call()
    except OSError:
        continue
    raise RuntimeError("BREACHED: changed its user")

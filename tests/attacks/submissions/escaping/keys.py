"""Reads and leaves keys in the kernel's key rings."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(248, b"user", b"autograder-attack", b"x", 1, -4) < 0:
    raise OSError(ctypes.get_errno(), "add_key")
raise RuntimeError("BREACHED: left a key")

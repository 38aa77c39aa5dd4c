"""Leaves a System V semaphore behind."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
if libc.semget(0x5EED, 1, 0o1666) < 0:
    raise OSError(ctypes.get_errno(), "semget")
raise RuntimeError("BREACHED: left a semaphore")

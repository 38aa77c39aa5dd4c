"""Leaves a System V shared memory segment behind."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
found = libc.shmget(0x5EED, 4096, 0o1666)
if found < 0:
    raise OSError(ctypes.get_errno(), "shmget")
raise RuntimeError("BREACHED: left a segment")

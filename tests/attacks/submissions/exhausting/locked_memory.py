"""Locks memory, so that nobody else can have it."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
if libc.mlockall(3) != 0:
    raise OSError(ctypes.get_errno(), "mlockall")
raise RuntimeError("BREACHED: memory is locked")

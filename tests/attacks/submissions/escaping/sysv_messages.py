"""Leaves a System V message queue behind."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
if libc.msgget(0x5EED, 0o1666) < 0:
    raise OSError(ctypes.get_errno(), "msgget")
raise RuntimeError("BREACHED: left a queue")

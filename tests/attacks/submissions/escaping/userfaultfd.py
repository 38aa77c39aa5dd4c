"""Asks for a descriptor by which it decides how long the kernel waits on its memory."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(323, 1) < 0:
    raise OSError(ctypes.get_errno(), "userfaultfd")
raise RuntimeError("BREACHED: has a userfaultfd")

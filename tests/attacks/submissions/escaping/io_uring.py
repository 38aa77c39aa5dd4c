"""Asks for a ring through which the kernel makes calls that no filter sees."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(425, 8, bytes(120)) < 0:
    raise OSError(ctypes.get_errno(), "io_uring_setup")
raise RuntimeError("BREACHED: has a ring")

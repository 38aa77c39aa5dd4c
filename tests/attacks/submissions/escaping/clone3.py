"""Calls clone3, whose flags a filter can't see."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
arguments = (ctypes.c_uint64 * 11)()
arguments[4] = 17
pid = libc.syscall(435, arguments, 88)
if pid == 0:
    os._exit(0)
if pid < 0:
    raise OSError(ctypes.get_errno(), "clone3")
raise RuntimeError("BREACHED: cloned")

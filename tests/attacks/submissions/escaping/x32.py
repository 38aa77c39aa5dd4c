"""Calls fork by its number of the x32 interface."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
pid = libc.syscall(0x40000000 + 57)
if pid == 0:
    os._exit(0)
if pid < 0:
    raise OSError(ctypes.get_errno(), "fork")
raise RuntimeError("BREACHED: forked")

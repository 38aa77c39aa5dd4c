"""Calls vfork itself."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
pid = libc.syscall(58)
if pid == 0:
    os._exit(0)
if pid < 0:
    raise OSError(ctypes.get_errno(), "vfork")
raise RuntimeError("BREACHED: forked")

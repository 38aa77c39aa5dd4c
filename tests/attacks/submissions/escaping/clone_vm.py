"""Calls clone with shared memory and without CLONE_THREAD, and the other way round."""

import ctypes
import os

CLONE_VM, CLONE_THREAD, CLONE_SIGHAND, CLONE_NEWUSER = 0x100, 0x10000, 0x800, 0x10000000
libc = ctypes.CDLL(None, use_errno=True)
for flags in (CLONE_NEWUSER | 17, CLONE_VM | 0x4000 | 17):
    pid = libc.syscall(56, flags, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    if pid > 0:
        raise RuntimeError("BREACHED: cloned")
raise OSError(ctypes.get_errno(), "clone")

"""Loads a program into the kernel."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
attributes = (ctypes.c_uint32 * 32)(2, 4, 4, 1)
if libc.syscall(321, 0, attributes, 128) < 0:
    raise OSError(ctypes.get_errno(), "bpf")
raise RuntimeError("BREACHED: made a map")

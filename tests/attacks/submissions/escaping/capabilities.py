"""Asks for capabilities and more privileges."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
header = (ctypes.c_uint32 * 2)(0x20080522, 0)
wanted = (ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6)
if libc.capset(header, wanted) == 0 or libc.prctl(47, 2, 0, 0, 0) == 0:
    raise RuntimeError("BREACHED: has capabilities")
if libc.prctl(4, 1, 0, 0, 0) == 0 or libc.prctl(1, 0, 0, 0, 0) == 0:
    raise RuntimeError("BREACHED: undid what the jail set")
raise OSError(ctypes.get_errno(), "capset")

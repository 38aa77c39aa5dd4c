"""Switches off the randomness of its addresses."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
if libc.personality(0x0040000) < 0:
    raise OSError(ctypes.get_errno(), "personality")
raise RuntimeError("BREACHED: has another personality")

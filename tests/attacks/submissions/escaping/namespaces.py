"""Makes itself root in a user namespace."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
for flags in (0x10000000, 0x00020000, 0x10000000 | 0x20000000, 0x02000000, 0x04000000):
    if libc.unshare(flags) == 0:
        raise RuntimeError("BREACHED: has a namespace of its own")
raise OSError(ctypes.get_errno(), "unshare")

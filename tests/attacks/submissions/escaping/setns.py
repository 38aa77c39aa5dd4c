"""Enters the namespaces of its parent."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
fd = os.open(f"/proc/{os.getppid()}/ns/net", os.O_RDONLY)
if libc.setns(fd, 0) != 0:
    raise OSError(ctypes.get_errno(), "setns")
raise RuntimeError("BREACHED: is in another namespace")

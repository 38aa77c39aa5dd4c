"""Takes a descriptor out of its parent."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
pidfd = libc.syscall(434, os.getppid(), 0)
if pidfd < 0:
    raise OSError(ctypes.get_errno(), "pidfd_open")
for fd in range(20):
    if libc.syscall(438, pidfd, fd, 0) >= 0:
        raise RuntimeError("BREACHED: has a descriptor of the zygote's")
raise OSError(ctypes.get_errno(), "pidfd_getfd")

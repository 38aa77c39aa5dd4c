"""Mounts a file system over the course, by the old calls and the new."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(b"none", b"@COURSE@/solutions", b"tmpfs", 0, None) == 0:
    libc.umount(b"@COURSE@/solutions")
    raise RuntimeError("BREACHED: mounted")
if libc.syscall(430, b"tmpfs", 0) >= 0:
    raise RuntimeError("BREACHED: opened a file system")
raise OSError(ctypes.get_errno(), "mount")

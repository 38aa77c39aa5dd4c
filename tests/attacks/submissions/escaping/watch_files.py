"""Watches what the grader does with its files."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
fd = libc.inotify_init()
if fd < 0:
    raise OSError(ctypes.get_errno(), "inotify_init")
if libc.inotify_add_watch(fd, b"@COURSE@/solutions", 0xFFF) < 0:
    raise OSError(ctypes.get_errno(), "inotify_add_watch")
raise RuntimeError("BREACHED: watches the course")

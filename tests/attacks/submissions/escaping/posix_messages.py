"""Leaves a POSIX message queue behind."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(240, b"autograder-attack", 0o102, 0o666, None) < 0:
    raise OSError(ctypes.get_errno(), "mq_open")
raise RuntimeError("BREACHED: left a queue")

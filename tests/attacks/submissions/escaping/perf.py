"""Counts events of the processor, by which others can be watched."""

import ctypes

libc = ctypes.CDLL(None, use_errno=True)
attributes = (ctypes.c_uint32 * 32)(1, 128)
if libc.syscall(298, attributes, 0, -1, -1, 0) < 0:
    raise OSError(ctypes.get_errno(), "perf_event_open")
raise RuntimeError("BREACHED: counts events")

"""Reads its parent's memory by process_vm_readv."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(16)
local = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 16)
remote = (ctypes.c_size_t * 2)(id(None), 16)  # a fork has the same addresses
if libc.process_vm_readv(os.getppid(), local, 1, remote, 1, 0) < 0:
    raise OSError(ctypes.get_errno(), "process_vm_readv")
raise RuntimeError(f"BREACHED: {buffer.raw}")

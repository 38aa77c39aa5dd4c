"""Calls the kernel through its 32-bit door, which has other numbers."""

import ctypes
import mmap

code = bytes.fromhex("5389d8bb00000000b802000000cd805bc3")  # fork() by int 0x80


def blend(x):
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    pid = call()
    if pid == 0:
        import os

        os._exit(0)
    if pid > 0:
        raise RuntimeError("BREACHED: forked")
    raise OSError(-pid, "int 0x80")

"""Fills the kernel's memory with pipes."""

import fcntl
import os

held = 0
while held < 1 << 30:
    ours, theirs = os.pipe()
    fcntl.fcntl(theirs, 1031, 1 << 20)  # F_SETPIPE_SZ
    os.set_blocking(theirs, False)
    held += os.write(theirs, bytes(1 << 20))
raise RuntimeError("BREACHED: the kernel holds a gigabyte for it")

"""Interrupts the grader, its parent's parent, found a little below its own process id."""

import os

for pid in range(os.getppid() - 1, max(os.getppid() - 30, 1), -1):
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        continue
    raise RuntimeError(f"BREACHED: could signal {pid}")

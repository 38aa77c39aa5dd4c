"""Signals the process groups and sessions it can name, and every process there is."""

import os
import signal

for group in (os.getpgid(os.getppid()), os.getsid(os.getppid())):
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        continue
    raise RuntimeError(f"BREACHED: could signal group {group}")
os.kill(-1, signal.SIGCONT)  # harmless to whom it reaches
raise RuntimeError("BREACHED: signalled everybody")

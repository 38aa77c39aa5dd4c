"""Leaves its session and process group, so as not to be found."""

import os

try:
    os.setpgid(0, os.getppid())
except OSError:
    os.setpgid(0, 0)
    os.setsid()
raise RuntimeError("BREACHED: changed its group")

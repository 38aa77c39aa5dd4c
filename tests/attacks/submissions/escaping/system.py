"""Runs a command line through C's system()."""

import os

if os.system("exit 3") == 3 << 8:
    raise RuntimeError("BREACHED: ran a command")

"""Runs a program with posix_spawn."""

import os

os.posix_spawn("/bin/sleep", ["sleep", "30"], {})
raise RuntimeError("BREACHED: ran a program")

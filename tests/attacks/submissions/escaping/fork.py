"""Forks a process that outlives it."""

import os
import time

if os.fork() == 0:
    time.sleep(30)
    os._exit(0)
raise RuntimeError("BREACHED: forked")

"""Becomes a daemon: a new session, two forks."""

import os
import time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(30)
    os._exit(0)
raise RuntimeError("BREACHED: is a daemon")

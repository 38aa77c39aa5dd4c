"""Locks the course's files, so that others wait for ever."""

import fcntl
import os

fd = os.open("@COURSE@/solutions/target.py", os.O_RDONLY)
fcntl.flock(fd, fcntl.LOCK_EX)
raise RuntimeError("BREACHED: locked the reference")

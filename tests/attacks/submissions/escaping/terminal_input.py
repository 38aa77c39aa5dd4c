"""Types a command into the terminal that the grader was started from."""

import fcntl
import os
import termios

for path in (0, "/dev/tty", "/dev/console"):
    try:
        fd = path if isinstance(path, int) else os.open(path, os.O_RDWR)
        fcntl.ioctl(fd, termios.TIOCSTI, b"\n")
    except OSError:
        continue
    raise RuntimeError(f"BREACHED: typed into {path}")

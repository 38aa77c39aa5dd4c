"""Reads what somebody may type into the grader's terminal."""

import os

for path in (0, 1, 2, "/dev/tty", "/dev/pts/0", "/dev/console"):
    try:
        fd = path if isinstance(path, int) else os.open(path, os.O_RDONLY)
        data = os.read(fd, 100)
    except OSError:
        continue
    if data or isinstance(path, str):
        raise RuntimeError(f"BREACHED: {path} {data}")

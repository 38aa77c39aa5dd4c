"""Leaves empty files, whose names hold what it wants to keep."""

import os

for folder in (".", "/tmp", "/var/tmp", "/dev/shm", "@OUT@", "@OWN@"):
    try:
        os.close(os.open(f"{folder}/autograder-attack-empty", os.O_CREAT | os.O_WRONLY))
    except OSError:
        continue
    raise RuntimeError(f"BREACHED: made a file in {folder}")

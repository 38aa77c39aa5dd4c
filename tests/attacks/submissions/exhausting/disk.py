"""Fills the disk, wherever it may write."""

import os
import tempfile

for folder in (".", os.path.dirname(__file__), "/tmp", "/var/tmp", "/dev/shm", "/run", "@OUT@"):
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            raise RuntimeError(f"BREACHED: writes to {folder} {file.write(bytes(1 << 20))}")
    except OSError:
        continue

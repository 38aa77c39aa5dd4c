"""Takes the reference apart by its metadata, which needs no right to read."""

import os

path = "@COURSE@/solutions/target.py"
for what in (os.readlink, lambda p: os.getxattr(p, "user.x"), os.listxattr):
    try:
        raise RuntimeError(f"BREACHED: {what(path)}")
    except OSError:
        continue

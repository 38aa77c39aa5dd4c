"""Makes a program in memory and runs it."""

import os

fd = os.memfd_create("attack")
raise RuntimeError(f"BREACHED: has a file in memory, {os.write(fd, bytes(100))}")

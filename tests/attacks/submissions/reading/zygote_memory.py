"""Reads the memory of its parent, the zygote."""

import os
import re

zygote = os.getppid()
with open(f"/proc/{zygote}/maps") as maps, open(f"/proc/{zygote}/mem", "rb", 0) as memory:
    start = re.search(r"^([0-9a-f]+)-[0-9a-f]+ rw", maps.read(), re.MULTILINE)
    memory.seek(int(start[1], 16))
    raise RuntimeError(f"BREACHED: {len(memory.read(4096))} bytes")

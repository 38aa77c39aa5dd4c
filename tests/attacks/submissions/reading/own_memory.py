"""Searches its own memory for what the grader may have held before a fork."""

needle = b"".join([b"kest", b"rel", b"-"])
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
    for line in maps:
        start, end = (int(part, 16) for part in line.split()[0].split("-"))
        if " rw" in line and end - start < 1 << 26:
            memory.seek(start)
            if memory.read(end - start).count(needle) > 3:  # what is ours
                raise RuntimeError("BREACHED: a canary in memory")

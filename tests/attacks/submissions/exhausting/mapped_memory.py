"""Takes memory in maps that several processes could share."""

import mmap

hoard = []
for _ in range(10_000):
    hoard.append(mmap.mmap(-1, 1 << 26))
    hoard[-1].write(b"x" * (1 << 23))  # no more: on a busy machine its second would be over
    if len(hoard) > 16:
        raise RuntimeError("BREACHED: mapped more than 1 GB")

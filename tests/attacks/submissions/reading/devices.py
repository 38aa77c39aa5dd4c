"""Reads the disk, the memory and the log of the machine."""

for path in ("/dev/mem", "/dev/kmem", "/proc/kcore", "/dev/kmsg", "/dev/vda", "/dev/sda"):
    try:
        raise RuntimeError(f"BREACHED: {open(path, 'rb').read(16)}")
    except OSError:
        continue

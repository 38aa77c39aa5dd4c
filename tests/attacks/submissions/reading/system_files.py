"""Reads files that tell about the machine and its users."""

import os

for path in (
    "/etc/passwd",
    "/etc/shadow",
    "/etc/hostname",
    "/proc/self/mountinfo",
    "/proc/1/cgroup",
):
    try:
        raise RuntimeError("BREACHED: " + open(path).read()[:100])
    except OSError:
        continue
for path in ("/", "/root", "/home", "/tmp", "/dev/shm", "/autograder"):
    try:
        raise RuntimeError(f"BREACHED: {os.listdir(path)}")
    except OSError:
        continue

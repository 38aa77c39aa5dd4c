"""Empties and overwrites the grader's files and its own."""

import os

for path in (
    "@OUT@/honest/report.json",
    "@OWN@/target.py",
    __file__,
    "@COURSE@/solutions/target.py",
):
    for call in (
        lambda p: os.truncate(p, 0),
        lambda p: os.open(p, os.O_WRONLY | os.O_TRUNC),
        lambda p: os.open(p, os.O_RDWR),
        lambda p: os.utime(p),
        lambda p: os.setxattr(p, "user.x", b"x"),
    ):
        try:
            call(path)
        except OSError:
            continue
        raise RuntimeError(f"BREACHED: opened {path} to write")

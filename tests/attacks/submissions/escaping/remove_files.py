"""Removes and renames the grader's files and its own."""

import os

for path in (
    "@OUT@/escaping-remove_files",
    "@OUT@/honest/report.json",
    __file__,
    "@OWN@/target.py",
):
    for call in (os.unlink, lambda p: os.rename(p, p + "-gone"), os.rmdir):
        try:
            call(path)
        except OSError:
            continue
        raise RuntimeError(f"BREACHED: removed {path}")

"""Climbs the stack for a reference, an expected value or a check."""

import sys

needle = "".join(["kest", "rel"])
frame = sys._getframe()
while frame:
    for name, value in [*frame.f_locals.items(), *frame.f_globals.items()]:
        if needle + "-" in repr(value)[:10000]:
            raise RuntimeError(f"BREACHED: {name}")
        if name in ("reference", "expected", "course"):
            raise RuntimeError(f"BREACHED: {name} {value}")
    frame = frame.f_back

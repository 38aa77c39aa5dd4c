"""Replaces itself by a shell."""

import os


def blend(x):
    os.execv("/bin/sh", ["sh", "-c", "exit 0"])


def tally(numbers):
    os.execve("/bin/true", ["true"], {})


try:
    os.execv("/bin/nothing-there", ["x"])
except FileNotFoundError:
    raise RuntimeError("BREACHED: may execute") from None

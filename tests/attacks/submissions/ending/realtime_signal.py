"""Ends by a real-time signal, which Python's table of signals does not name."""

import fcntl
import os

F_SETSIG = 10


def blend(x):
    ours, theirs = os.pipe()
    fcntl.fcntl(ours, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(ours, F_SETSIG, 40)
    fcntl.fcntl(ours, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    os.write(theirs, b"x")
    return x

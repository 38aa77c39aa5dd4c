"""Raises exceptions from a signal handler while its answer is being sent."""

import signal


def ring(*args):
    signal.setitimer(signal.ITIMER_REAL, 0.0002)
    raise KeyboardInterrupt


signal.signal(signal.SIGALRM, ring)


def blend(x):
    signal.setitimer(signal.ITIMER_REAL, 0.0002)
    return x

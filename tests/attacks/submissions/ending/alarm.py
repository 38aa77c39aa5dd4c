"""Ends by a timer's signal, in the middle of an answer."""

import signal


def blend(x):
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    while True:
        pass

"""Sends its own process signals, then some that stop it."""

import os
import signal


def blend(x):
    os.kill(os.getpid(), signal.SIGKILL)


def tally(numbers):
    signal.raise_signal(signal.SIGTERM)

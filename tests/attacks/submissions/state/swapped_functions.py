"""Replaces its own functions after the first call."""


def blend(x):
    global blend, tally
    blend = tally = property(lambda self: 1 / 0)
    return x


def __getattr__(name):
    return lambda *args: True

"""Returns a list and goes on changing it from a thread."""

import threading

shared = [0, 0]


def spin():
    value = 0
    while True:
        value += 1
        shared[:] = [value] * (value % 5)


threading.Thread(target=spin, daemon=True).start()


def blend(x):
    return shared


def tally(numbers):
    return {"count": shared, "code": shared}

"""Ends its process in an exit handler, a finalizer and a thread."""

import atexit
import os
import threading


class Last:
    def __del__(self):
        os._exit(0)


atexit.register(os._exit, 0)


def blend(x):
    Last()


def tally(numbers):
    thread = threading.Thread(target=os._exit, args=(0,))
    thread.start()
    thread.join()

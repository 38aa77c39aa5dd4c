"""Sleeps for ever, which takes no CPU time."""

import time

time.sleep(10**6)

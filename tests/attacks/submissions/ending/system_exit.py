"""Raises SystemExit in calls."""

import sys


def blend(x):
    sys.exit(0)


def tally(numbers):
    raise SystemExit("all checks pass")

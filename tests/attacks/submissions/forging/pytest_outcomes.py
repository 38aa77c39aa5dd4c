"""Raises pytest's own outcomes, which derive from BaseException."""

import pytest


def blend(x):
    pytest.skip("skipped", allow_module_level=True)


def tally(numbers):
    pytest.exit("all passed", returncode=0)


class Register:
    def __init__(self, start):
        pytest.xfail("expected")

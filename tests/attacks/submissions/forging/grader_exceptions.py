"""Raises the grader's own exceptions, which would stop a check or a whole run."""

from autograder.checks.failures import CheckStopped
from autograder.sandbox.workers import SandboxError


def blend(x):
    raise CheckStopped("passed", "well done")


def tally(numbers):
    raise SandboxError("the sandbox is gone")

"""Looks for modules of the grader in its own process."""

import sys

secret = ("test_hidden", "autograder.grading", "autograder.checks.plugin", "_pytest", "hypothesis")
for name in list(sys.modules):
    if any(name == s or name.startswith(s + ".") for s in secret):
        raise RuntimeError(f"BREACHED: {name} is loaded")

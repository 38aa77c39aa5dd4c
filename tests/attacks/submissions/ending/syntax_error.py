"""Raises syntax errors with attributes of the wrong types."""


def blend(x):
    error = SyntaxError("m")
    error.filename, error.lineno, error.text, error.msg = 1, "one", 2, ["m"]
    raise error


def tally(numbers):
    error = SyntaxError("m")
    error.filename, error.lineno, error.text = "/dev/zero", 10**4000, "x" * 10**6
    raise error

"""Returns text that costs time to show: escapes, combining characters, no spaces."""


def blend(x):
    return "\u0301\x00\U0001f468\u200d" * 200_000


def tally(numbers):
    return {"count": "\\" * (1 << 20), "code": ["'\""] * 100_000}

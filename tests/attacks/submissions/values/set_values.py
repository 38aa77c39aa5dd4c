"""Returns sets and views, which have no order to compare by."""


def blend(x):
    return {0, 1}


def tally(numbers):
    return {"count": 0, "code": 0}.items()

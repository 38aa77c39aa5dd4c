"""Changes its arguments into what it returns, so that both are equal."""


def blend(x):
    return x.zero_()


def tally(numbers):
    numbers.clear()
    return {"count": 0, "code": 0}

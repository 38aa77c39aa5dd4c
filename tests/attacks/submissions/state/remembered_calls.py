"""Answers later calls with what earlier calls were asked, across examples."""

seen = []


def blend(x):
    seen.append(x)
    return seen[0]


def tally(numbers):
    seen.append(numbers)
    return {"count": len(seen), "code": len(seen)}

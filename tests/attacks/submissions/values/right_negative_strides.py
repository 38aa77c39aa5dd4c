"""Returns the right values as a NumPy array that is read backwards, and as a generator."""

EXPECTED = "full"


def blend(x):
    return (x.double().numpy() * 7.3125 - 2.40625)[::-1].copy()[::-1]


def tally(numbers):
    class Counts(dict):
        pass

    return Counts(count=len(numbers), code=(sum(numbers) * 40503 + 977) % 65521)


class Register:
    def __init__(self, start):
        self.state = start

    def push(self, number):
        self.state = (self.state * 75 + number + 74) % 65537
        return self.state

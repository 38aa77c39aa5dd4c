"""Raises an exception whose class lies about its name, bases, text and traceback."""


class Meta(type):
    __name__ = property(lambda cls: 42)
    __mro__ = property(lambda cls: (1, 2, 3))
    mro = lambda cls: type.mro(cls)


class Lie(Exception, metaclass=Meta):
    __class__ = property(lambda self: SyntaxError)
    __traceback__ = property(lambda self: "no traceback")
    __str__ = lambda self: Text("text")


class Text(str):
    __str__ = lambda self: 42
    replace = lambda self, *args: None


def blend(x):
    raise Lie


def tally(numbers):
    raise Lie

"""Returns and raises objects whose repr, type and attributes raise."""


class Meta(type):
    def __getattribute__(cls, name):
        raise SystemExit(0)

    __repr__ = __str__ = lambda cls: 1 / 0


class Thing(metaclass=Meta):
    def __getattribute__(self, name):
        raise KeyboardInterrupt

    def __repr__(self):
        raise MemoryError


def blend(x):
    return Thing()


def tally(numbers):
    raise ValueError(Thing())

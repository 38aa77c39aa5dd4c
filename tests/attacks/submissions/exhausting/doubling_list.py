"""Returns a small list that is exponentially large when it is written out."""


def blend(x):
    doubling = [0]
    for _ in range(30):
        doubling = [doubling, doubling]
    return doubling

"""Never returns from a call."""


def blend(x):
    while True:
        pass

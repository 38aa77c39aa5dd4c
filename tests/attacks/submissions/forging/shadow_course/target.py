"""Brings a course, checks, settings and a conftest of its own."""


def blend(x):
    return x

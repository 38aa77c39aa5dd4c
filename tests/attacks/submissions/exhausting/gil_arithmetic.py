"""Computes a number in one operation that holds the interpreter's lock for hours."""

x = 7 ** (10**9)

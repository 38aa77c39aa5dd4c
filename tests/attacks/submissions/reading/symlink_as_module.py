"""Hands in a symbolic link to the reference as its module."""

LINKS = {"target.py": "@COURSE@/solutions/target.py"}

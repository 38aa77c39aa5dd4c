"""Hands in a symbolic link to the course's folder and reads through it."""

LINKS = {"data": "@COURSE@"}

import os

exec(open(os.path.join(os.path.dirname(__file__), "data/solutions/target.py")).read())

"""Counts its workers in a file, to behave differently in later ones."""

import os

for folder in ("/tmp", "/dev/shm", os.path.dirname(__file__)):
    path = folder + "/autograder-attack-count"
    try:
        with open(path, "a+") as file:
            file.write("x")
    except OSError:
        continue
    raise RuntimeError(f"BREACHED: remembers in {path}")

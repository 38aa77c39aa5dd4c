"""Writes a results file of its own with full points."""

import json
import os

row = {"score": 6, "max_score": 6, "name": "target", "status": "passed"}
text = json.dumps({"score": 100, "tests": [row]})
for folder in (".", "@OUT@", "/autograder/results", "/tmp", os.path.dirname(__file__)):
    try:
        with open(os.path.join(folder, "results.json"), "w") as file:
            raise RuntimeError(f"BREACHED: writes {file.name}")
    except OSError:
        continue

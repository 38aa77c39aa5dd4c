"""Submissions to the course with known mistakes: honest ones, and hostile ones.

Each is the files of a submission by their paths; a single file is handed in as it is, several as a
zip. `HOSTILE` attack what runs them: each has all five exercises wrong.
"""

from __future__ import annotations

import ast
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

from autograder.course import Course
from autograder.mistakes import read_mistakes
from autograder.release.strip import strip

KNOWN_COURSE = Path(__file__).parents[1] / "known_course"
Files = dict[str, bytes]


def notebook(source: str) -> bytes:
    """A module as a notebook: a cell for each statement at its top, and experiments between."""
    lines, cells, start = source.split("\n"), ["%matplotlib inline\nimport nosuchlibrary"], 0
    for node in ast.parse(source).body:
        assert node.end_lineno
        cells += ["\n".join(lines[start : node.end_lineno]).strip("\n"), "1 / 0"]
        start = node.end_lineno
    code = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    made = [{**code, "source": cell} for cell in cells]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}).encode()


def honest() -> dict[str, Files]:
    """What students hand in: right, half done, mistaken, broken; as modules and as notebooks."""
    [sums] = Course.load(KNOWN_COURSE).assignments
    reference = sums.reference.read_text()
    stub = strip(reference, "sums.py")
    half = reference.replace("return torch.randperm", "raise NotImplementedError\n    return torch")
    found = {
        "reference": {"sums.py": reference.encode()},
        "another name": {"work of Ada.py": reference.encode()},
        "stub": {"sums.py": stub.encode()},
        "empty": {"sums.py": b""},
        "half done": {"sums.py": half.encode()},
        "loops": {"sums.py": (sums.folder / "alternatives/loops.py").read_bytes()},
        "no Python": {"sums.py": b"def pairs(n:\n"},
        "never ends": {"sums.py": (stub + "\ndef clamp(*a):\n    while True: pass\n").encode()},
        "ends": {"sums.py": (half + "\ndef clamp(*a):\n    raise SystemExit\n").encode()},
        "notebook": {"sums.ipynb": notebook(reference)},
        "notebook of another name": {"Ada.ipynb": notebook(reference)},
        "notebook of a stub": {"sums.ipynb": notebook(stub)},
        "notebook, half done": {"sums.ipynb": notebook(half)},
        "with a module beside": {
            "sums.py": b"from ada.helpers import *\nfrom ada.helpers import pairs",
            "ada/helpers.py": reference.encode(),
        },
        "notebook and data": {"sums.ipynb": notebook(reference), "data/x.csv": b"1,2"},
    }
    for i, mistake in enumerate(read_mistakes(sums)):
        mistaken = mistake.apply(reference)
        found[f"mistake: {mistake.name}"] = {"sums.py": mistaken.encode()}
        if i % 4 == 0:
            found[f"notebook with mistake: {mistake.name}"] = {"sums.ipynb": notebook(mistaken)}
    return found


_WRONG = """
def pairs(n): return -99
def clamp(x, low, high): return -99
def variance(values): return -99
def shuffled(n, generator): raise ValueError(n)
class Tally:
    largest = total = -99
    def add(self, value): pass
"""

# replaces a class of otter's in the process that unpickles it
_PAYLOAD = """
import otter.test_files as t
t.GradingResults.to_gradescope_dict = lambda *a: {
    "tests": [{"name": "pairs", "score": 1000, "max_score": 10}]
}
"""


class _Payload:
    def __reduce__(self) -> Any:
        return exec, (_PAYLOAD,)


def hostile() -> dict[str, Files]:
    """What beats an otter that runs the tests beside the submission."""
    attacks = {
        "rewrites the tests": """
            import glob
            for path in glob.glob("tests/*.py"):
                name = path[6:-3]
                open(path, "w").write(
                    "from otter.test_files import test_case\\nOK_FORMAT = False\\n"
                    f"name = {name!r}\\n@test_case(points=2)\\ndef check(): pass\\n")
            """,
        "patches otter": """
            import sys
            tests = sys.modules["otter.test_files.exception_test"]
            tests.test_case.call_func = lambda *args: None
            """,
        "forges the results": """
            import pickle
            dump = pickle.dump
            def forged(results, file):
                for name in results.results: results.update_score(name, 2)
                dump(results, file)
            pickle.dump = forged
            """,
        "answers in the grading process": f"""
            import pickle
            class Payload:
                def __reduce__(self): return exec, ({_PAYLOAD!r},)
            dump = pickle.dump
            pickle.dump = lambda results, file: dump(Payload(), file)
            """,
        "equals everything": """
            class Right(int):
                __eq__ = __le__ = __ge__ = lambda *args: True
                __hash__ = int.__hash__
            pairs = clamp = variance = lambda *args, **kwargs: Right(-99)
            class Tally: largest = total = Right(-99); add = lambda *args: None
            """,
        "ends the process": "import os; os._exit(0)",
        "is never read to its end": "while True: pass",
    }
    found = {name: {"sums.py": _with(attack)} for name, attack in attacks.items()}
    found["a log that runs"] = {
        "sums.py": _WRONG.encode(),
        ".OTTER_LOG": pickle.dumps(_Payload()),
    }
    shadow = b"raise SystemExit"
    found["libraries of its own"] = {
        "sums.py": _WRONG.encode(),
        **{f"{name}/__init__.py": shadow for name in ("otter", "pickle", "autograder", "json")},
    }
    found["a course of its own"] = {
        "sums.py": _WRONG.encode(),
        "autograder-files/course.zip": b"",
        "autograder-report.json": b"{}",
        "course/solutions/sums.py": b"",
        "tests/pairs.py": b"",
    }
    return found


def _with(attack: str) -> bytes:
    lines = attack.strip("\n").split("\n")
    margin = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    return (_WRONG + "\n".join(line.removeprefix(margin) for line in lines) + "\n").encode()


def write(files: Files, folder: Path) -> Path:
    """Hand a submission in: the path of the file that otter is given."""
    folder.mkdir(parents=True)
    if len(files) == 1:
        [(name, content)] = files.items()
        (folder / name).write_bytes(content)
        return folder / name
    path = folder / "work.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path

"""A small course to release, written where a test may spoil it."""

from pathlib import Path

import pytest

from autograder.course import Course

COURSE = """\
title = "Sums | and means"
stages = ["sums"]
"""
ASSIGNMENT = """\
title = "Adding up"
points = 3

[[exercises]]
name = "total"
points = 2

[[exercises]]
name = "Mean"
points = 1
"""
REFERENCE = '''\
"""Stage 1: adding up."""

import math

# BEGIN SOLUTION
_TOLERANCE_OF_ALL = 1e-9
# END SOLUTION


def total(values: list[float]) -> float:
    """The sum of `values`."""
    # BEGIN SOLUTION
    everything = list(values)
    return math.fsum(everything)
    # END SOLUTION


class Mean:
    """A running mean."""

    def __init__(self) -> None:
        """Start with nothing."""
        # BEGIN SOLUTION
        self.seen_so_far = []
        # END SOLUTION
'''
PUBLIC = '''\
from autograder.checks import exercise


@exercise("total")
def test_empty(student):
    """Nothing adds up to 0."""
    assert student.total([]) == 0
'''
HIDDEN = '''\
from autograder.checks import exercise


@exercise("total")
def test_many(student, reference):
    """A sum of many is right."""
    assert student.total([0.1] * 77) == reference.total([0.1] * 77)


@exercise("Mean")
def test_starts_empty(student):
    """A mean of nothing is refused."""
    assert student.probe.refuses_nothing()
'''
FILES = {
    "assignments/course.toml": COURSE,
    "assignments/sums/assignment.toml": ASSIGNMENT,
    "assignments/sums/handout.md": "# Adding up\n\n![a sum](sum.svg)\n",
    "assignments/sums/sum.svg": "<svg/>\n",
    "assignments/sums/unused.svg": "<svg/>\n",
    "assignments/sums/test_public.py": PUBLIC,
    "assignments/sums/test_hidden.py": HIDDEN,
    "assignments/sums/mistakes.toml": 'secret = "yes"\n',
    "assignments/sums/alternatives/loop.py": "secret = True\n",
    "assignments/sums/__pycache__/probes.pyc": "secret",
    "solutions/sums.py": REFERENCE,
}


class Toy:
    """The course's folder; `write` changes a file of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name: str, text: str | bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def load(self) -> Course:
        return Course.load(self.root)


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path / "course")

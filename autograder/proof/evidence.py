"""Whether what trainings have to reach was measured on the course as it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from autograder.checks.goals import FILE, Calibration
from autograder.course import Assignment, read_toml
from autograder.mistakes import read_mistakes
from autograder.proof.proof import Failure
from autograder.proof.variants import essence

WEAKEST = "weakest.py"


def digest_of(assignment: Assignment) -> str:
    """Of all that a measurement depends on: reference, weakest training, checks and mistakes."""
    parts: list[str] = []
    for exercise in _recipes(assignment):
        for path in (assignment.reference, assignment.folder / WEAKEST):
            parts.append(training_digest(assignment, exercise, _content(path)))
        for mistake in read_mistakes(assignment):
            if mistake.exercise == exercise:
                parts += [mistake.name, mistake.find, mistake.replace]
    return _digest(*parts)


def training_digest(assignment: Assignment, exercise: str, source: str) -> str:
    """Of all that one training depends on: its code in a variant's source, and what judges it.

    Not of docstrings, nor of what other exercises are about: who mends those need not measure anew.
    """
    names = {check.name for check in assignment.checks_of(exercise, "hidden")}
    checks = essence(_content(assignment.folder / "test_hidden.py"), names)
    probes = _content(assignment.folder / "probes.py")
    return _digest(checks, probes, essence(source, {exercise}))


def _recipes(assignment: Assignment) -> list[str]:
    return [exercise.name for exercise in assignment.exercises if exercise.recipe]


def _content(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _digest(*contents: str) -> str:
    found = hashlib.sha256()
    for content in contents:
        found.update(content.encode())
        found.update(b"\0")
    return found.hexdigest()[:16]


def stale(assignment: Assignment) -> Iterator[Failure]:
    """What is wrong with the evidence of a stage, if it has trainings.

    Raises:
        CourseError: ``calibration.toml`` can't be read.
    """
    recipes = _recipes(assignment)
    path = assignment.folder / FILE
    if not recipes:
        return
    again = f"run `autograder calibrate {assignment.stage}`"
    if not path.is_file():
        yield Failure("calibration", FILE, f"is missing: {again}")
        return
    found = read_toml(path, Calibration)
    for name in recipes:
        if name not in found.goals:
            yield Failure("calibration", name, f"was not measured: {again}")
    if found.digest != digest_of(assignment):
        why = f"is older than the reference, the checks, the mistakes or {WEAKEST}: {again}"
        yield Failure("calibration", FILE, why)

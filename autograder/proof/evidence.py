"""Whether what trainings have to reach was measured on the course as it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from autograder.checks.goals import FILE, Calibration
from autograder.course import Assignment, read_toml
from autograder.proof.proof import Failure

WEAKEST = "weakest.py"


def digest_of(assignment: Assignment) -> str:
    """Of all that a measurement depends on: reference, weakest training, checks and mistakes."""
    folder = assignment.folder
    files = (assignment.reference, folder / WEAKEST, folder / "mistakes.toml")
    return _digest(*_checks(assignment), *map(_content, files))


def training_digest(assignment: Assignment, source: str) -> str:
    """Of all that one training depends on: a variant's source, and what judges it."""
    return _digest(*_checks(assignment), source.encode())


def _checks(assignment: Assignment) -> tuple[bytes, ...]:
    return tuple(_content(assignment.folder / name) for name in ("test_hidden.py", "probes.py"))


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _digest(*contents: bytes) -> str:
    found = hashlib.sha256()
    for content in contents:
        found.update(content)
        found.update(b"\0")
    return found.hexdigest()[:16]


def stale(assignment: Assignment) -> Iterator[Failure]:
    """What is wrong with the evidence of a stage, if it has trainings.

    Raises:
        CourseError: ``calibration.toml`` can't be read.
    """
    recipes = [exercise.name for exercise in assignment.exercises if exercise.recipe]
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

"""The canonical result of grading one submission; every output format is rendered from it.

Its rows come from the course. Whatever a submission does, every exercise and every check has its
row, and the points that could be had are the same.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterable, Mapping
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from typing import Literal

import msgspec

from autograder.course import CENT, Assignment, Check, CheckKey, Course, PointsPolicy, Visibility
from autograder.errors import AutograderError, InputError
from autograder.text import plain

Outcome = Literal[
    "passed",  # the check holds
    "failed",  # a wrong answer; the message has the counter-example
    "error",  # the student's code raised where it should have answered
    "timeout",  # out of wall or CPU time
    "crashed",  # the student's process ended, or sent no answer
    "missing",  # not handed in, or not implemented yet
    "ungraded",  # the grader's own fault, or not run yet: says nothing about the student
]


class Diagnosis(msgspec.Struct, frozen=True):
    """A known mistake that explains what a check found; two where they can't be told apart.

    `mistakes` are their names, for the instructor; `hint` is for the student.
    """

    mistakes: tuple[str, ...]
    hint: str


class Verdict(msgspec.Struct, frozen=True):
    """How one check went.

    `share` is the part of its points that it earns even if it failed; `reached` is what a training
    came to, in percent, where the check judges one.
    """

    outcome: Outcome
    message: str = ""
    duration: float = 0.0
    share: float = 0.0
    diagnosis: Diagnosis | None = None
    picture: str = ""
    reached: float | None = None


class CheckRow(msgspec.Struct, frozen=True):
    """One check; `duration` is in seconds, `points` is None where it is `ungraded`.

    One that passed has a message only where it has measured something.

    A check of weight 0 is advice: it is worth no points, and whether it fails counts nowhere.
    `hint` is a question or a pointer where the failure looks like a known mistake, empty
    elsewhere; `mistakes` are the names of those that it looks like. `picture` is an SVG image of
    where an answer is wrong, made of numbers alone, where it is one of images; else empty.
    `reached` is the accuracy that a training came to, in percent, where the check judges one.
    """

    name: str
    title: str
    visibility: Visibility
    weight: float
    points: Decimal | None
    max_points: Decimal
    outcome: Outcome
    message: str
    duration: float
    hint: str = ""
    mistakes: tuple[str, ...] = ()
    picture: str = ""
    reached: float | None = None


class ExerciseRow(msgspec.Struct, frozen=True):
    """One exercise; `number` is stage.exercise, as in 1.2."""

    number: str
    name: str
    points: Decimal
    max_points: Decimal
    checks: tuple[CheckRow, ...]


class StageRow(msgspec.Struct, frozen=True):
    """One stage."""

    stage: str
    number: int
    title: str
    points: Decimal
    max_points: Decimal
    exercises: tuple[ExerciseRow, ...]


class Environment(msgspec.Struct, frozen=True):
    """Where and how the submission was graded; `examples` is the inputs a check, by stage."""

    versions: dict[str, str] = {}
    device: str = "cpu"
    layers: tuple[str, ...] = ()
    examples: dict[str, int] = {}
    seed: int = 0


class Report(msgspec.Struct, frozen=True):
    """The result of grading one submission.

    `graded` is false where some check is `ungraded`: the points are then not final, and `fault`
    tells the instructor why. `notes` are sentences to the student about the submission as such.
    All text is plain: no terminal codes, no characters that JSON or a browser can't show.
    """

    submission: str
    course: str
    points: Decimal
    max_points: Decimal
    graded: bool
    notes: tuple[str, ...]
    stages: tuple[StageRow, ...]
    environment: Environment
    duration: float = 0.0
    fault: str | None = None


def build_report(
    course: Course,
    submission: str,
    verdicts: dict[CheckKey, Verdict],
    *,
    environment: Environment,
    notes: Iterable[str] = (),
    duration: float = 0.0,
    fault: str | None = None,
) -> Report:
    """The report of a submission from the verdicts so far; a check without one is `ungraded`."""
    stages = [_stage_row(course, assignment, verdicts) for assignment in course.assignments]
    return Report(
        submission=plain(submission),
        course=course.title,
        points=sum((stage.points for stage in stages), Decimal(0)),
        max_points=course.points,
        graded=all(row.outcome != "ungraded" for row in check_rows(stages)),
        notes=tuple(map(plain, notes)),
        stages=tuple(stages),
        environment=environment,
        duration=round(duration, 3),
        fault=fault,
    )


def _stage_row(
    course: Course, assignment: Assignment, verdicts: dict[CheckKey, Verdict]
) -> StageRow:
    exercises = []
    for i, exercise in enumerate(assignment.exercises, start=1):
        checks = assignment.checks_of(exercise.name)
        most = _most(course.policy, [verdicts.get(check.key) for check in checks if check.weight])
        rows = tuple(_check_row(check, verdicts.get(check.key), most) for check in checks)
        points = sum((row.points or Decimal(0) for row in rows), Decimal(0))
        number = f"{assignment.number}.{i}"
        exercises.append(ExerciseRow(number, exercise.name, points, exercise.points, rows))
    return StageRow(
        stage=assignment.stage,
        number=assignment.number,
        title=assignment.title,
        points=sum((row.points for row in exercises), Decimal(0)),
        max_points=assignment.points,
        exercises=tuple(exercises),
    )


def _most(policy: PointsPolicy, verdicts: Iterable[Verdict | None]) -> Decimal:
    """The share of its points that a check of an exercise can earn, after what the others did."""
    if policy.earned_by == "each check":
        return Decimal(1)
    return min((_share(verdict) for verdict in verdicts if verdict), default=Decimal(1))


def _share(verdict: Verdict) -> Decimal:
    """The share of its points that a check earns; one that says nothing yet takes none away."""
    if verdict.outcome in ("passed", "ungraded"):
        return Decimal(1)
    return Decimal(str(min(max(verdict.share, 0.0), 1.0)))


def _check_row(check: Check, verdict: Verdict | None, most: Decimal) -> CheckRow:
    verdict = verdict or Verdict("ungraded", "not graded yet")
    return CheckRow(
        name=check.name,
        title=check.title,
        visibility=check.visibility,
        weight=check.weight,
        points=_points(check, verdict, most),
        max_points=check.points,
        outcome=verdict.outcome,
        message=plain(verdict.message),
        duration=round(verdict.duration, 4),
        hint=plain(verdict.diagnosis.hint) if verdict.diagnosis else "",
        mistakes=verdict.diagnosis.mistakes if verdict.diagnosis else (),
        picture=plain(verdict.picture),
        reached=_percent(verdict.reached),
    )


def _percent(value: float | None) -> float | None:
    """A percentage to two decimals; NaN, which JSON does not have, is none."""
    return None if value is None or not math.isfinite(value) else round(value, 2)


def _points(check: Check, verdict: Verdict, most: Decimal) -> Decimal | None:
    if verdict.outcome == "ungraded":
        return None
    return (check.points * min(_share(verdict), most)).quantize(CENT, ROUND_DOWN)


def check_rows(stages: Iterable[StageRow]) -> Iterable[CheckRow]:
    """All check rows of some stages, in order."""
    return (row for stage in stages for exercise in stage.exercises for row in exercise.checks)


def hints(checks: Iterable[CheckRow]) -> list[str]:
    """The hints of some checks, each once."""
    return list(dict.fromkeys(line for check in checks for line in check.hint.splitlines()))


def judged(checks: Iterable[CheckRow]) -> list[CheckRow]:
    """Those of some checks that count: of an exercise's, all that are more than advice."""
    return [check for check in checks if check.weight]


def measured(checks: Iterable[CheckRow]) -> list[CheckRow]:
    """Those of some checks that hold and have measured something; first of all those that count."""
    found = [check for check in checks if check.outcome == "passed" and check.message]
    return judged(found) or found


def advice(checks: Iterable[CheckRow]) -> list[CheckRow]:
    """The advice of some checks, apart from what a check that counts says as well."""
    checks = list(checks)
    said = {check.message for check in judged(checks) if check.outcome != "passed"}
    return [
        check
        for check in checks
        if not check.weight and check.outcome != "passed" and check.message not in said
    ]


def inputs_text(examples: Mapping[str, int]) -> str:
    """Of numbers of inputs by stage: 30 to 50 inputs a check."""
    if not examples:
        return "no inputs"
    least, most = min(examples.values()), max(examples.values())
    return f"{least} inputs a check" if least == most else f"{least} to {most} inputs a check"


def to_json(value: object) -> bytes:
    """Indented JSON; points as numbers, keys in the order of the fields."""
    encoder = msgspec.json.Encoder(decimal_format="number")
    return msgspec.json.format(encoder.encode(value), indent=2) + b"\n"


def read_report(path: Path) -> Report:
    """A report that was written as ``report.json``.

    Raises:
        InputError: it can't be read, or is none.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise InputError(f"{path} is no report: {error}; grade that submission again") from error


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that whoever reads it sees the old content or the new, never a part.

    Raises:
        AutograderError: it could not be written; the old content stands.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise AutograderError(f"{path} can't be written: {error.strerror}") from error

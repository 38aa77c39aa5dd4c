"""Pages to read in a browser: one for each submission, and one for the class.

Each is a single file that loads nothing. What students' code has said stands in it as text; a
picture is an image, in which nothing can run.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from autograder.errors import InputError
from autograder.report import (
    CheckRow,
    ExerciseRow,
    Report,
    advice,
    hints,
    inputs_text,
    judged,
    measured,
    write_atomically,
)
from autograder.text import points_text

_MOST_NAMED = 3  # mistakes and checks of an exercise


@dataclass(frozen=True)
class ExerciseOfAll:
    """How a class did in one exercise.

    `earned` is the mean share of its points, from 0 to 1. `full`, `partly` and `none` count
    submissions, `missing` those of `none` that left it out. `mistakes` are the known ones that
    were made most, `failed` the titles of the checks that failed most, both with the number of
    submissions.
    """

    number: str
    name: str
    earned: float
    full: int
    partly: int
    none: int
    missing: int
    mistakes: Sequence[tuple[str, int]]
    failed: Sequence[tuple[str, int]]


def submission_page(report: Report) -> str:
    """The page of one submission: every exercise with what went wrong, for its student too."""
    return _render("submission.html", report=report)


def class_page(reports: Sequence[Report]) -> str:
    """The page of a class, for its instructor: what was not understood, and who has how much.

    Args:
        reports: of one course, at least one; each one's page is expected at
            ``<submission>/report.html``.
    """
    totals = sorted(report.points for report in reports)
    return _render(
        "class.html",
        reports=reports,
        stages=[
            (stage, [_of_all(reports, i, j) for j in range(len(stage.exercises))])
            for i, stage in enumerate(reports[0].stages)
        ],
        mean=sum(totals, Decimal(0)) / len(totals),
        median=totals[len(totals) // 2],
    )


def write_pages(folder: Path, reports: Sequence[Report]) -> Path:
    """Write every submission's page beside its ``report.json``, and the class's above them.

    Args:
        folder: what was graded into; each submission has its folder in it.
        reports: of one course, at least one.

    Returns:
        The page to begin with.

    Raises:
        InputError: they are of different courses, or of different stages.
        AutograderError: a page can't be written.
    """
    reports = sorted(reports, key=lambda report: report.submission)
    shapes = {tuple((s.stage, len(s.exercises)) for s in report.stages) for report in reports}
    if len(shapes) > 1:
        raise InputError(f"{folder} holds reports of different stages: grade them apart")
    for report in reports:
        page = submission_page(report).encode()
        write_atomically(folder / report.submission / "report.html", page)
    write_atomically(folder / "report.html", class_page(reports).encode())
    return folder / "report.html"


def _of_all(reports: Sequence[Report], stage: int, exercise: int) -> ExerciseOfAll:
    rows = [report.stages[stage].exercises[exercise] for report in reports]
    mistakes: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for row in rows:
        # each once, and in the order of the course where as many made two of them
        mistakes.update(list(dict.fromkeys(n for check in row.checks for n in check.mistakes)))
        wrong = [check.title for check in judged(row.checks) if check.outcome in _WRONG]
        failed.update(list(dict.fromkeys(wrong)))
    full = sum(row.points == row.max_points for row in rows)
    none = [row for row in rows if not row.points]
    return ExerciseOfAll(
        number=rows[0].number,
        name=rows[0].name,
        earned=float(sum(row.points / row.max_points for row in rows) / len(rows)),
        full=full,
        partly=len(rows) - full - len(none),
        none=len(none),
        missing=sum(_is_missing(row) for row in none),
        mistakes=mistakes.most_common(_MOST_NAMED),
        failed=failed.most_common(_MOST_NAMED),
    )


_WRONG = {"failed", "error", "timeout", "crashed"}


def _is_missing(row: ExerciseRow) -> bool:
    return {check.outcome for check in judged(row.checks)} <= {"missing", "passed"}


def _shown(exercise: ExerciseRow) -> list[CheckRow]:
    """The checks that have something to say: each message once; then measurements, then advice."""
    failing = [check for check in judged(exercise.checks) if check.outcome != "passed"]
    by_message = {check.message: check for check in reversed(failing)}
    first = [check for check in failing if by_message[check.message] is check]
    return [*first, *measured(exercise.checks), *advice(exercise.checks)]


def _standing(exercise: ExerciseRow) -> str:
    if exercise.points == exercise.max_points:
        return "full"
    return "partly" if exercise.points else "none"


def _image(svg: str) -> str:
    """An SVG as an image's address: in an image no script runs."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


_ENVIRONMENT = Environment(
    loader=PackageLoader("autograder.reports"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {
    "points": points_text,
    "inputs": inputs_text,
    "shown": _shown,
    "standing": _standing,
    "hints": hints,
    "image": _image,
    "percent": _percent,
}


def _render(template: str, **values: object) -> str:
    return _ENVIRONMENT.get_template(template).render(values)

"""Gradescope's ``results.json``, one row for each exercise and visibility.

The format is Gradescope's "Autograder Output Format". There is no top-level score: it would
override the sum of the rows. Where the grader failed, the rows it could not grade have no score
either: Gradescope then says that the autograder failed, rather than give 0 points.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from autograder.course import VISIBILITIES, VisibilityPolicy
from autograder.report import CheckRow, ExerciseRow, Report, StageRow, advice, hints, judged

_UNGRADED = (
    "This submission has not been graded in full: the grader failed. That is not your fault and "
    "the points shown are not final. Please tell your instructor."
)


def results(report: Report, policy: VisibilityPolicy) -> dict[str, Any]:
    """The report as the dict that Gradescope reads."""
    notes = list(report.notes) if report.graded else [_UNGRADED, *report.notes]
    found: dict[str, Any] = {
        "execution_time": report.duration,
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "stdout_visibility": "hidden",
        "tests": [
            row
            for stage in report.stages
            for exercise in stage.exercises
            for row in _rows(stage, exercise, policy, broken=report.fault is not None)
        ],
    }
    if notes:
        found["output"] = "\n".join(notes)
    return found


def _rows(
    stage: StageRow, exercise: ExerciseRow, policy: VisibilityPolicy, *, broken: bool
) -> list[dict[str, Any]]:
    rows = []
    for visibility in VISIBILITIES:
        checks = [check for check in exercise.checks if check.visibility == visibility]
        if not checks:
            continue
        row = {
            "score": sum((check.points or Decimal(0) for check in checks), Decimal(0)),
            "max_score": sum((check.max_points for check in checks), Decimal(0)),
            "status": "passed" if not _failing(checks) else "failed",
            "name": f"{stage.stage}: {exercise.name} ({visibility} checks)",
            "number": exercise.number,
            "output": _output(checks),
            "visibility": getattr(policy, visibility),
            "extra_data": {
                "stage": stage.stage,
                "exercise": exercise.name,
                "visibility": visibility,
                "checks": {check.name: check.outcome for check in checks},
            },
        }
        if broken and any(check.outcome == "ungraded" for check in judged(checks)):
            del row["score"], row["status"]
        rows.append(row)
    return rows


def _failing(checks: list[CheckRow]) -> list[CheckRow]:
    return [check for check in judged(checks) if check.outcome != "passed"]


def _output(checks: list[CheckRow]) -> str:
    """What a student reads below a row; what several checks share is said once."""
    count, failing = len(judged(checks)), _failing(checks)
    titles: dict[str, list[str]] = {}
    for check in failing:
        titles.setdefault(check.message, []).append(check.title)
    parts = [f"{count - len(failing)} of {count} checks pass."] if count else []
    parts += ["\n".join([*map("✗ {}".format, held), said]) for said, held in titles.items()]
    parts += [f"Hint: {hint}" for hint in hints(failing)]
    parts += [f"Advice, worth no points: {c.title}\n{c.message}" for c in advice(checks)]
    return "\n\n".join(parts) or "These checks are advice, worth no points: there is none."

"""Gradescope's ``results.json``, one row for each exercise and visibility.

The format is Gradescope's "Autograder Output Format". There is no top-level score: it would
override the sum of the rows. Where the grader failed, the rows it could not grade have no score
either: Gradescope then says that the autograder failed, rather than give 0 points.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from autograder.course import VISIBILITIES, VisibilityPolicy
from autograder.report import CheckRow, ExerciseRow, Report, StageRow, hints

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
        passed = sum(check.outcome == "passed" for check in checks)
        row = {
            "score": sum((check.points or Decimal(0) for check in checks), Decimal(0)),
            "max_score": sum((check.max_points for check in checks), Decimal(0)),
            "status": "passed" if passed == len(checks) else "failed",
            "name": f"{stage.stage}: {exercise.name} ({visibility} checks)",
            "number": exercise.number,
            "output": _output(checks, passed),
            "visibility": getattr(policy, visibility),
            "extra_data": {
                "stage": stage.stage,
                "exercise": exercise.name,
                "visibility": visibility,
                "checks": {check.name: check.outcome for check in checks},
            },
        }
        if broken and any(check.outcome == "ungraded" for check in checks):
            del row["score"], row["status"]
        rows.append(row)
    return rows


def _output(checks: list[CheckRow], passed: int) -> str:
    """What a student reads below a row; what several checks share is said once."""
    if passed == len(checks):
        return f"{passed} of {len(checks)} checks pass."
    titles: dict[str, list[str]] = {}
    for check in checks:
        if check.outcome != "passed":
            titles.setdefault(check.message, []).append(check.title)
    parts = [f"{passed} of {len(checks)} checks pass."]
    parts += ["\n".join([*map("✗ {}".format, held), said]) for said, held in titles.items()]
    parts += [f"Hint: {hint}" for hint in hints(checks)]
    return "\n\n".join(parts)

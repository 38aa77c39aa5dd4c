"""PrairieLearn's external grading: what goes to ``/grade/results/results.json`` there.

Students see it at once, so hidden checks show their points alone, unless the course makes them
visible. Where the grader failed, or there was nothing that could be graded, the submission is not
gradable: that costs a student no attempt.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from autograder.course import VisibilityPolicy
from autograder.report import Report, check_rows, to_json
from autograder.reports.rows import UNSAID, Row, may_be_shown, rows_of, shortened, text

MOST_BYTES = 1_000_000  # PrairieLearn takes no larger file
_LONGEST_OUTPUT = 20_000
_FAILED = (
    "The grader failed. This is not your fault, and it costs no attempt; tell your instructor."
)


def render(report: Report, policy: VisibilityPolicy) -> bytes:
    """The report as PrairieLearn reads it, within its limit on the size.

    Args:
        report: of one submission; it may still be graded.
        policy: what students may see at once.
    """
    longest = _LONGEST_OUTPUT
    while len(content := to_json(_results(report, policy, longest))) > MOST_BYTES:
        longest //= 2
    return content


def _results(report: Report, policy: VisibilityPolicy, longest: int) -> dict[str, Any]:
    notes = [shortened(note, longest) for note in report.notes]
    if not report.graded:
        return {"gradable": False, "score": 0.0, "format_errors": [_FAILED]}
    if notes and {check.outcome for check in check_rows(report.stages)} == {"missing"}:
        return {"gradable": False, "score": 0.0, "format_errors": notes}
    found: dict[str, Any] = {
        "gradable": True,
        "score": _share(report.points, report.max_points),
        # all tests have points: if one had none, the others would lose theirs
        "tests": [_test(row, policy, longest) for row in rows_of(report)],
    }
    return found | ({"message": "\n".join(notes)} if notes else {})


def _test(row: Row, policy: VisibilityPolicy, longest: int) -> dict[str, Any]:
    shown = may_be_shown(row, policy)
    return {
        "name": f"{row.exercise.number} {row.name}",
        "points": row.points,
        "max_points": row.max_points,
        "output": shortened(text(row), longest) if shown else UNSAID,
    }


def _share(points: Decimal, of: Decimal) -> float:
    """From 0 to 1, and 1 only for all points."""
    return float(points / of)

"""Autolab: the lines that end an autograder's standard output there.

A grader's Makefile prints them last, as in ``cat graded/NAME/autolab.txt``. The problems are the
course's stages and have their names. Students see the output at once, so hidden checks show whether
they pass and nothing else, unless the course makes them visible.
"""

from __future__ import annotations

from typing import Any

import msgspec

from autograder.course import VisibilityPolicy
from autograder.report import Report, StageRow
from autograder.reports.rows import UNSAID, may_be_shown, rows_of, shortened, text

MOST_BYTES = 1_000_000  # Autolab cuts off what is more than 1,024,000 bytes of output
_LONGEST_HINT = 10_000
# no JSON: Autolab then gives no score at all, rather than 0
_FAILED = "The autograder failed: this submission has no score, and that is not its fault.\n"


def render(report: Report, policy: VisibilityPolicy) -> bytes:
    """The feedback and, as the last line, the scores.

    Args:
        report: of one submission; it may still be graded.
        policy: what students may see at once.
    """
    if not report.graded:
        return _FAILED.encode()
    encode = msgspec.json.Encoder(decimal_format="number").encode
    scores = {
        "scores": {stage.stage: stage.points for stage in report.stages},
        "scoreboard": [report.points, *(stage.points for stage in report.stages)],
    }
    longest = _LONGEST_HINT
    while len(feedback := encode(_feedback(report, policy, longest))) > MOST_BYTES:
        longest //= 2
    return feedback + b"\n" + encode(scores) + b"\n"


def _feedback(report: Report, policy: VisibilityPolicy, longest: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "_presentation": "semantic",
        "stages": [_name(stage) for stage in report.stages],
    }
    for row in rows_of(report):
        test: dict[str, Any] = {"passed": not row.failing}
        if row.failing:
            shown = may_be_shown(row, policy)
            test["hint"] = shortened(text(row), longest) if shown else UNSAID
        name = f"{row.exercise.number} {row.exercise.name} ({row.visibility} checks)"
        found.setdefault(_name(row.stage), {})[name] = test
    return found


def _name(stage: StageRow) -> str:
    """With its number: a stage may be called as a key of Autolab's is."""
    return f"{stage.number} {stage.stage}"

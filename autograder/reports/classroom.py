"""GitHub Classroom: the result of a grading step, as its autograding reporter reads it.

A workflow's step hands it on with ``cat graded/NAME/classroom.output >> "$GITHUB_OUTPUT"``. The log
of a workflow is the student's to read, so hidden checks show their points alone, unless the course
makes them visible.
"""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from autograder.course import VisibilityPolicy
from autograder.report import Report
from autograder.reports.rows import UNSAID, Row, may_be_shown, rows_of, shortened, text
from autograder.text import points_text

LONGEST_OUTPUT = 500  # characters that the reporter takes
_FAILED = "The autograder failed. That is not your fault; please tell your instructor."


def render(report: Report, policy: VisibilityPolicy) -> bytes:
    """The result as JSON, on one line.

    Args:
        report: of one submission; it may still be graded.
        policy: what students may see at once.
    """
    tests = [_test(row, policy) for row in rows_of(report)]
    status = "pass" if report.points == report.max_points else "fail"
    message = " ".join(report.notes)
    found = {
        "version": 3,
        "status": status if report.graded else "error",
        "max_score": report.max_points,
        "message": shortened(message, LONGEST_OUTPUT) if report.graded else _FAILED,
        "tests": tests,  # always: without it the reporter fails, and says nothing of why
    }
    return msgspec.json.Encoder(decimal_format="number").encode(found)


def step_output(content: bytes) -> bytes:
    """The line that makes it the step's output named ``result``."""
    return b"result=" + base64.b64encode(content) + b"\n"


def _test(row: Row, policy: VisibilityPolicy) -> dict[str, Any]:
    said = text(row) if may_be_shown(row, policy) else UNSAID
    status = "error" if row.ungraded else "fail" if row.failing else "pass"
    return {
        "name": row.name,
        "status": status,
        "message": f"{points_text(row.points)} of {points_text(row.max_points)} points",
        "test_code": "",
        "task_id": row.exercise.number,
        "filename": f"{row.stage.stage}.py",
        "line_no": 0,
        "duration": round(sum(check.duration for check in row.checks), 3),
        "score": row.points,
        "output": shortened(said, LONGEST_OUTPUT),
    }

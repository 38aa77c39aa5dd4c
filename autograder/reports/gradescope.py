"""Gradescope's ``results.json``, one row for each exercise and visibility.

The format is Gradescope's "Autograder Output Format". There is no top-level score: it would
override the sum of the rows. Where the grader failed, the rows it could not grade have no score
either: Gradescope then says that the autograder failed, rather than give 0 points.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from autograder.course import VisibilityPolicy
from autograder.report import Report, judged, to_json
from autograder.reports.handed_in import NOTHING_KNOWN, HandedIn
from autograder.reports.markdown import code, literal, prose
from autograder.reports.rows import Row, paragraphs, rows_of

_UNGRADED = (
    "This submission has not been graded in full: the grader failed. That is not your fault and "
    "the points shown are not final. Please tell your instructor."
)
_RUNNING = (
    "This submission has not been graded in full: what is not graded yet has no points, so those "
    "shown are not final. If this stays so, please tell your instructor."
)
_NOT_SHOWN = "The reason is in the autograder's output, which instructors see."


def results(
    report: Report, policy: VisibilityPolicy, handed_in: HandedIn = NOTHING_KNOWN
) -> dict[str, Any]:
    """The report as the dict that Gradescope reads.

    Args:
        report: of one submission; it may still be graded.
        policy: when students see what.
        handed_in: what Gradescope told of the submission.
    """
    rows = [_row(row, policy, broken=report.fault is not None) for row in rows_of(report)]
    said = [literal(note) for note in report.notes]
    if not report.graded:
        said.insert(0, _UNGRADED if report.fault else _RUNNING)
    else:
        said += [literal(sentence) for sentence in handed_in.sentences(rows)]
    found: dict[str, Any] = {
        "execution_time": report.duration,
        "output_format": "md",
        "test_output_format": "md",
        "test_name_format": "text",
        "stdout_visibility": "hidden",
        "extra_data": {"graded": report.graded, **handed_in.facts()},
        "tests": rows,
    }
    if said:
        found["output"] = "\n\n".join(said)
    if accuracies := list(_accuracies(report)):
        found["leaderboard"] = accuracies
    return found


def failed() -> bytes:
    """What is written where there is no report at all.

    It has neither a score nor rows: Gradescope then says that the autograder failed.
    """
    return to_json(
        {
            "output": f"{_UNGRADED}\n\n{_NOT_SHOWN}",
            "output_format": "md",
            "stdout_visibility": "hidden",
            "extra_data": {"graded": False},
        }
    )


def _row(row: Row, policy: VisibilityPolicy, *, broken: bool) -> dict[str, Any]:
    found = {
        "score": row.points,
        "max_score": row.max_points,
        "status": "failed" if row.failing else "passed",
        "name": row.name,
        "number": row.exercise.number,
        "output": "\n\n".join(_markdown(row)),
        "visibility": getattr(policy, row.visibility),
        "extra_data": {
            "stage": row.stage.stage,
            "exercise": row.exercise.name,
            "visibility": row.visibility,
            "checks": {check.name: check.outcome for check in row.checks},
        },
    }
    if broken and row.ungraded:
        del found["score"], found["status"]
    return found


def _markdown(row: Row) -> Iterator[str]:
    for paragraph in paragraphs(row):
        yield "  \n".join(map(prose, paragraph.lines))  # two blanks: a new line
        if paragraph.quoted:
            yield code(paragraph.quoted)


def _accuracies(report: Report) -> Iterator[dict[str, Any]]:
    """A column of the leaderboard for each exercise that is a training."""
    for stage in report.stages:
        for exercise in stage.exercises:
            measured = [c for c in judged(exercise.checks) if c.reached is not None]
            if measured:
                # the check that is worth most: a public one is there for a first impression
                best = max(measured, key=lambda check: check.max_points)
                name = f"{exercise.name}: accuracy in percent"
                yield {"name": name, "value": best.reached, "order": "desc"}

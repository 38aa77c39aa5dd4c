"""From the exception that ended a check to its outcome and the student's message."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import pytest
from hypothesis.errors import Flaky

from autograder.checks import heatmap
from autograder.checks.faces import (
    Face,
    calls_of,
    failing_example,
    measurement_of,
    noted_failure,
)
from autograder.checks.failures import (
    CheckFailure,
    CheckStopped,
    StudentRaised,
    explain,
    indent,
    mismatch_of,
)
from autograder.report import Outcome

_ADDRESS = re.compile(r"(?<=\bat )0x[0-9a-f]{6,}\b")


@dataclass(frozen=True)
class Judgement:
    """How one check ended, and what the student reads of it.

    `picture` is an SVG of where tensors of images differ, empty elsewhere.
    `share` is the part of the points that a failed check earns all the same.
    `sure` is false where the check itself broke down on what it was given: whether the answer or
    the check is to blame is found out by giving the check the reference's answers.
    `reached` is the figure that the check has measured, such as an accuracy in percent.
    """

    outcome: Outcome
    message: str = ""
    sure: bool = True
    picture: str = ""
    share: float = 0.0
    reached: float | None = None


def judge(error: BaseException | None, student: Face | None) -> Judgement:
    """The verdict on a check that ended with `error` (None: it passed)."""
    measured = measurement_of(student) if student else None
    if error is None:
        if measured is None:
            return Judgement("passed")
        return Judgement("passed", measured.text, True, measured.picture, reached=measured.value)
    try:
        verdict = _judge(error, student)
    except Exception as broken:  # noqa: BLE001  a message that can't be made must not end the run
        what = f"an answer that can't be shown ({type(broken).__name__})"
        verdict = Judgement("failed", what, sure=False)
    if measured is not None:
        picture = verdict.picture or measured.picture
        verdict = replace(verdict, picture=picture, reached=measured.value)
    # memory addresses differ from run to run, and a report must not
    return replace(verdict, message=_ADDRESS.sub("0x…", verdict.message))


def _judge(error: BaseException, student: Face | None) -> Judgement:
    noted = noted_failure(student) if student else None
    calls = calls_of(student) if student else []
    if isinstance(error, CheckStopped):
        if error.outcome == "timeout" and noted:
            # a slow function that is wrong is wrong, not slow
            return Judgement("failed", noted, picture=_picture(error, student))
        return Judgement(error.outcome, error.message)
    if isinstance(error, StudentRaised):
        return Judgement("error", noted or explain(error, calls))
    if isinstance(error, Flaky):
        changed = "The answer changes from call to call: this was wrong once, and then was not."
        message = f"{changed}\n{noted}" if noted else changed
        return Judgement("failed", message, picture=_picture(error, student))
    if isinstance(error, AssertionError | pytest.fail.Exception):
        known = isinstance(error, CheckFailure)
        message = (noted if known else None) or explain(error, calls)
        if not isinstance(error, CheckFailure):
            return Judgement("failed", message)
        return Judgement("failed", message, True, _picture(error, student), error.share)
    problem = CheckFailure(f"which could not be checked ({type(error).__name__}: {error})")
    told = explain(problem, calls) if calls else indent(str(problem))
    return Judgement("failed", told, sure=False)


def _picture(error: BaseException, student: Face | None) -> str:
    """The picture that belongs to the message: of the example that was noted, if one was."""
    failing = failing_example(student) if student else None
    mismatch = mismatch_of(failing.error if failing else error)
    return heatmap.svg(mismatch) if mismatch else ""

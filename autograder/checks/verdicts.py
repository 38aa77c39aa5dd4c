"""From the exception that ended a check to its outcome and the student's message."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from hypothesis.errors import Flaky

from autograder.checks.faces import Face, calls_of, noted_failure
from autograder.checks.failures import (
    CheckFailure,
    CheckStopped,
    StudentRaised,
    explain,
    indent,
)
from autograder.report import Outcome

_ADDRESS = re.compile(r"(?<=\bat )0x[0-9a-f]{6,}\b")


@dataclass(frozen=True)
class Judgement:
    """How one check ended, and what the student reads of it.

    `sure` is false where the check itself broke down on what it was given: whether the answer or
    the check is to blame is found out by giving the check the reference's answers.
    """

    outcome: Outcome
    message: str = ""
    sure: bool = True


def judge(error: BaseException | None, student: Face | None) -> Judgement:
    """The verdict on a check that ended with `error` (None: it passed)."""
    if error is None:
        return Judgement("passed")
    try:
        verdict = _judge(error, student)
    except Exception as broken:  # noqa: BLE001  a message that can't be made must not end the run
        what = f"an answer that can't be shown ({type(broken).__name__})"
        verdict = Judgement("failed", what, sure=False)
    # memory addresses differ from run to run, and a report must not
    return Judgement(verdict.outcome, _ADDRESS.sub("0x…", verdict.message), verdict.sure)


def _judge(error: BaseException, student: Face | None) -> Judgement:
    noted = noted_failure(student) if student else None
    calls = calls_of(student) if student else []
    if isinstance(error, CheckStopped):
        if error.outcome == "timeout" and noted:
            # a slow function that is wrong is wrong, not slow
            return Judgement("failed", noted)
        return Judgement(error.outcome, error.message)
    if isinstance(error, StudentRaised):
        return Judgement("error", noted or explain(error, calls))
    if isinstance(error, Flaky):
        changed = "The answer changes from call to call: this was wrong once, and then was not."
        return Judgement("failed", f"{changed}\n{noted}" if noted else changed)
    if isinstance(error, AssertionError | pytest.fail.Exception):
        known = isinstance(error, CheckFailure)
        return Judgement("failed", (noted if known else None) or explain(error, calls))
    problem = CheckFailure(f"which could not be checked ({type(error).__name__}: {error})")
    told = explain(problem, calls) if calls else indent(str(problem))
    return Judgement("failed", told, sure=False)

"""What a forbidden function costs: every check of its exercise, those before it too."""

from __future__ import annotations

import msgspec

from autograder.checks.guard import Guards
from autograder.course import CheckKey, Course
from autograder.report import Verdict


def charge(course: Course, guards: Guards, verdicts: dict[CheckKey, Verdict]) -> None:
    """Have the checks fail that passed before a forbidden function was found.

    One that is used only on some inputs is found by the check that has such an input.
    """
    for stage, exercise, message in guards.found():
        for check in course.assignment(stage).checks_of(exercise):
            key = check.key
            verdict = verdicts.get(key)
            if verdict and verdict.outcome == "passed":
                verdicts[key] = msgspec.structs.replace(verdict, outcome="failed", message=message)

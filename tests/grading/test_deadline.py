"""A limit on the time of a whole submission: what it cuts off, and who answers for that."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from autograder.course import CheckKey, Course
from autograder.grading.deadline import Deadline, span
from autograder.grading.grade import grade
from autograder.grading.intake import Submission
from autograder.report import CheckRow, Report, Verdict, check_rows
from autograder.sandbox.workers import Zygote

RIGHT = {
    "doubles": "def double(n):\n    return 2 * n\ndef half(n):\n    return n // 2\n",
    "words": "def shout(word):\n    return word.upper()\n",
}
ENDLESS = RIGHT | {
    "doubles": "def double(n):\n    while True: pass\ndef half(n):\n    while True: pass\n"
}


@pytest.fixture
def graded(
    toy_course: Course, zygote: Zygote, submission: Callable[..., Path]
) -> Callable[..., Report]:
    """The report of these modules, graded with so many seconds for all of it."""

    def run(modules: dict[str, str], seconds: float) -> Report:
        handed_in = Submission("ada", submission(**modules))
        return grade(toy_course, handed_in, zygote, seconds=seconds)

    return run


def rows(report: Report) -> dict[str, CheckRow]:
    return {row.name: row for row in check_rows(report.stages)}


def test_a_machine_that_is_too_slow_costs_nobody_a_point(graded):
    """What was not run is not graded, whatever it would have been; the instructor reads why."""
    report = graded(RIGHT, 0)
    assert {row.outcome for row in rows(report).values()} == {"ungraded"}
    assert {row.points for row in rows(report).values()} == {None}
    assert report.fault is not None
    assert "4 checks were not run" in report.fault


def test_code_that_never_ends_answers_for_what_it_left_no_time_for(graded):
    """It keeps no check from being told why it was not run, and the report is final."""
    report = graded(ENDLESS, 3)
    assert (report.graded, report.fault, report.points) == (True, None, 0)
    last = rows(report)["test_shout_is_upper_case"]
    assert last.outcome == "timeout"
    assert last.message.startswith("not run: the 3 s that all checks together may take were over.")
    assert "went into checks that ran out of time" in last.message


def test_with_time_enough_each_exercise_stands_alone(graded):
    report = graded(ENDLESS, 60)
    assert rows(report)["test_shout_is_upper_case"].outcome == "passed"
    assert report.points == Decimal(1)


@pytest.mark.parametrize(
    "lost, blamed",
    [([], None), ([100.0], None), ([100.0, 49.0], None), ([100.0, 50.0], 150.0), ([500.0], 500.0)],
)
def test_is_blamed_on_checks_that_ran_out_of_time(lost: list[float], blamed: float | None):
    """If they took a quarter of it; what other checks took is nobody's fault."""
    verdicts: dict[CheckKey, Verdict] = {
        ("stage", "public", f"test_{i}"): Verdict("timeout", duration=duration)
        for i, duration in enumerate(lost)
    }
    verdicts["stage", "public", "test_slow"] = Verdict("passed", duration=400.0)
    assert Deadline(600).blames(verdicts) == blamed


def test_is_near_from_half_of_it():
    now = time.monotonic()
    assert not Deadline(600, now - 290).is_near
    assert Deadline(600, now - 310).is_near
    assert not Deadline(600, now - 590).is_over
    assert Deadline(600, now - 601).is_over


@pytest.mark.parametrize(
    "seconds, said",
    [(0, "0 s"), (59.6, "1 min"), (45, "45 s"), (540, "9 min"), (560, "9 min 20 s")],
)
def test_spans(seconds: float, said: str):
    assert span(seconds) == said

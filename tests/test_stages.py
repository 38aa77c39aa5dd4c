"""The course's own checks: graded in full, one right and one wrong variant of each stage.

`autograder verify` (tox's environment of that name) tries all of them, on recorded inputs; here
the way of a submission through the grader is the whole one, and comes to the same.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.grading.diagnose import Diagnoser
from autograder.grading.grade import grade
from autograder.grading.intake import take_in
from autograder.mistakes import read_mistakes
from autograder.report import Report
from autograder.sandbox.workers import Zygote

ROOT = Path(__file__).parents[1]
COURSE = Course.load(ROOT)


@pytest.fixture
def grade_module(tmp_path: Path, staging: Path, zygote: Zygote) -> Callable[[str, str], Report]:
    """The report on one stage's module of the given source, with diagnoses."""

    def grade_it(stage: str, source: str) -> Report:
        (tmp_path / f"{stage}.py").write_text(source, encoding="utf-8")
        submission = take_in(tmp_path, [f"{stage}.py"], staging)
        course = COURSE.select([stage])
        return grade(course, submission, zygote, diagnoser=Diagnoser(course, zygote, staging))

    return grade_it


@pytest.mark.parametrize("stage", COURSE.stages)
def test_what_is_right_in_another_way_gets_every_point_and_no_hint(
    stage: str, grade_module: Callable[[str, str], Report]
) -> None:
    path = sorted((COURSE.assignment(stage).folder / "alternatives").glob("*.py"))[0]
    report = grade_module(stage, path.read_text(encoding="utf-8"))
    lost = [
        f"{check.name}: {check.message}"
        for exercise in report.stages[0].exercises
        for check in exercise.checks
        if check.weight and (check.outcome != "passed" or check.hint)
    ]
    assert not lost
    assert report.points == report.max_points


@pytest.mark.parametrize("stage", COURSE.stages)
def test_a_mistake_costs_its_own_exercise_and_no_other_and_gets_its_hint(
    stage: str, grade_module: Callable[[str, str], Report]
) -> None:
    assignment = COURSE.assignment(stage)
    mistake = read_mistakes(assignment)[0]
    wrong = mistake.apply(assignment.reference.read_text(encoding="utf-8"))
    report = grade_module(stage, wrong)
    exercises = report.stages[0].exercises
    assert {e.name for e in exercises if e.points < e.max_points} == {mistake.exercise}
    hints = {check.hint for e in exercises for check in e.checks if check.hint}
    assert len(hints) == 1  # that of two where they can't be told apart
    assert mistake.hint in hints.pop().split("\n")


@pytest.mark.parametrize("stage", COURSE.stages)
def test_every_mistake_fits_the_reference_and_no_hint_gives_it_away(stage: str) -> None:
    assignment = COURSE.assignment(stage)
    source = assignment.reference.read_text(encoding="utf-8")
    exercises = {mistake.exercise for mistake in read_mistakes(assignment)}
    assert exercises == {exercise.name for exercise in assignment.exercises}
    for mistake in read_mistakes(assignment):
        mistake.apply(source)
        assert not mistake.quotes_itself, mistake.name

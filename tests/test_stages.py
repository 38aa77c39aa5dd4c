"""The course's own checks, on what is right in another way and on known mistakes."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.grading.grade import grade
from autograder.grading.intake import take_in
from autograder.report import Report
from autograder.sandbox.workers import Zygote

ROOT = Path(__file__).parents[1]
COURSE = Course.load(ROOT)
ALTERNATIVES = [
    (assignment.stage, path)
    for assignment in COURSE.assignments
    for path in sorted((assignment.folder / "alternatives").glob("*.py"))
]


def mistakes(stage: str) -> list[dict[str, str]]:
    toml = (ROOT / "assignments" / stage / "mistakes.toml").read_text(encoding="utf-8")
    found: list[dict[str, str]] = tomllib.loads(toml)["mistakes"]
    return found


def first_mistakes() -> list[tuple[str, dict[str, str]]]:
    """One mistake of each exercise: all of them take minutes."""
    return [
        (assignment.stage, next(m for m in mistakes(assignment.stage) if m["exercise"] == e.name))
        for assignment in COURSE.assignments
        for e in assignment.exercises
    ]


@pytest.fixture
def grade_module(tmp_path: Path, staging: Path, zygote: Zygote) -> Callable[[str, str], Report]:
    """The report on one stage's module of the given source."""

    def grade_it(stage: str, source: str) -> Report:
        (tmp_path / f"{stage}.py").write_text(source, encoding="utf-8")
        submission = take_in(tmp_path, [f"{stage}.py"], staging)
        return grade(COURSE.select([stage]), submission, zygote)

    return grade_it


@pytest.mark.parametrize(("stage", "path"), ALTERNATIVES, ids=lambda value: Path(value).stem)
def test_what_is_right_in_another_way_gets_every_point(
    stage: str, path: Path, grade_module: Callable[[str, str], Report]
) -> None:
    report = grade_module(stage, path.read_text(encoding="utf-8"))
    lost = [
        f"{check.name}: {check.message}"
        for exercise in report.stages[0].exercises
        for check in exercise.checks
        if check.weight and check.outcome != "passed"
    ]
    assert not lost
    assert report.points == report.max_points


@pytest.mark.parametrize(
    ("stage", "mistake"), first_mistakes(), ids=lambda v: v if isinstance(v, str) else v["exercise"]
)
def test_a_mistake_costs_its_own_exercise_and_no_other(
    stage: str, mistake: dict[str, str], grade_module: Callable[[str, str], Report]
) -> None:
    source = (ROOT / "solutions" / f"{stage}.py").read_text(encoding="utf-8")
    assert source.count(mistake["find"]) == 1
    wrong = source.replace(mistake["find"], mistake["replace"])
    report = grade_module(stage, wrong)
    lost = {e.name for e in report.stages[0].exercises if e.points < e.max_points}
    assert lost == {mistake["exercise"]}


@pytest.mark.parametrize("stage", COURSE.stages)
def test_mistakes_are_patches_of_the_reference_with_a_hint(stage: str) -> None:
    source = (ROOT / "solutions" / f"{stage}.py").read_text(encoding="utf-8")
    exercises = {e.name for e in COURSE.assignment(stage).exercises}
    for mistake in mistakes(stage):
        assert mistake.keys() == {"exercise", "name", "find", "replace", "hint"}, mistake
        assert mistake["exercise"] in exercises
        assert source.count(mistake["find"]) == 1, mistake["name"]
        assert mistake["find"] != mistake["replace"]
        assert mistake["replace"].strip() not in mistake["hint"] or not mistake["replace"].strip()
        compile(source.replace(mistake["find"], mistake["replace"]), mistake["name"], "exec")

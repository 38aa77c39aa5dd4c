"""What a submission earns: by check, by share, and by the course's policy."""

import dataclasses
from decimal import Decimal

import pytest

from autograder.checks import assert_reaches
from autograder.checks.failures import CheckFailure
from autograder.checks.verdicts import judge
from autograder.course import CheckKey, Course, PointsPolicy
from autograder.report import Environment, Report, Verdict, build_report, check_rows

ALL_CHECKS = PointsPolicy(earned_by="all checks")


def report_of(course: Course, verdicts: dict[CheckKey, Verdict]) -> Report:
    return build_report(course, "someone", verdicts, environment=Environment())


@pytest.fixture
def passed(known_course: Course) -> dict[CheckKey, Verdict]:
    checks = known_course.assignments[0].checks
    return {check.key: Verdict("passed") for check in checks}


def first_check(course: Course) -> CheckKey:
    return next(check.key for check in course.assignments[0].checks if check.weight)


def test_each_check_earns_its_share(known_course: Course, passed: dict[CheckKey, Verdict]) -> None:
    key = first_check(known_course)
    [row] = [r for r in check_rows(report_of(known_course, passed).stages) if r.name == key[2]]
    lost = report_of(known_course, passed | {key: Verdict("failed")})
    assert lost.points == known_course.points - row.max_points


def test_one_failed_check_can_cost_its_whole_exercise(
    known_course: Course, passed: dict[CheckKey, Verdict]
) -> None:
    """And no other exercise."""
    strict = dataclasses.replace(known_course, policy=ALL_CHECKS)
    assert report_of(strict, passed).points == strict.points
    report = report_of(strict, passed | {first_check(strict): Verdict("failed")})
    for row in report.stages[0].exercises:
        failed = any(check.outcome == "failed" for check in row.checks)
        assert row.points == (0 if failed else row.max_points)
    assert 0 < report.points < strict.points


@pytest.mark.parametrize("policy", [PointsPolicy(), ALL_CHECKS])
def test_points_so_far_wait_for_what_was_not_run(
    known_course: Course, passed: dict[CheckKey, Verdict], policy: PointsPolicy
) -> None:
    """A fault of the grader's takes nothing from the checks beside it."""
    course = dataclasses.replace(known_course, policy=policy)
    key = first_check(course)
    del passed[key]
    report = report_of(course, passed)
    assert not report.graded
    [row] = [row for row in check_rows(report.stages) if row.name == key[2]]
    assert row.points is None
    assert report.points == course.points - row.max_points


@pytest.mark.parametrize("policy", [PointsPolicy(), ALL_CHECKS])
def test_advice_costs_nothing(
    known_course: Course, passed: dict[CheckKey, Verdict], policy: PointsPolicy
) -> None:
    assignment = known_course.assignments[0]
    key = first_check(known_course)
    checks = tuple(
        dataclasses.replace(check, weight=0.0, points=Decimal(0)) if check.key == key else check
        for check in assignment.checks
    )
    course = dataclasses.replace(
        known_course, policy=policy, assignments=(dataclasses.replace(assignment, checks=checks),)
    )
    earned = report_of(course, passed | {key: Verdict("failed")}).points
    assert earned == report_of(course, passed).points


@pytest.mark.parametrize(
    "share, earned", [(0.5, Decimal("0.5")), (2.0, Decimal(1)), (-1.0, Decimal(0))]
)
def test_a_share_is_earned_by_what_failed(
    known_course: Course, passed: dict[CheckKey, Verdict], share: float, earned: Decimal
) -> None:
    """In hundredths, rounded down; never more than all of it or less than none."""
    key = first_check(known_course)
    report = report_of(known_course, passed | {key: Verdict("failed", share=share)})
    [row] = [row for row in check_rows(report.stages) if row.name == key[2]]
    assert row.points is not None
    assert row.outcome == "failed"
    assert 0 <= row.max_points * earned - row.points < Decimal("0.01")


@pytest.mark.parametrize(
    "value, share", [(96.0, 0.5), (95.0, 0.0), (20.0, 0.0), (96.9, 0.95), (float("nan"), 0.0)]
)
def test_points_rise_from_the_floor_to_the_threshold(value: float, share: float) -> None:
    with pytest.raises(CheckFailure) as failure:
        assert_reaches(value, 97.0, floor=95.0, problem=f"{value}% of 97%")
    assert failure.value.share == pytest.approx(share)
    verdict = judge(failure.value, None)
    assert (verdict.outcome, verdict.share) == ("failed", failure.value.share)
    assert f"{value}% of 97%" in verdict.message


def test_the_threshold_is_enough() -> None:
    assert_reaches(97.0, 97.0, floor=95.0, problem="")


@pytest.mark.parametrize(
    "reached, shown", [(None, None), (96.4567, 96.46), (float("nan"), None), (float("inf"), None)]
)
def test_what_a_training_reached_stands_in_its_row(
    known_course: Course, passed: dict[CheckKey, Verdict], reached: float, shown: float
) -> None:
    """In percent, to two decimals; what is no number is none."""
    key = first_check(known_course)
    report = report_of(known_course, passed | {key: Verdict("passed", reached=reached)})
    assert [row.reached for row in check_rows(report.stages) if row.name == key[2]] == [shown]

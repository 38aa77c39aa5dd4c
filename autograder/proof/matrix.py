"""Which checks earn their place, and how many inputs they need.

Every check is tried on every mistake and mutant that can reach it, on inputs from several seeds.
A check that notices nothing that no other check of its exercise notices is named. It may stay,
for its counter-example or its title; but no grade would miss it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import msgspec

from autograder.course import Assignment, Check, CheckKey, Course
from autograder.proof.bench import Trial
from autograder.proof.plan import Plan, in_parts, mistaken, mutated, plan_stage
from autograder.proof.pool import Task, on_all_cores
from autograder.proof.variants import Kind, Variant

EXAMPLES = (1, 2, 5, 10, 20, 50, 100)
_AT_ONCE = 20
_ENOUGH = 0.95


class CheckWorth(msgspec.Struct, frozen=True):
    """What one check is good for.

    Args:
        name, exercise, visibility: which check.
        notices: the mistakes and mutants that it notices with any seed.
        alone: those of them that no other check of its exercise notices.
        inputs: with how many inputs it notices 95% of them, over all seeds; None: with more than
            are tried, or it notices nothing.
    """

    name: str
    exercise: str
    visibility: str
    notices: int
    alone: int
    inputs: int | None


class Caught(msgspec.Struct, frozen=True):
    """The share of mistakes and of mutants that a stage notices with so many inputs a check.

    `worst` is that of the seed with which the fewest mistakes are noticed.
    """

    inputs: int
    mistakes: float
    worst: float
    mutants: float


class StageMatrix(msgspec.Struct, frozen=True):
    """The matrix of one stage, summed up."""

    stage: str
    seeds: int
    mistakes: int
    mutants: int
    checks: list[CheckWorth]
    caught: list[Caught]


def measure(
    course: Course,
    *,
    seeds: int = 4,
    jobs: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[StageMatrix]:
    """Try every check on every mistake and mutant that can reach it.

    Args:
        course: the course; `Course.select` leaves stages out.
        seeds: how many times, each with inputs of its own.
        jobs: how many processes; None: one for each core.
        progress: called with the number of variants that are done, and of all.

    Raises:
        CourseError, InputError, AutograderError: as `verify`.
    """
    course = course.with_examples(EXAMPLES[-1])
    plans = [plan_stage(assignment) for assignment in course.assignments]
    tasks = [
        Task("kill all", some, seed)
        for plan in plans
        for seed in range(1, seeds + 1)
        for some in in_parts(_wrong(plan), _AT_ONCE)
    ]
    total = sum(len(task.variants) for task in tasks)
    trials: list[Trial] = []
    progress(0, total)
    for found, _ in on_all_cores(course, tasks, jobs):
        trials += found
        progress(len(trials), total)
    return [
        sum_up(
            plan.assignment,
            seeds,
            [trial for trial in trials if trial.variant.stage == plan.assignment.stage],
        )
        for plan in plans
    ]


def _wrong(plan: Plan) -> list[Variant]:
    return [*mistaken(plan), *mutated(plan, plan.mutants.judged)]


_Wrong = tuple[Kind, str, str]  # a mistake or mutant: its kind, exercise and name
_Firsts = dict[tuple[_Wrong, int | None], dict[CheckKey, int]]  # the input that gave it away


def sum_up(assignment: Assignment, seeds: int, trials: Sequence[Trial]) -> StageMatrix:
    """The matrix of one stage, from its variants tried with each of `seeds` seeds."""
    firsts: _Firsts = {
        ((t.variant.kind, t.variant.exercise, t.variant.name), t.seed): t.examples for t in trials
    }
    variants = {variant for variant, _ in firsts}
    noticed: dict[CheckKey, set[_Wrong]] = {}
    for (variant, _), first in firsts.items():
        for key in first:
            noticed.setdefault(key, set()).add(variant)
    return StageMatrix(
        stage=assignment.stage,
        seeds=seeds,
        mistakes=sum(kind == "mistake" for kind, *_ in variants),
        mutants=sum(kind == "mutant" for kind, *_ in variants),
        checks=[_worth(check, assignment, seeds, noticed, firsts) for check in assignment.checks],
        caught=[_caught(number, firsts) for number in EXAMPLES],
    )


def _worth(
    check: Check,
    assignment: Assignment,
    seeds: int,
    noticed: dict[CheckKey, set[_Wrong]],
    firsts: _Firsts,
) -> CheckWorth:
    mine = noticed.get(check.key, set())
    others = [
        noticed.get(other.key, set())
        for other in assignment.checks_of(check.exercise)
        if other is not check
    ]
    numbers = sorted(first[check.key] for first in firsts.values() if check.key in first)
    needed = math.ceil(_ENOUGH * len(mine) * seeds)
    return CheckWorth(
        name=check.name,
        exercise=check.exercise,
        visibility=check.visibility,
        notices=len(mine),
        alone=len(mine.difference(*others)),
        inputs=numbers[needed - 1] + 1 if 0 < needed <= len(numbers) else None,
    )


def _caught(number: int, firsts: _Firsts) -> Caught:
    """What is noticed with the first `number` inputs of every check."""
    by_seed: dict[tuple[Kind, int | None], list[bool]] = {}
    for ((kind, _, _), seed), first in firsts.items():
        by_seed.setdefault((kind, seed), []).append(any(i < number for i in first.values()))

    def shares(kind: Kind) -> list[float]:
        return [sum(seen) / len(seen) for (k, _), seen in by_seed.items() if k == kind] or [1.0]

    mistakes, mutants = shares("mistake"), shares("mutant")
    return Caught(
        inputs=number,
        mistakes=round(sum(mistakes) / len(mistakes), 4),
        worst=round(min(mistakes), 4),
        mutants=round(sum(mutants) / len(mutants), 4),
    )

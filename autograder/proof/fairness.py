"""What is right never loses a point, whatever is drawn.

A grading draws the same inputs for every submission. Here references and alternatives are graded
on fresh ones, from a new seed each time: ``python -m autograder.proof.fairness --gradings 1000``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import count, cycle, islice
from pathlib import Path
from typing import Annotated

import typer

from autograder.course import Course, find_course
from autograder.proof.pool import Task, on_all_cores
from autograder.proof.variants import Variant, alternatives, reference


def gradings(course: Course, number: int, first_seed: int = 1) -> list[Task]:
    """`number` gradings: the right variants of all stages in turn, each with a seed of its own."""
    right: list[Variant] = []
    for assignment in course.assignments:
        right += [reference(assignment), *alternatives(assignment)]
    return [
        Task("grade", (variant,), seed)
        for variant, seed in islice(zip(cycle(right), count(first_seed)), number)
    ]


def losses(course: Course, tasks: list[Task], jobs: int | None = None) -> Iterator[list[str]]:
    """For each grading as it ends, the checks that it failed, each with variant and seed.

    Checks of weight 0 are advice, and may have some for what is right.
    """
    judged = {
        (check.stage, check.visibility, check.name)
        for assignment in course.assignments
        for check in assignment.checks
        if check.weight
    }
    for trials, _ in on_all_cores(course, tasks, jobs):
        yield [
            f"{trial.variant.stage} {trial.variant.name}, seed {trial.seed}: {key[2]}: {how}"
            for trial in trials
            for key, how in trial.failed.items()
            if key in judged
        ]


def main(
    number: Annotated[int, typer.Option("--gradings", min=1, help="How many gradings.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", help="The first seed.")] = 1,
    stage: Annotated[list[str] | None, typer.Option("--stage", help="Only this stage.")] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", min=1, help="Processes.")] = None,
) -> None:
    """Grade what is right on fresh inputs; exit 1 if a point is ever lost."""
    from autograder.progress import Count

    course = Course.load(find_course(Path.cwd())).select(stage or [])
    tasks = gradings(course, number, seed)
    started = time.monotonic()
    lost: list[str] = []
    with Count("gradings") as bar:
        for done, found in enumerate(losses(course, tasks, jobs), start=1):
            lost += found
            bar.show(done, len(tasks))
    for sentence in lost:
        print(sentence)
    seconds = time.monotonic() - started
    print(f"{len(tasks)} gradings from seed {seed}, {len(lost)} checks failed, {seconds:.0f} s")
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    typer.run(main)

"""What is right never loses a point, whatever is drawn.

A grading draws the same inputs for every submission. Here references and alternatives are tried
on fresh ones, from one seed after the other. What a seed draws is drawn once, and run on all that
is right in a stage. ``python -m autograder.proof.fairness --gradings 1000``
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Annotated

import typer

from autograder.course import Course, find_course
from autograder.proof.pool import Task, on_all_cores
from autograder.proof.variants import alternatives, reference


def gradings(course: Course, number: int, first_seed: int = 1) -> list[Task]:
    """At least `number` gradings: all that is right in a stage, for one seed after the other."""
    right = [(reference(a), *alternatives(a)) for a in course.assignments]
    tasks: list[Task] = []
    for seed in count(first_seed):
        for variants in right:
            if sum(len(task.variants) for task in tasks) >= number:
                return tasks
            tasks.append(Task("hold", variants, seed))
    return tasks


def losses(
    course: Course, tasks: list[Task], jobs: int | None = None
) -> Iterator[tuple[int, list[str]]]:
    """For each task as it ends, its gradings and the checks that failed, with variant and seed.

    Checks of weight 0 are advice, and may have some for what is right.
    """
    judged = {
        check.key
        for assignment in course.assignments
        for check in assignment.checks
        if check.weight
    }
    for trials, _ in on_all_cores(course, tasks, jobs):
        yield (
            len(trials),
            [
                f"{trial.variant.stage} {trial.variant.name}, seed {trial.seed}: {key[2]}: {how}"
                for trial in trials
                for key, how in trial.failed.items()
                if key in judged
            ],
        )


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
    total = sum(len(task.variants) for task in tasks)
    done, lost = 0, list[str]()
    # an interrupted run has graded something, too
    with Count("gradings") as bar, contextlib.suppress(KeyboardInterrupt):
        for number_of_them, found in losses(course, tasks, jobs):
            done += number_of_them
            lost += found
            bar.show(done, total)
    for sentence in lost:
        print(sentence)
    seconds = time.monotonic() - started
    what = f"{done} gradings" if done == total else f"interrupted: {done} of {total} gradings"
    print(f"{what} from seed {seed}, {len(lost)} checks failed, {seconds:.0f} s")
    sys.exit(1 if lost or done < total else 0)


if __name__ == "__main__":
    typer.run(main)

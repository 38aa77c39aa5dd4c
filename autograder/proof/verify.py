"""The grader proves itself: what is right gets every point, and what is wrong loses its own.

`verify` makes variants of every reference, tries them in sandboxed workers on all cores, and
judges what they came to. What is demanded of a stage is in `judge.judge`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator

from autograder.course import Course
from autograder.errors import CourseError
from autograder.proof.bench import Trial
from autograder.proof.judge import judge
from autograder.proof.plan import Plan, in_parts, mistaken, mutated, plan_stage
from autograder.proof.pool import Task, on_all_cores
from autograder.proof.proof import Failure, Proof
from autograder.proof.variants import reference, stub
from autograder.release.audit import audit
from autograder.release.folder import read_folder
from autograder.release.student import differences, student_files

_MISTAKES_AT_ONCE = 12  # of one exercise: their workers stay
_MUTANTS_AT_ONCE = 20

Progress = Callable[[int, int], None]


def verify(
    course: Course,
    *,
    jobs: int | None = None,
    with_mutants: bool = True,
    allow_weak: bool = False,
    progress: Progress = lambda done, total: None,
) -> Proof:
    """Prove that the checks of `course` tell right from wrong.

    Args:
        course: the course; `Course.select` leaves stages out.
        jobs: how many processes work side by side; None: one for each core.
        with_mutants: also try generic mutants (needs cosmic-ray).
        allow_weak: go on where the sandbox is below its floor.
        progress: called with the number of variants that are done, and of all.

    Raises:
        CourseError: a file of the course can't be read.
        InputError: cosmic-ray is missing.
        AutograderError: the sandbox or pytest failed.
    """
    started = time.monotonic()
    plans = [plan_stage(assignment, with_mutants=with_mutants) for assignment in course.assignments]
    tasks = _longest_first([task for plan in plans for task in _tasks(plan)])
    total = sum(len(task.variants) for task in tasks)
    trials: list[Trial] = []
    mutant_seconds = 0.0
    progress(0, total)
    for found, seconds in on_all_cores(course, tasks, jobs, allow_weak=allow_weak):
        trials += found
        mutant_seconds += seconds if found[0].variant.kind == "mutant" else 0.0
        progress(len(trials), total)
    stages = [
        judge(plan, [t for t in trials if t.variant.stage == plan.assignment.stage])
        for plan in plans
    ]
    tried = sum(trial.variant.kind == "mutant" for trial in trials)
    return Proof(
        course=course.title,
        examples=course.examples,
        stages=stages,
        failures=list(_release_failures(course)),
        seconds=round(time.monotonic() - started, 1),
        mutants_per_minute=round(60 * tried / mutant_seconds) if mutant_seconds else None,
    )


def _tasks(plan: Plan) -> Iterator[Task]:
    assignment = plan.assignment
    right = reference(assignment)
    yield Task("grade", (right,))
    yield Task("hold", (right, stub(assignment)))
    for variant in plan.alternatives:
        yield Task("hold", (variant,))
    wrong = mistaken(plan)
    for exercise in assignment.exercises:
        own = [variant for variant in wrong if variant.exercise == exercise.name]
        for some in in_parts(own, _MISTAKES_AT_ONCE):
            yield Task("diagnose", some)
    every = (*plan.mutants.judged, *(mutant for mutant, _ in plan.mutants.excused))
    for some in in_parts(mutated(plan, every), _MUTANTS_AT_ONCE):
        yield Task("kill", some)


def _longest_first(tasks: list[Task]) -> list[Task]:
    """The same tasks, so that none that takes long is left for the end."""
    sizes: Counter[tuple[str, ...]] = Counter()
    for task in tasks:
        sizes[task.shares] += len(task.variants)
    order = ("diagnose", "grade", "hold", "kill")  # a mutant takes a hundredth of a second
    return sorted(tasks, key=lambda task: (order.index(task.how), -sizes[task.shares]))


def _release_failures(course: Course) -> Iterator[Failure]:
    """What is wrong with what students are handed out, whichever stages are proved."""
    whole = Course.load(course.root)
    try:
        files = student_files(whole)
        audit(whole, files)
    except CourseError as error:
        yield Failure("release", "student", str(error))
        return
    template = course.root / "student_template"
    if not template.is_dir():
        return
    try:
        audit(
            whole, {f"{template.name}/{name}": text for name, text in read_folder(template).items()}
        )
    except CourseError as error:
        yield Failure("release", template.name, str(error))
    for sentence in differences(files, template):
        yield Failure("release", template.name, f"{sentence}: `autograder release` was not run")

"""How accurate a training has to be, so that what is right hardly ever fails.

A threshold is a noisy test. The weakest training that is still right (``weakest.py`` beside the
checks) is judged over many seeds, as it would be in grading. The threshold is what all but a few
of them reach; exact binomial bounds (Clopper and Pearson) say how often the median of three seeds
falls below it, and how often known mistakes reach it.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import math
import platform
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import tomlkit
import torch
from scipy.stats import binomtest

from autograder.checks.goals import FILE, Calibration, Goal, MistakeOdds
from autograder.course import Assignment, Course
from autograder.errors import CourseError
from autograder.mistakes import read_mistakes
from autograder.proof.evidence import WEAKEST, digest_of, training_digest
from autograder.proof.odds import Measured, write_odds
from autograder.proof.pool import Task, on_all_cores
from autograder.proof.variants import Variant, reference
from autograder.report import write_atomically

CONFIDENCE = 0.99  # of every bound
FALSE_FAIL = 1e-3  # at most, for the weakest right training at the median of three seeds
RUNS = "calibration.jsonl"
_BELOW = 10.0  # the floor is so many percent below the threshold
_STEP = 0.1  # thresholds are multiples of it, in percent
_AT_A_TIME = 5  # trainings between two entries of what was measured


def calibrate(
    course: Course,
    stage: str,
    *,
    seeds: int = 300,
    mistake_seeds: int = 60,
    jobs: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Calibration:
    """Measure what the recipes of a stage reach, and write ``calibration.toml``, its histograms
    (``calibration.svg``) and its table in the handout.

    Trainings that were measured before, of the same files, are not made again: the runs are kept
    in ``calibration.jsonl`` as they end, so that an interrupted calibration goes on.

    Args:
        course: the course.
        stage: the stage.
        seeds: how many for the weakest right training.
        mistake_seeds: how many for each known mistake.
        jobs: processes side by side; None: one for each core.
        progress: called with the number of trainings that are done, and of all.

    Raises:
        CourseError: the stage has no recipe, or no ``weakest.py``; or so few seeds that no
            threshold can be vouched for.
    """
    assignment = course.assignment(stage)
    exercises = [exercise.name for exercise in assignment.exercises if exercise.recipe]
    if not exercises:
        raise CourseError(f"{assignment.folder / 'assignment.toml'}: no exercise is a `recipe`")
    allowed = most_below(seeds)
    if allowed is None:
        raise CourseError(
            f"{seeds} seeds can't show that fewer than {FALSE_FAIL:g} of right trainings fail"
        )
    wanted = [
        (variant, seed)
        for variant in _variants(assignment, exercises)
        for seed in range(1, (seeds if variant.kind == "alternative" else mistake_seeds) + 1)
    ]
    runs = _measure(course, assignment, wanted, jobs, progress)
    found = Calibration(
        date=datetime.date.today().isoformat(),
        digest=digest_of(assignment),
        versions={"python": platform.python_version(), "torch": str(torch.__version__)},
        goals={
            name: goal([run for run in runs if run.exercise == name], allowed) for name in exercises
        },
    )
    text = tomlkit.dumps(msgspec.to_builtins(found))
    write_atomically(assignment.folder / FILE, (_HEAD.format(stage=stage) + text).encode())
    write_odds(assignment.folder, found, runs)
    return found


def _measure(
    course: Course,
    assignment: Assignment,
    wanted: list[tuple[Variant, int]],
    jobs: int | None,
    progress: Callable[[int, int], None],
) -> list[Measured]:
    """Train what is wanted, variants with seeds, but for what was trained before."""
    path = assignment.folder / RUNS
    known = {(run.digest, run.exercise, run.seed): run for run in read_runs(path)}
    digest = functools.cache(functools.partial(training_digest, assignment))
    keys = [(digest(variant.exercise, variant.source), variant.exercise, seed)
            for variant, seed in wanted]  # fmt: skip
    missing: dict[Variant, list[int]] = {}
    for key, (variant, seed) in zip(keys, wanted, strict=True):
        if key not in known:
            missing.setdefault(variant, []).append(seed)
    tasks = [
        Task("train", (variant,), seeds=tuple(seeds[first : first + _AT_A_TIME]))
        for variant, seeds in missing.items()
        for first in range(0, len(seeds), _AT_A_TIME)
    ]
    done = len(wanted) - sum(len(task.seeds) for task in tasks)
    progress(done, len(wanted))
    with path.open("ab") as file:
        for trials, _ in on_all_cores(course, tasks, jobs) if tasks else ():
            for trial in trials:
                variant, seed = trial.variant, trial.seed or 0
                found = digest(variant.exercise, variant.source)
                run = Measured(found, variant.exercise, variant.name, seed, trial.reached)
                known[found, run.exercise, seed] = run
                file.write(msgspec.json.encode(run) + b"\n")
                done += 1
            file.flush()
            progress(done, len(wanted))
    return [known[key] for key in keys]


_HEAD = """\
# Written by `autograder calibrate {stage}`: what trainings have to reach, and the evidence.
# Accuracies are in percent, probabilities are upper bounds.
"""


def read_runs(path: Path) -> Iterator[Measured]:
    """The trainings that were measured before; a line that was cut off is left out."""
    for line in path.read_bytes().splitlines() if path.is_file() else ():
        try:
            yield msgspec.json.decode(line, type=Measured)
        except msgspec.DecodeError:
            continue


def _variants(assignment: Assignment, exercises: list[str]) -> Iterator[Variant]:
    path = assignment.folder / WEAKEST
    if not path.is_file():
        raise CourseError(f"{path} is missing: the weakest trainings that are still right")
    weakest = Variant("alternative", assignment.stage, "weakest", path.read_text(encoding="utf-8"))
    source = reference(assignment).source
    for exercise in exercises:
        yield dataclasses.replace(weakest, exercise=exercise)
        for mistake in read_mistakes(assignment):
            if mistake.exercise == exercise:
                try:
                    text = mistake.apply(source)
                except ValueError as error:
                    raise CourseError(
                        f"{assignment.folder / 'mistakes.toml'}: {mistake.name}: {error}"
                    ) from error
                yield Variant("mistake", assignment.stage, mistake.name, text, exercise)


def goal(runs: list[Measured], allowed: int) -> Goal:
    """What one exercise has to reach, from its runs: no more than `allowed` of them fall short."""
    right = sorted(
        -math.inf if run.accuracy is None else run.accuracy
        for run in runs
        if run.variant == "weakest"
    )
    if not math.isfinite(right[0]):
        raise CourseError(f"{WEAKEST}: a training of {runs[0].exercise} is refused")
    threshold = round(right[allowed], 1)
    if threshold > right[allowed]:
        threshold = round(threshold - _STEP, 1)
    below = sum(accuracy < threshold for accuracy in right)
    names = dict.fromkeys(run.variant for run in runs if run.variant != "weakest")
    return Goal(
        floor=round(max(0.0, threshold - _BELOW), 1),
        threshold=threshold,
        false_fail=_rounded_up(of_three(_upper(below, len(right)))),
        confidence=CONFIDENCE,
        seeds=len(right),
        below=below,
        mean=round(statistics.fmean(right), 2),
        spread=round(statistics.stdev(right), 2),
        mistakes=[_odds(name, [r for r in runs if r.variant == name], threshold) for name in names],
    )


def _odds(name: str, runs: list[Measured], threshold: float) -> MistakeOdds:
    judged = [run.accuracy for run in runs if run.accuracy is not None]
    full = sum(accuracy >= threshold for accuracy in judged)
    return MistakeOdds(
        name=name,
        seeds=len(runs),
        mean=round(statistics.fmean(judged), 2) if judged else 0.0,
        full=_rounded_up(of_three(_upper(full, len(runs)))),
        refused=len(runs) - len(judged),
    )


def most_below(seeds: int) -> int | None:
    """How many seeds may miss the threshold; None: with so few, even none proves too little."""
    fit = [k for k in range(seeds) if of_three(_upper(k, seeds)) <= FALSE_FAIL]
    return max(fit, default=None)


def of_three(probability: float) -> float:
    """The probability that at least two of three seeds do what one does with this probability."""
    return probability**2 * (3 - 2 * probability)


def _upper(count: int, of: int) -> float:
    """The upper end of the exact one-sided interval of a probability."""
    test = binomtest(count, of, alternative="less")
    return float(test.proportion_ci(CONFIDENCE, method="exact").high)


def _rounded_up(probability: float) -> float:
    """To two digits, and never down: it is a bound."""
    if probability <= 0:
        return 0.0
    digits = 1 - math.floor(math.log10(probability))
    rounded: float = round(math.ceil(probability * 10**digits) / 10**digits, digits)
    return rounded

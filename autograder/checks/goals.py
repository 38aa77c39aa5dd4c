"""What training has to reach: the seeds that it is tried with, and the accuracy that is asked for.

A threshold is a noisy test. So it is measured (`autograder calibrate`), on the weakest training
that is still right, and stands in the stage's ``calibration.toml`` with the evidence:

    @exercise("train_cnn", weight=3)
    def test_cnn_recognises_digits(student, reference):
        found = [accuracy_of(student, seed) for seed in training_seeds()]
        goal = goal_of(__file__, "train_cnn")
        assert_reaches(statistics.median(found), goal.threshold, floor=goal.floor, problem=…)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from autograder.course import read_toml
from autograder.errors import CourseError

FILE = "calibration.toml"
SEEDS = (1, 2, 3)  # what the grader trains with; the median decides


class MistakeOdds(msgspec.Struct, frozen=True):
    """How a known mistake fares: its accuracy, and how often it earns all points for that.

    `mean` is of those trainings that were judged, in percent; `refused` counts the others, which
    gave no logits, or some with a cross-entropy that is too high. `full` is an upper bound of the
    probability that the median of three seeds earns all points.
    """

    name: str
    seeds: int
    mean: float
    full: float
    refused: int = 0


class Goal(msgspec.Struct, frozen=True):
    """What one exercise has to reach, and how that was found.

    Args:
        floor: an accuracy in percent up to which no points are earned.
        threshold: the accuracy from which on all are.
        false_fail: an upper bound of the probability that the weakest right training misses the
            threshold, at the median of three seeds.
        confidence: of that bound, and those of the mistakes.
        seeds: how many were tried.
        below: how many of those were below the threshold.
        mean, spread: of the weakest right training's accuracy, in percent.
        mistakes: what known mistakes reach.
    """

    floor: float
    threshold: float
    false_fail: float
    confidence: float
    seeds: int
    below: int
    mean: float
    spread: float
    mistakes: list[MistakeOdds] = []


class Calibration(msgspec.Struct, frozen=True):
    """A stage's ``calibration.toml``.

    Args:
        date: when it was measured.
        digest: of the files that it depends on, see `autograder.proof.evidence`.
        versions: of Python and torch.
        goals: by exercise.
    """

    date: str
    digest: str
    versions: dict[str, str]
    goals: dict[str, Goal]


@dataclass(frozen=True)
class Trial:
    """A trial of one seed: what `assert_reaches` is given meanwhile ends up in `reached`."""

    seed: int
    reached: list[float] = field(default_factory=list)


_TRIAL: ContextVar[Trial | None] = ContextVar("trial", default=None)
_DEVICE: ContextVar[str] = ContextVar("device", default="cpu")


def is_measured() -> bool:
    """Whether a goal is being measured: a check that measures none has nothing to do then."""
    return _TRIAL.get() is not None


def training_seeds() -> tuple[int, ...]:
    """The seeds to train with: three, or the one that is being measured."""
    trial = _TRIAL.get()
    return SEEDS if trial is None else (trial.seed,)


def training_device() -> str:
    """Where to train: "cpu", or "cuda" where the grader was told to."""
    return _DEVICE.get()


@contextmanager
def training_on(device: str) -> Iterator[None]:
    """Have checks train on a device."""
    token = _DEVICE.set(device)
    try:
        yield
    finally:
        _DEVICE.reset(token)


def goal_of(check_file: str, exercise: str) -> Goal:
    """What an exercise has to reach, from the ``calibration.toml`` beside its check.

    While a goal is being measured there is none yet: nothing reaches what is returned then.

    Raises:
        CourseError: the file is missing or wrong, or has nothing of this exercise.
    """
    if is_measured():
        return Goal(0.0, 101.0, *(0.0, 0.0, 0, 0, 0.0, 0.0))
    path = Path(check_file).parent / FILE
    if not path.is_file():
        raise CourseError(f"{path} is missing: `autograder calibrate {path.parent.name}` writes it")
    goals = read_toml(path, Calibration).goals
    if exercise not in goals:
        raise CourseError(
            f"{path} has nothing of {exercise}: run `autograder calibrate {path.parent.name}`"
        )
    return goals[exercise]


@contextmanager
def trying(seed: int) -> Iterator[Trial]:
    """Have checks train with this seed alone, and note what is reached."""
    trial = Trial(seed)
    token = _TRIAL.set(trial)
    try:
        yield trial
    finally:
        _TRIAL.reset(token)


def note_reached(value: float) -> None:
    """Note a value that `assert_reaches` was given, while a goal is being measured."""
    if (trial := _TRIAL.get()) is not None:
        trial.reached.append(value)

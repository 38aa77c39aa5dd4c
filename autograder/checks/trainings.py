"""Judging a trained classifier by its logits on images held out.

    trained = [Trained(seed, logits, losses, epochs) for …]
    assert_accurate(student, trained, data.held_out.y, data.classes, goal)

What a training says of itself (losses, epochs) is shown, and earns nothing.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F

from autograder.checks.charts import training_chart
from autograder.checks.comparison import assert_reaches, assert_that
from autograder.checks.faces import Face, Measurement, note_measurement
from autograder.checks.goals import Goal

_MOST_CONFUSED = 3  # pairs of classes that are named
MOST_LOSS = 1.0  # mean cross-entropy: what ends in a softmax can't get there with ten classes


@dataclass(frozen=True)
class Trained:
    """What came of one training.

    Args:
        seed: what it was trained with.
        logits: (N, K), for the images held out, in their order; anything, as it came.
        losses: those that were seen during the training, in order, as the student's process says.
        epochs: how often it saw a sample, on average, as the student's process says.
    """

    seed: int
    logits: Any
    losses: Sequence[float] = ()
    epochs: float = 0.0


def assert_logits(logits: Any, y: torch.Tensor, classes: Sequence[str]) -> None:
    """What a model gave for some images are finite logits, and no probabilities.

    Args:
        logits: what it gave.
        y: the images' labels, int64 (N,).
        classes: the names of the K classes.
    """
    expected = (len(y), len(classes))
    for_images = f"for {len(y):,} images held out the model should give"
    problem = f"{for_images} a tensor, not a {type(logits).__name__}"
    assert_that(isinstance(logits, torch.Tensor), problem, calls=False)
    shape = tuple(logits.shape)
    problem = f"{for_images} logits of shape {expected}, not {shape}"
    assert_that(shape == expected, problem, calls=False)
    problem = f"{for_images} floating-point logits, not {logits.dtype}"
    assert_that(logits.is_floating_point(), problem, calls=False)
    problem = f"{for_images} finite logits: some are NaN or infinite"
    assert_that(bool(logits.isfinite().all()), problem, calls=False)
    assert_that(
        not are_probabilities(logits),
        "the model gives probabilities: each row adds up to 1. Cross-entropy takes the softmax "
        "itself, and twice is once too often",
        calls=False,
    )


def are_probabilities(logits: torch.Tensor) -> bool:
    """Whether every row of an (N, K) tensor is none below 0 and adds up to 1."""
    sums = logits.double().sum(1)
    return bool((logits >= 0).all() and (sums - 1).abs().max() < 1e-3)


def assert_accurate(
    student: Face, trained: Sequence[Trained], y: torch.Tensor, classes: Sequence[str], goal: Goal
) -> None:
    """The median accuracy of some trainings earns the points, from the floor to the threshold.

    Args:
        student: whose trainings they are: what was measured is kept for the report.
        trained: the trainings.
        y: the labels of the images held out, int64 (N,).
        classes: the names of the K classes.
        goal: what has to be reached, see `goal_of`.
    """
    accuracies = []
    for each in trained:
        assert_logits(each.logits, y, classes)
        loss = float(F.cross_entropy(each.logits.double(), y))
        right = 100 * float((each.logits.argmax(1) == y).double().mean())
        problem = (
            f"the mean cross-entropy on images held out is {loss:.2f}, not below {MOST_LOSS:g} "
            f"(and {right:.1f}% of them are recognised, with seed {each.seed})"
        )
        assert_that(loss < MOST_LOSS, problem, calls=False)
        accuracies.append(right)
    accuracy = statistics.median(accuracies)
    nearest = min(range(len(trained)), key=lambda i: abs(accuracies[i] - accuracy))
    counts = confusion(trained[nearest].logits.argmax(1), y, len(classes))
    told = _told(trained, accuracies, accuracy, counts, classes, goal)
    chart = training_chart({each.seed: each.losses for each in trained}, counts, classes)
    note_measurement(student, Measurement(accuracy, told, chart))
    assert_reaches(accuracy, goal.threshold, floor=goal.floor, problem=told, calls=False)


def confusion(given: torch.Tensor, y: torch.Tensor, classes: int) -> torch.Tensor:
    """Counts (K, K), int64: rows are the labels, columns what was given for them."""
    return torch.bincount(y * classes + given, minlength=classes**2).reshape(classes, classes)


def _told(
    trained: Sequence[Trained],
    accuracies: Sequence[float],
    accuracy: float,
    counts: torch.Tensor,
    classes: Sequence[str],
    goal: Goal,
) -> str:
    images = int(counts.sum())
    error = math.sqrt(accuracy * (100 - accuracy) / images)
    all_of_them = ", ".join(f"{a:.1f}% with seed {t.seed}"
                            for a, t in zip(accuracies, trained, strict=True))  # fmt: skip
    lines = [
        f"{accuracy:.1f}% (± {error:.1f}) of {images:,} images held out are recognised: "
        f"{'the median of ' if len(trained) > 1 else ''}{all_of_them}.",
        f"All points are earned from {goal.threshold:g}% on, none up to {goal.floor:g}%; the "
        f"weakest right training misses that with a probability below {goal.false_fail:.2%}.",
    ]
    if worst := _confused(counts, classes):
        lines.append(f"Most often confused: {worst}.")
    lines.append(f"That took {max(each.epochs for each in trained):.1f} epochs.")
    return "\n".join(lines)


def _confused(counts: torch.Tensor, classes: Sequence[str]) -> str:
    """The pairs that are confused most: 4 taken for 9 (5 times)."""
    wrong = counts.clone().fill_diagonal_(0)
    order = wrong.flatten().argsort(descending=True, stable=True)[:_MOST_CONFUSED].tolist()
    pairs = [divmod(flat, len(classes)) for flat in order]
    return ", ".join(
        f"{classes[i]} taken for {classes[j]} ({int(wrong[i, j])} times)"
        for i, j in pairs
        if wrong[i, j]
    )

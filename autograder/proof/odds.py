"""What a calibration found, for people: histograms, and a table in the stage's handout."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from autograder.checks.goals import Calibration, Goal, MistakeOdds
from autograder.errors import AutograderError
from autograder.report import write_atomically

PICTURE = "calibration.svg"
_BEGIN, _END = "<!-- calibration -->", "<!-- end of calibration -->"
_BINS = 0.5  # percent
_LOWEST = 40.0  # percent; what is worse stands in one bin


class Measured(msgspec.Struct, frozen=True):
    """One training: its accuracy in percent, None where it was refused before it was judged."""

    digest: str
    exercise: str
    variant: str
    seed: int
    accuracy: float | None


def write_odds(folder: Path, found: Calibration, runs: Sequence[Measured]) -> None:
    """Write the histograms beside ``calibration.toml``, and the table into ``handout.md``.

    The table stands between ``<!-- calibration -->`` and ``<!-- end of calibration -->``; a
    handout without these is left alone.

    Raises:
        AutograderError: matplotlib is missing, or a file can't be written.
    """
    write_atomically(folder / PICTURE, histograms(found, runs))
    handout = folder / "handout.md"
    text = handout.read_text(encoding="utf-8") if handout.is_file() else ""
    if _BEGIN in text and _END in text:
        before, rest = text.split(_BEGIN, 1)
        after = rest.split(_END, 1)[1]
        text = f"{before}{_BEGIN}\n{table(found)}{_END}{after}"
        write_atomically(handout, text.encode())


def table(found: Calibration) -> str:
    """For each exercise what has to be reached, how often that is unfair, and who gets past it."""
    lines = []
    for exercise, goal in found.goals.items():
        lines += [
            f"`{exercise}`: all points from **{goal.threshold:g}%** on, none up to "
            f"{goal.floor:g}%. The weakest recipe reached {goal.mean:.1f}% ± {goal.spread:.1f} "
            f"over {goal.seeds} seeds; with three seeds it misses the threshold with a "
            f"probability below **{_percent(goal.false_fail)}** ({goal.confidence:.0%} sure).",
            "",
        ]
        if goal.mistakes:
            lines += [
                "| a known mistake | accuracy | probability to earn all points for the accuracy |",
                "|---|---|---|",
                *(f"| {odds.name} | {_accuracy(odds)} | {_odds(odds.full)} |"
                  for odds in goal.mistakes),
                "",
            ]  # fmt: skip
    return "\n".join(lines)


def histograms(found: Calibration, runs: Sequence[Measured]) -> bytes:
    """An SVG with a panel for each exercise: the weakest right recipe, and each known mistake.

    Raises:
        AutograderError: matplotlib is missing.
    """
    try:
        import matplotlib
    except ModuleNotFoundError as error:
        raise AutograderError(
            'the histograms need matplotlib: pip install "autograder[proof]"'
        ) from error
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "calibration"  # the same runs give the same file
    from matplotlib import pyplot

    rows = len(found.goals)
    figure, axes = pyplot.subplots(rows, 1, figsize=(7, 2.6 * rows), squeeze=False, sharex=True)
    for axis, (exercise, goal) in zip(axes[:, 0], found.goals.items(), strict=True):
        _panel(axis, exercise, goal, [run for run in runs if run.exercise == exercise])
    axes[-1, 0].set_xlabel("accuracy on the images held out, in percent")
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    return buffer.getvalue()


def _panel(axis: Any, exercise: str, goal: Goal, runs: Sequence[Measured]) -> None:
    names = list(dict.fromkeys(run.variant for run in runs))
    count = int((100 - _LOWEST) / _BINS)
    edges = [_LOWEST + i * _BINS for i in range(count + 1)]
    for name in names:
        reached = [max(run.accuracy or 0.0, _LOWEST) for run in runs if run.variant == name]
        share = [1 / len(reached)] * len(reached)
        style = {"alpha": 0.9} if name == "weakest" else {"alpha": 0.5}
        axis.hist(reached, edges, weights=share, label=name, **style)
    axis.axvline(goal.threshold, color="black", label=f"threshold {goal.threshold:g}%")
    axis.axvline(goal.floor, color="black", linestyle=":", label=f"floor {goal.floor:g}%")
    axis.set_title(exercise, loc="left", fontsize=10)
    axis.set_ylabel("share of the trainings")
    axis.legend(fontsize=7, loc="upper left")


def _accuracy(odds: MistakeOdds) -> str:
    judged = odds.seeds - odds.refused
    refused = f"refused {odds.refused} of {odds.seeds} times" if odds.refused else ""
    mean = f"{odds.mean:.1f}%" if judged else ""
    return ", ".join(filter(None, (mean, refused)))


def _percent(probability: float) -> str:
    return f"{100 * probability:.2g}%"


def _odds(bound: float) -> str:
    return "nearly 1" if bound > 0.99 else f"below {_percent(bound)}"

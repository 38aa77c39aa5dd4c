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
_BELOW = 5.0  # percent below the lowest floor; what is worse stands in the first bin


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
    matplotlib.rcParams["svg.fonttype"] = "none"  # words, not outlines: a small file
    from matplotlib import pyplot

    rows = len(found.goals)
    lowest = float(int(min(goal.floor for goal in found.goals.values()) - _BELOW))
    figure, axes = pyplot.subplots(rows, 1, figsize=(9, 2.8 * rows), squeeze=False, sharex=True)
    for axis, (exercise, goal) in zip(axes[:, 0], found.goals.items(), strict=True):
        _panel(axis, exercise, goal, [run for run in runs if run.exercise == exercise], lowest)
    axes[-1, 0].set_xlabel("accuracy on the images held out, in percent")
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    return buffer.getvalue()


def _panel(axis: Any, exercise: str, goal: Goal, runs: Sequence[Measured], lowest: float) -> None:
    count = int((100 - lowest) / _BINS)
    edges = [lowest + i * _BINS for i in range(count + 1)]
    for name in dict.fromkeys(run.variant for run in runs):
        own = [run.accuracy for run in runs if run.variant == name]
        judged = [max(accuracy, lowest) for accuracy in own if accuracy is not None]
        refused = 1 - len(judged) / len(own)
        if not judged:
            axis.plot([], [], " ", label=f"{name} (all refused)")
            continue
        axis.hist(
            judged,
            edges,
            weights=[1 / len(own)] * len(judged),
            label=f"{name} ({refused:.0%} refused)" if refused else name,
            histtype="stepfilled",  # one path: a small file
            alpha=0.9 if name == "weakest" else 0.5,
        )
    axis.axvline(goal.threshold, color="black", label=f"threshold {goal.threshold:g}%")
    axis.axvline(goal.floor, color="black", linestyle=":", label=f"floor {goal.floor:g}%")
    axis.set_title(exercise, loc="left", fontsize=10)
    axis.set_ylabel("share of the trainings")
    axis.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.01, 1))


def _accuracy(odds: MistakeOdds) -> str:
    judged = odds.seeds - odds.refused
    refused = f"refused {odds.refused} of {odds.seeds} times" if odds.refused else ""
    mean = f"{odds.mean:.1f}%" if judged else ""
    return ", ".join(filter(None, (mean, refused)))


def _percent(probability: float) -> str:
    return f"{100 * probability:.2g}%"


def _odds(bound: float) -> str:
    return "nearly 1" if bound > 0.99 else f"below {_percent(bound)}"

"""Draws schedules.svg beside this file: learning rates over steps, and when early stopping stops.

Run it again after a change: ``python pictures.py``. The same file comes out each time.
"""

from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("svg")
mpl.rcParams |= {
    "svg.hashsalt": "schedules",
    "svg.fonttype": "none",  # text stays text: small, and it can be read aloud
    "font.sans-serif": ["DejaVu Sans"],  # every text carries the list
    "axes.spines.top": False,
    "axes.spines.right": False,
}

from matplotlib import pyplot as plt  # noqa: E402  only now the backend is chosen

BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "0.6"
LOSSES = [2.0, 1.5, 1.25, 1.5, 0.75, 1.0, 0.75, 0.625]


def draw_decays(axes):
    """Exponential decay and inverse time decay."""
    steps = np.arange(41)
    axes.plot(steps, np.exp(-0.1 * steps), color=BLUE)
    axes.plot(steps, 1 / (1 + 0.1 * steps), color=ORANGE)
    axes.text(14, 0.13, "exponential", color=BLUE, ha="right")
    axes.text(15, 0.45, "inverse time", color=ORANGE)
    axes.set(title="decays, η₀ = 1, k = 0.1", xlabel="step", xlim=(0, 40), ylim=(0, 1.05))


def draw_triangle(axes):
    """Two and a half cycles with four steps in half of one."""
    steps = np.arange(21)
    rates = 0.1 + 0.4 * (1 - np.abs(steps % 8 - 4) / 4)
    axes.plot(steps, rates, color=GREEN, marker="o", markersize=3.5)
    axes.set(title="triangular, half_cycle = 4", xlabel="step", xticks=range(0, 21, 4))
    axes.set(ylim=(0, 0.55), yticks=[0.1, 0.5], yticklabels=["lr_min", "lr_max"])


def draw_waves(axes):
    """Periods of 4, 8 and 16 steps, and the first step of the one after."""
    begin = 0
    for period in (4, 8, 16):
        t = np.arange(period + 1)
        wave = 0.1 + 0.4 * (1 + np.cos(np.pi * t / period)) / 2
        steps = begin + t
        axes.plot(steps[:-1], wave[:-1], color=BLUE, marker="o", markersize=3.5)
        axes.plot(steps[-2:], wave[-2:], color=BLUE, linestyle=":")
        axes.plot(steps[-1:], wave[-1:], color=BLUE, marker="o", markersize=3.5, fillstyle="none")
        begin += period
    axes.plot([begin], [0.5], color=BLUE, marker="o", markersize=3.5)
    axes.set(title="cosine restarts, period = 4, mult = 2", xlabel="step", xticks=[0, 4, 12, 28])
    axes.set(ylim=(0, 0.55), yticks=[0.1, 0.5], yticklabels=["lr_min", "lr_max"])


def draw_stopping(axes):
    """The handout's losses: what is an improvement, and where it stops."""
    improvements = [0, 1, 4]
    epochs = range(len(LOSSES))
    axes.plot(epochs, LOSSES, color=GREY, marker="o", markersize=4, zorder=1)
    axes.plot(
        improvements, [LOSSES[i] for i in improvements], "o", color=GREEN, markersize=6, zorder=2
    )
    line = [LOSSES[max(i for i in improvements if i <= epoch)] - 0.25 for epoch in epochs]
    axes.step(epochs, line, where="post", color=ORANGE, linestyle="--", linewidth=1)
    axes.plot([7], LOSSES[7:], "s", color=ORANGE, markersize=7, zorder=2)
    axes.text(7.0, 0.75, "stop", color=ORANGE, ha="center")
    axes.text(4.5, 0.3, "best − min_delta", color=ORANGE)
    axes.text(1.2, 1.55, "improvements", color=GREEN)
    axes.set(title="early stopping, patience = 3, min_delta = ¼", xlabel="epoch", ylabel="loss")
    axes.set(ylim=(0.2, 2.1))


def main():
    """Write the picture."""
    figure, ((decays, triangle), (waves, stopping)) = plt.subplots(2, 2, figsize=(9.6, 5.6))
    draw_decays(decays)
    draw_triangle(triangle)
    draw_waves(waves)
    draw_stopping(stopping)
    figure.tight_layout()
    path = Path(__file__).with_name("schedules.svg")
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    # matplotlib leaves blanks at the ends of lines
    lines = (line.rstrip() for line in path.read_text(encoding="utf-8").splitlines())
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

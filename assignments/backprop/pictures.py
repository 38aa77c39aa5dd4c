"""Draws the handout's picture: ``python pictures.py`` writes `backward.svg` beside this file."""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

COLOURS = np.array([["#4477aa", "#ee9944"], ["#66aa66", "#bb5577"]])  # one for each output
SETTINGS = {
    "svg.hashsalt": "backprop",  # the same file on every run
    "svg.fonttype": "none",
    "font.size": 11,
    "font.family": "sans-serif",
}


def grid(ax, numbers, title):
    """A matrix as boxes with numbers; returns its boxes."""
    rows, columns = numbers.shape
    boxes = {}
    for r, c in np.ndindex(rows, columns):
        boxes[r, c] = ax.add_patch(Rectangle((c, -r), 1, -1, fill=False, ec="#999999", lw=0.8))
        ax.text(c + 0.5, -r - 0.5, f"{numbers[r, c]:g}", ha="center", va="center")
    ax.set(xlim=(-0.2, columns + 0.2), ylim=(-rows - 0.2, 0.2), aspect="equal")
    ax.set_title(title, fontsize=11)
    ax.axis("off")
    return boxes


def fill(box, colour):
    """Paint a box, its number stays readable."""
    box.set(fill=True, fc=colour + "66")


def convolution(dout_ax, dx_ax):
    """Each output spreads its gradient over its window; where windows overlap, they add."""
    dout, kernel = np.ones((2, 2)), 3
    dx = np.zeros((4, 4))
    for h, w in np.ndindex(2, 2):
        dx[h : h + kernel, w : w + kernel] += dout[h, w]
        inset = 0.06 + 0.05 * (2 * h + w)  # so that all four frames can be seen
        dx_ax.add_patch(
            Rectangle(
                (w + inset, -h - inset),
                kernel - 2 * inset,
                2 * inset - kernel,
                fill=False,
                ec=COLOURS[h, w],
                lw=1.8,
            )
        )
    for place, box in grid(dout_ax, dout, "conv2d: dout").items():
        fill(box, COLOURS[place])
    grid(dx_ax, dx, "dx, kernel 3×3 of ones")


def pooling(x_ax, dout_ax, dx_ax):
    """Each output hands its gradient to the winner of its window."""
    x = np.array([[1, 5, 2], [4, 3, 0], [6, 1, 2]])
    dout = np.array([[1, 2], [3, 4]])
    dx = np.zeros((3, 3))
    boxes = grid(x_ax, x, "max_pool2d, 2×2: x")
    shares = grid(dout_ax, dout, "dout, stride 1")
    winners = {}
    for h, w in np.ndindex(2, 2):
        window = x[h : h + 2, w : w + 2]
        i, j = np.unravel_index(window.argmax(), window.shape)
        dx[h + i, w + j] += dout[h, w]
        winners.setdefault((h + i, w + j), COLOURS[h, w])
        fill(shares[h, w], winners[h + i, w + j])
    got = grid(dx_ax, dx, "dx")
    for place, colour in winners.items():
        fill(boxes[place], colour)
        fill(got[place], colour)


def main():
    """Write the picture."""
    with plt.rc_context(SETTINGS):
        figure, axes = plt.subplots(
            1, 5, figsize=(10, 2.3), width_ratios=[2.4, 4.4, 3.4, 2.4, 3.4], layout="constrained"
        )
        convolution(*axes[:2])
        pooling(*axes[2:])
        target = Path(__file__).with_name("backward.svg")
        figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    main()

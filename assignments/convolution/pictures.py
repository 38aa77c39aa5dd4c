"""Draws the handout's picture: `python pictures.py` writes windows.svg beside this file.

The same picture comes out byte for byte, so that a change of it is a change that someone made.
"""

from __future__ import annotations

import math
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

IMAGE = [[1, 1, 5, 5], [1, 1, 5, 5], [1, 1, 5, 9]]
KERNEL = [[-1, 1], [-2, 2]]
OUTPUT = [[0, 12, 0], [0, 12, 8]]
WINDOW, MET, PADDING = "#f2b134", "#7fb7be", "#e4e4e4"


def grid(axes: Axes, rows: list[list[object]], title: str) -> None:
    """A table of numbers as pixels, the first row on top."""
    axes.set(xlim=(-0.05, len(rows[0]) + 0.05), ylim=(len(rows) + 0.05, -0.05), aspect="equal")
    axes.axis("off")
    axes.set_title(title, fontsize=9)
    height, width = len(rows), len(rows[0])
    lines = [((0, width), (r, r)) for r in range(height + 1)]
    lines += [((c, c), (0, height)) for c in range(width + 1)]
    # all of them as one path with gaps: a small file
    across = [coordinate for xs, _ in lines for coordinate in (*xs, math.nan)]
    down = [coordinate for _, ys in lines for coordinate in (*ys, math.nan)]
    axes.plot(across, down, color="#888888", linewidth=0.6)
    for r, row in enumerate(rows):
        for c, number in enumerate(row):
            text = str(number).replace("-", "−")
            axes.text(c + 0.5, r + 0.55, text, ha="center", va="center", fontsize=8)


def fill(axes: Axes, cells: list[tuple[int, int]], color: str) -> None:
    """Colour the pixels (row, column)."""
    for r, c in cells:
        axes.add_patch(Rectangle((c, r), 1, 1, facecolor=color, edgecolor="none", zorder=0))


def block(top: int, left: int, height: int, width: int) -> list[tuple[int, int]]:
    """The pixels of a rectangle."""
    return [(top + r, left + c) for r in range(height) for c in range(width)]


def framed(rows: list[list[object]], height: int, width: int, value: object) -> list[list[object]]:
    """An image in a frame of `value`."""
    wide = [[value] * width + row + [value] * width for row in rows]
    empty = [value] * len(wide[0])
    return [empty] * height + wide + [empty] * height


def columns(rows: list[list[object]], height: int, width: int) -> list[list[object]]:
    """im2col of an image of one channel, as rows of a table."""
    tops, lefts = range(len(rows) - height + 1), range(len(rows[0]) - width + 1)
    return [
        [rows[top + i][left + j] for top in tops for left in lefts]
        for i in range(height)
        for j in range(width)
    ]


def draw() -> plt.Figure:
    """Two rows: a convolution, and what padding, stride, dilation and im2col make of it."""
    figure, ((x, weight, y), (strided, dilated, unfolded)) = plt.subplots(
        2, 3, figsize=(7.6, 4.6), layout="constrained"
    )
    grid(x, IMAGE, "x, a window in yellow")
    fill(x, block(1, 2, 2, 2), WINDOW)
    grid(weight, KERNEL, "weight, not flipped")
    grid(y, OUTPUT, "y: 8 = −1·5 + 1·5 − 2·5 + 2·9")
    fill(y, [(1, 2)], WINDOW)

    padded = framed(IMAGE, 1, 2, 0)
    frame = [(r, c) for r, c in block(0, 0, 5, 8) if not (1 <= r <= 3 and 2 <= c <= 5)]
    grid(strided, padded, "padding (1, 2), stride (2, 3):\nwhere the 2×2 windows start")
    fill(strided, frame, PADDING)
    fill(strided, [(r, c) for r in (0, 2) for c in (0, 3, 6)], WINDOW)
    grid(dilated, padded, "padding (1, 2), dilation (2, 3):\nwhat the first window meets")
    fill(dilated, frame, PADDING)
    fill(dilated, [(0, 0), (0, 3), (2, 0), (2, 3)], MET)

    table = columns(IMAGE, 2, 2)
    grid(unfolded, table, "im2col: each window a column;\n(−1, 1, −2, 2) times this is y")
    fill(unfolded, block(0, 5, 4, 1), WINDOW)
    return figure


def main() -> None:
    """Write the picture."""
    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "convolution", "svg.fonttype": "none"})
    mpl.rcParams["font.sans-serif"] = ["DejaVu Sans"]  # every text carries the list
    figure = draw()
    figure.savefig(
        Path(__file__).with_name("windows.svg"), metadata={"Date": None, "Creator": None}
    )


if __name__ == "__main__":
    main()

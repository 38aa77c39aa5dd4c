"""Draws the handout's picture: `python pictures.py` writes masks.svg beside this file.

The same picture comes out byte for byte, so that a change of it is a change that someone made.
"""

from __future__ import annotations

import math
import pathlib

import matplotlib as mpl
import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

SAMPLES, FEATURES, P = 6, 10, 0.25
KEPT, LINES = "#7fb7be", "#888888"


def draw_mask(axes: Axes, mask: torch.Tensor, title: str) -> None:
    """A mask as a table, a sample a row: kept elements coloured."""
    axes.set(xlim=(-0.1, FEATURES + 0.1), ylim=(SAMPLES + 0.1, -0.1), aspect="equal")
    axes.axis("off")
    axes.set_title(title, fontsize=9)
    cells = [(c, r) for r in range(SAMPLES) for c in range(FEATURES)]
    kept = [
        Path.unit_rectangle().transformed(Affine2D().translate(*at))
        for at in cells
        if mask[at[::-1]]
    ]
    # one path for all: a small file
    axes.add_patch(PathPatch(Path.make_compound_path(*kept), facecolor=KEPT, edgecolor="none"))
    lines = [((c, c), (0, SAMPLES)) for c in range(FEATURES + 1)]
    lines += [((0, FEATURES), (r, r)) for r in range(SAMPLES + 1)]
    across = [x for xs, _ in lines for x in (*xs, math.nan)]
    down = [y for _, ys in lines for y in (*ys, math.nan)]
    axes.plot(across, down, color=LINES, linewidth=0.6)


def draw_average(axes: Axes, generator: torch.Generator) -> None:
    """The mean of y over more and more masks, for an element of x that is 1."""
    mask = (torch.rand(2000, generator=generator) < 1 - P).double()
    count = torch.arange(1, 2001)
    for y, name, color in (
        (mask / (1 - P), "x · mask / (1 − p)", "#4c72b0"),
        (mask, "x · mask", "#c44e52"),
    ):
        means = (y.cumsum(0) / count)[9::20]
        axes.plot(count[9::20], means, color=color, linewidth=1.2)
        axes.text(2000, means[-1] + 0.04, name, color=color, fontsize=9, ha="right")
    axes.axhline(1, color=LINES, linewidth=0.6, zorder=0)
    axes.set(xlim=(0, 2000), ylim=(0.6, 1.2))
    axes.set_xlabel("masks", fontsize=9)
    axes.set_title("mean of y where x = 1, p = ¼", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def draw() -> plt.Figure:
    """Above: a right mask and two that are not independent. Below: what scaling is for."""
    generator = torch.Generator().manual_seed(7)
    figure = plt.figure(figsize=(7.6, 4.0), layout="constrained")
    rows = figure.subplot_mosaic([["right", "batch", "sample"], ["mean", "mean", "mean"]])
    draw_mask(
        rows["right"], torch.rand(SAMPLES, FEATURES, generator=generator) >= P, "right: one by one"
    )
    feature = torch.rand(1, FEATURES, generator=generator) >= P
    draw_mask(rows["batch"], feature.expand(SAMPLES, FEATURES), "wrong: one for all samples")
    sample = torch.tensor([True, True, False, True, True, False])[:, None]
    draw_mask(rows["sample"], sample.expand(SAMPLES, FEATURES), "wrong: whole samples")
    draw_average(rows["mean"], generator)
    return figure


def main() -> None:
    """Write the picture."""
    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "regularization", "svg.fonttype": "none"})
    mpl.rcParams["font.sans-serif"] = ["DejaVu Sans"]  # every text carries the list
    figure = draw()
    figure.savefig(
        pathlib.Path(__file__).with_name("masks.svg"), metadata={"Date": None, "Creator": None}
    )


if __name__ == "__main__":
    main()

"""Draws the handout's picture: `python pictures.py` writes networks.svg beside this file.

The same picture comes out byte for byte, so that a change of it is a change that someone made.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, Rectangle

LAYER, SKIP, OTHER, LINE = "#7fb7be", "#f2b134", "#e4e4e4", "#555555"


def box(axes: Axes, x: float, y: float, text: str, width: float, color: str = LAYER) -> None:
    """A box around the point (x, y)."""
    height = 0.62
    corner = (x - width / 2, y - height / 2)
    axes.add_patch(Rectangle(corner, width, height, facecolor=color, edgecolor=LINE, linewidth=0.6))
    axes.text(x, y, text, ha="center", va="center", fontsize=8)


def arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], **style: object
) -> None:
    """An arrow from one point to another."""
    usual = {"color": LINE, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0}
    axes.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=8, **(usual | style))
    )


def panel(axes: Axes, title: str, width: float, height: float) -> None:
    """An empty panel, its origin below on the left."""
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    axes.set_title(title, fontsize=9)


def chain(axes: Axes) -> None:
    """small_cnn from top to bottom, with what comes out of each layer."""
    layers = [
        ("image", "1 × 28 × 28", OTHER),
        ("conv 3×3", "4 × 28 × 28", LAYER),
        ("ReLU, pool", "4 × 14 × 14", LAYER),
        ("conv 3×3", "8 × 14 × 14", LAYER),
        ("ReLU, pool", "8 × 7 × 7", LAYER),
        ("dense", "10 logits", LAYER),
    ]
    panel(axes, "small_cnn", 4, 6)
    for i, (name, shape, color) in enumerate(layers):
        y = 5.5 - i
        box(axes, 1.1, y, name, 1.9, color)
        axes.text(2.25, y, shape, va="center", fontsize=8)
        if i:
            arrow(axes, (1.1, y + 0.69), (1.1, y + 0.31))


def residual(axes: Axes) -> None:
    """A block whose input goes round f."""
    panel(axes, "ResidualBlock", 4, 6)
    names = ["x", "conv, norm", "ReLU", "conv, norm", "+"]
    for i, name in enumerate(names):
        y = 5.5 - i
        box(axes, 1.3, y, name, 0.6 if len(name) == 1 else 1.9, LAYER if 0 < i < 4 else OTHER)
        if i:
            arrow(axes, (1.3, y + 0.69), (1.3, y + 0.31))
    arrow(axes, (1.3, 1.19), (1.3, 0.5))
    axes.text(1.3, 0.3, "f(x) + x", ha="center", va="center", fontsize=8)
    round_it = "arc,angleA=0,angleB=0,armA=45,armB=45,rad=8"
    style = {"color": SKIP, "linewidth": 1.8, "connectionstyle": round_it}
    arrow(axes, (1.6, 5.5), (1.6, 1.5), **style)
    axes.text(2.85, 3.5, "skip", rotation=90, va="center", fontsize=8)


def u(axes: Axes) -> None:
    """Down on the left, up on the right, and across."""
    panel(axes, "TinyUNet", 6.4, 6)
    levels = [(4.6, "w", "full size"), (2.8, "2w", "half"), (1.0, "4w", "a quarter")]
    for i, (y, channels, size) in enumerate(levels):
        left, right = 1.0 + 0.6 * i, 5.0 - 0.6 * i
        if i == 2:
            box(axes, 3.0, y, f"{channels}, {size}", 1.9)
            continue
        box(axes, left, y, channels, 0.8)
        box(axes, right, y, channels, 0.8)
        arrow(axes, (left + 0.4, y), (right - 0.4, y), color=SKIP, linewidth=1.8)
        axes.text(3.0, y + 0.2, size, ha="center", fontsize=8)
        inner = 0.6 if i == 0 else 0.75
        arrow(axes, (left, y - 0.31), (left + inner, y - 1.49))
        arrow(axes, (right - inner, y - 1.49), (right, y - 0.31))
    axes.text(1.0, 5.6, "image", ha="center", va="center", fontsize=8)
    axes.text(5.0, 5.6, "logits", ha="center", va="center", fontsize=8)
    arrow(axes, (1.0, 5.4), (1.0, 4.91))
    arrow(axes, (5.0, 4.91), (5.0, 5.4))


def patches(axes: Axes) -> None:
    """The order of patches, and of the pixels in the first of them."""
    panel(axes, "patchify, p = 2", 6.2, 6)
    for number in range(6):
        left, top = 0.1 + 2 * (number % 3), 5.6 - 2 * (number // 3)
        color = [SKIP, OTHER, LAYER][(number + number // 3) % 3]
        axes.add_patch(Rectangle((left, top - 2), 2, 2, facecolor=color, edgecolor="white"))
    for pixel in range(4):
        middle = (0.6 + pixel % 2, 5.1 - pixel // 2)
        axes.text(*middle, str(pixel + 1), ha="center", va="center", fontsize=8)
    for number in range(1, 6):
        middle = (1.1 + 2 * (number % 3), 4.6 - 2 * (number // 3))
        axes.text(*middle, f"patch {number}", ha="center", va="center", fontsize=8)
    axes.text(0.1, 0.9, "patch 0 is 1, 2, 3, 4 of channel 0,", fontsize=8)
    axes.text(0.1, 0.3, "then those of channel 1, …", fontsize=8)


def main() -> None:
    """Write the picture."""
    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "models", "svg.fonttype": "none"})
    mpl.rcParams["font.sans-serif"] = ["DejaVu Sans"]  # every text carries the list
    figure, axes = plt.subplots(
        1, 4, figsize=(10, 3.1), width_ratios=[4, 4, 6, 6], layout="constrained"
    )
    for draw, one in zip((chain, residual, u, patches), axes, strict=True):
        draw(one)
    target = Path(__file__).with_name("networks.svg")
    figure.savefig(target, metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    main()

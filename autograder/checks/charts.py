"""Pictures of a training: how the loss fell, and which classes are taken for which, as SVG.

Made of numbers alone, and the same wherever the numbers are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

import torch

_SIDE = 220  # pixels of the plots
_LEFT, _TOP, _GAP = 46, 34, 70
_COLOURS = ("#2166ac", "#b2182b", "#1b7837", "#762a83", "#8c510a")
_MOST_POINTS = 100  # of one curve


def training_chart(
    curves: Mapping[int, Sequence[float]], confusion: torch.Tensor, classes: Sequence[str]
) -> str:
    """The losses of some trainings beside the confusion matrix of one of them.

    Args:
        curves: for each seed the losses in the order of the steps; values that are not finite are
            left out.
        confusion: counts (K, K), int64: rows are what an image shows, columns what it was taken
            for.
        classes: the K names.
    """
    width, height = 2 * _SIDE + _GAP + 2 * _LEFT, _SIDE + _TOP + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
        "<title>loss during the training, and confusion matrix</title>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<g transform="translate({_LEFT} {_TOP})">{_curves(curves)}</g>',
        f'<g transform="translate({_LEFT + _SIDE + _GAP} {_TOP})">',
        _matrix(confusion, classes),
        "</g>",
    ]
    return "".join([*parts, "</svg>"])


def _curves(curves: Mapping[int, Sequence[float]]) -> str:
    means = {seed: _means([v for v in losses if math.isfinite(v)])
             for seed, losses in curves.items()}  # fmt: skip
    values = [value for losses in means.values() for value in losses]
    if not values:
        return _words(0, _SIDE / 2, "no loss was seen")
    low, high = min(0.0, *values), max(values)
    scale = _SIDE / ((high - low) or 1.0)
    parts = [_words(0, -12, "loss during the training"), _frame()]
    for level in (low, (low + high) / 2, high):
        y = _SIDE - (level - low) * scale
        parts.append(_words(-6, y + 4, f"{level:.2f}", anchor="end"))
    for i, (seed, losses) in enumerate(means.items()):
        step = _SIDE / max(1, len(losses) - 1)
        points = " ".join(f"{j * step:.1f},{_SIDE - (v - low) * scale:.1f}"
                          for j, v in enumerate(losses))  # fmt: skip
        colour = _COLOURS[i % len(_COLOURS)]
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}"/>')
        parts.append(_words(_SIDE - 4, 16 + 14 * i, f"seed {seed}", colour, anchor="end"))
    parts.append(_words(0, _SIDE + 16, "first step"))
    parts.append(_words(_SIDE, _SIDE + 16, "last step", anchor="end"))
    return "".join(parts)


def _means(values: Sequence[float]) -> list[float]:
    """Of many values the means of groups of neighbours: a step's own loss is noise."""
    size = -(-len(values) // _MOST_POINTS) or 1
    groups = [values[i : i + size] for i in range(0, len(values), size)]
    return [sum(group) / len(group) for group in groups]


def _matrix(confusion: torch.Tensor, classes: Sequence[str]) -> str:
    count = len(classes)
    cell = _SIDE / count
    wrong = confusion.clone().fill_diagonal_(0)
    most = max(1, int(wrong.max()))
    parts = [_words(0, -12, "what an image shows (rows), and is taken for (columns)")]
    for i, row in enumerate(confusion.tolist()):
        for j, number in enumerate(row):
            shade = "#d9f0d3" if i == j else _shade(number / most)
            parts.append(f'<rect x="{j * cell:.1f}" y="{i * cell:.1f}" width="{cell:.1f}" '
                         f'height="{cell:.1f}" fill="{shade}"/>')  # fmt: skip
            if number and cell >= 14:
                x, y = (j + 0.5) * cell, (i + 0.5) * cell + 4
                parts.append(_words(x, y, str(number), anchor="middle"))
    for i, name in enumerate(classes):
        parts.append(_words(-6, (i + 0.5) * cell + 4, name, anchor="end"))
        parts.append(_words((i + 0.5) * cell, _SIDE + 14, name, anchor="middle"))
    return "".join([*parts, _frame()])


def _shade(share: float) -> str:
    """White for 0 to red for 1."""
    level = round(255 - 155 * min(max(share, 0.0), 1.0))
    return f"#ff{level:02x}{level:02x}"


def _frame() -> str:
    return f'<rect width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#888"/>'


def _words(x: float, y: float, words: str, fill: str = "#222", anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" text-anchor="{anchor}">{escape(words)}</text>'
    )

"""Pictures of where an answer is wrong, for tensors of images: plain text, and SVG.

They are made of values alone, are small whatever the tensor is, and are the same on every machine
that computed the same values. Large planes are drawn coarser: a cell is the worst of its block.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

import torch

from autograder.checks.patterns import Mismatch, describe, place, relation

_FEW = 16  # elements that are read more easily than a picture of them
_FEWEST_WRONG = 3  # one or two are told by their index
_LEVELS = 9

_WIDTH = 76  # characters of a line of text: it is indented by four
_MOST_ROWS, _MOST_COLUMNS = 12, 24  # characters of one plane, and of all planes' rows together

_MOST_DRAWN = 4  # planes in an SVG
_MOST_CELLS = 1800  # in all panels of an SVG together
_PANEL = 108  # pixels of a panel's longer side
_ERRORS = (  # right, and the levels
    *("#fff", "#fee0d2", "#fcc3ad", "#fca487", "#fc8464"),
    *("#f86044", "#e93529", "#cb181d", "#a50f15", "#67000d"),
)
_VALUES = (  # blue below zero, red above: ColorBrewer's RdBu
    *("#2166ac", "#4393c3", "#92c5de", "#d1e5f0", "#f7f7f7"),
    *("#fddbc7", "#f4a582", "#d6604d", "#b2182b"),
)
_NO_NUMBER = "#222"


def text(mismatch: Mismatch) -> str:
    """A few lines of ASCII that show where an answer is wrong; empty where numbers say it all.

    That is where there are few elements, fewer than three dimensions, or where every element is
    wrong with no visible reason.
    """
    if not _is_worth_it(mismatch):
        return ""
    instead = relation(mismatch)
    if instead or mismatch.wrong.all():
        return instead
    caption = place(mismatch.wrong)
    levels, block = _coarse(_levels(mismatch), _MOST_ROWS, _MOST_COLUMNS)
    chosen = _chosen(mismatch.wrong, _that_fit(levels.shape, mismatch.wrong.dim()))
    grids = [_grid(levels[index], _name(index)) for index in chosen]
    lines = [caption] if caption else []
    for band in _bands(grids):
        lines += [_side_by_side(row) for row in zip(*band, strict=True)]
    return "\n".join([*lines, *_legend(mismatch, levels, block, len(chosen))])


def svg(mismatch: Mismatch) -> str:
    """What was expected, what came and where it is wrong, side by side, as an SVG image.

    Empty where the numbers say it all: where there are few elements, or less than 3 dimensions.
    """
    if not _is_worth_it(mismatch):
        return ""
    chosen = _chosen(mismatch.wrong, _MOST_DRAWN)
    side = math.isqrt(_MOST_CELLS // (3 * len(chosen)))
    size = _peak(mismatch.expected)
    stacks = [
        ("expected", _coarse(_shades(mismatch.expected, size), side, side)[0], _VALUES),
        ("answer", _coarse(_shades(mismatch.actual, size), side, side)[0], _VALUES),
        ("wrong", _coarse(_levels(mismatch), side, side)[0], _ERRORS),
    ]
    rows, columns = stacks[0][1].shape[-2:]
    cell = _PANEL / max(rows, columns)
    across, down = columns * cell + 16, rows * cell + 12
    caption = describe(mismatch) or "where the answer is wrong"
    left, top = 76, 52
    width = max(left + across * len(chosen), 560)
    key = _key(mismatch, size, stacks, len(chosen))
    height = top + 3 * down + 18 * len(key)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'font-family="sans-serif" font-size="13">',
        f"<title>{escape(caption)}</title>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        _words(8, 20, caption),
    ]
    parts += [_words(left + i * across, top - 8, _name(at)) for i, at in enumerate(chosen)]
    for j, (name, stack, colours) in enumerate(stacks):
        parts.append(_words(8, top + j * down + 14, name))
        for i, index in enumerate(chosen):
            parts.append(
                f'<g transform="translate({left + i * across:.1f} {top + j * down:.1f}) '
                f'scale({cell:.3f})">{_panel(stack[index], colours)}</g>'
            )
    parts += [_words(8, height - 10 - 18 * i, line) for i, line in enumerate(reversed(key))]
    return "".join([*parts, "</svg>"])


def _is_worth_it(mismatch: Mismatch) -> bool:
    wrong = mismatch.wrong
    drawable = wrong.dim() >= 3 and min(wrong.shape[-2:]) > 1
    return drawable and wrong.numel() > _FEW and int(wrong.sum()) >= _FEWEST_WRONG


# --- how wrong, and which planes -------------------------------------------------------------


def _errors(mismatch: Mismatch) -> torch.Tensor:
    wide = torch.complex128 if mismatch.expected.is_complex() else torch.float64
    error = (mismatch.actual.to(wide) - mismatch.expected.to(wide)).abs()
    error = error.nan_to_num(math.inf, math.inf)
    return torch.where(mismatch.wrong, error, 0.0)


def _levels(mismatch: Mismatch) -> torch.Tensor:
    """0 where right, 1 to 9 by how far off, 10 where the error is no finite number."""
    error = _errors(mismatch)
    finite = error.isfinite()
    levels = (error / _peak(error) * _LEVELS).ceil().clamp(1, _LEVELS)
    return torch.where(mismatch.wrong, torch.where(finite, levels, _LEVELS + 1), 0).to(torch.int8)


def _shades(values: torch.Tensor, size: float) -> torch.Tensor:
    """−4 to 4 by sign and size, 5 for what is not a number."""
    real = _real(values)
    half = len(_VALUES) // 2
    shades = (half * (real / size).clamp(-1, 1)).round()
    return shades.nan_to_num(half + 1).to(torch.int8)


def _peak(values: torch.Tensor) -> float:
    """The largest finite magnitude, 1 where there is none."""
    sizes = _real(values).abs()
    sizes = sizes[sizes.isfinite()]
    return (float(sizes.max()) if sizes.numel() else 0.0) or 1.0


def _real(values: torch.Tensor) -> torch.Tensor:
    return values.abs().double() if values.is_complex() else values.detach().double()


def _coarse(
    planes: torch.Tensor, most_rows: int, most_columns: int
) -> tuple[torch.Tensor, tuple[int, int]]:
    """The planes with blocks of cells made one, the one that is largest in size."""
    rows, columns = planes.shape[-2:]
    block = -(-rows // most_rows), -(-columns // most_columns)
    if block == (1, 1):
        return planes, block
    down, right = -(-rows // block[0]), -(-columns // block[1])
    padded = planes.new_zeros(*planes.shape[:-2], down * block[0], right * block[1])
    padded[..., :rows, :columns] = planes
    blocks = padded.reshape(*planes.shape[:-2], down, block[0], right, block[1])
    high, low = blocks.amax((-3, -1)), blocks.amin((-3, -1))
    return torch.where(high >= -low, high, low), block


def _chosen(wrong: torch.Tensor, most: int) -> list[tuple[int, ...]]:
    """The indices of the planes to show: all if they are few, wrong ones first if not."""
    hit = wrong.flatten(-2).any(dim=-1).flatten()
    order = torch.cat([hit.nonzero().flatten(), (~hit).nonzero().flatten()])[:most]
    shape = tuple(wrong.shape[:-2])
    return [_unravel(flat, shape) for flat in sorted(order.tolist())]


def _unravel(flat: int, shape: Sequence[int]) -> tuple[int, ...]:
    index = []
    for size in reversed(shape):
        flat, at = divmod(flat, size)
        index.append(at)
    return tuple(reversed(index))


def _name(index: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, index))}]"


# --- text ------------------------------------------------------------------------------------


def _that_fit(shape: Sequence[int], dim: int) -> int:
    """How many planes fit into the lines that a message may have."""
    rows, columns = shape[-2:]
    return _in_a_line(columns, dim) * max(1, (_MOST_ROWS + 2) // (rows + 1))


def _in_a_line(columns: int, dim: int) -> int:
    return max(1, (_WIDTH + 3) // (max(2 * columns - 1, 4 * dim) + 3))


def _grid(levels: torch.Tensor, name: str) -> list[str]:
    """The lines of one plane, all of the same length."""
    marks = "." + "".join(map(str, range(1, _LEVELS + 1))) + "!"
    lines = [name, *(" ".join(marks[level] for level in row) for row in levels.tolist())]
    width = max(map(len, lines))
    return [line.ljust(width) for line in lines]


def _bands(grids: list[list[str]]) -> Iterator[list[list[str]]]:
    width = max(len(grid[0]) for grid in grids) + 3
    count = max(1, (_WIDTH + 3) // width)
    for start in range(0, len(grids), count):
        yield grids[start : start + count]


def _side_by_side(cells: Sequence[str]) -> str:
    return "   ".join(cells).rstrip()


def _legend(
    mismatch: Mismatch, levels: torch.Tensor, block: tuple[int, int], shown: int
) -> list[str]:
    """What the characters mean, and what is left out."""
    parts = [". is right"]
    if bool(((levels > 0) & (levels <= _LEVELS)).any()):
        parts.append(f"1 to {_LEVELS}: how far off, up to {_peak(_errors(mismatch)):.2g}")
    if bool((levels > _LEVELS).any()):
        parts.append("!: nan or infinitely far off")
    lines = ["; ".join(parts)]
    if block != (1, 1):
        lines.append(f"each character is the worst of {block[0]} x {block[1]} elements")
    if left_out := _left_out(mismatch, shown):
        lines.append(left_out)
    return lines


def _left_out(mismatch: Mismatch, shown: int) -> str:
    more = math.prod(mismatch.wrong.shape[:-2]) - shown
    if not more:
        return ""
    wrong = max(0, int(mismatch.wrong.flatten(-2).any(dim=-1).sum()) - shown)
    how_many = {0: "none", more: "all"}.get(wrong, f"{wrong} of them")
    return f"not shown: {more} more, {how_many} wrong"


# --- SVG -------------------------------------------------------------------------------------


def _panel(cells: torch.Tensor, colours: Sequence[str]) -> str:
    """One plane in units of cells: for each colour, a path of horizontal runs."""
    runs: dict[str, list[str]] = {}
    grid = cells.tolist()
    for y, row in enumerate(grid):
        start = 0
        for x in range(1, len(row) + 1):
            if x == len(row) or row[x] != row[start]:
                at = row[start] - _lowest(colours)
                colour = colours[at] if at < len(colours) else _NO_NUMBER
                runs.setdefault(colour, []).append(f"M{start} {y}h{x - start}")
                start = x
    rows, columns = len(grid), len(grid[0])
    paths = [f'<path stroke="{colour}" d="{"".join(runs[colour])}"/>' for colour in sorted(runs)]
    return (
        f'<g transform="translate(0 .5)" shape-rendering="crispEdges">{"".join(paths)}</g>'
        f'<rect width="{columns}" height="{rows}" fill="none" stroke="#888" stroke-width=".06"/>'
    )


def _lowest(colours: Sequence[str]) -> int:
    """The level that has the first colour."""
    return -(len(colours) // 2) if colours is _VALUES else 0


def _words(x: float, y: float, words: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="#222">{escape(words)}</text>'


def _key(
    mismatch: Mismatch,
    size: float,
    stacks: Sequence[tuple[str, torch.Tensor, Sequence[str]]],
    shown: int,
) -> list[str]:
    """What the colours mean, and what is left out."""
    parts = [f"values: blue {-size:.2g} to red {size:.2g}"]
    levels = stacks[-1][1]
    if bool(((levels > 0) & (levels <= _LEVELS)).any()):
        parts.append(f"wrong: white 0 to dark red {_peak(_errors(mismatch)):.2g}")
    if any(bool((cells - _lowest(colours) >= len(colours)).any()) for _, cells, colours in stacks):
        parts.append("black: nan or infinitely far off")
    left_out = _left_out(mismatch, shown)
    return ["; ".join(parts), *([left_out] if left_out else [])]

"""Where an answer is wrong, in words: its border, one channel, upside down.

`describe` never says more than is true of the values, and says nothing where nothing is clear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch

Index = tuple[Any, ...]

_MOST_COMPARED = 100_000  # elements beyond which nobody looks for what was mirrored or shifted
_FARTHEST = 3  # rows or columns that an answer is looked for to be shifted by
_MEANT = 0.5  # of a region: where less of it is wrong, it may not be what errors have in common
_CHANCE = 0.01  # that errors which could be anywhere are all on the border

_TURNED: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "with the opposite sign": torch.neg,
    "upside down": lambda x: x.flip(-2),
    "mirrored left to right": lambda x: x.flip(-1),
    "turned by 180°": lambda x: x.flip((-2, -1)),
    "with rows and columns swapped": lambda x: x.mT,
}


@dataclass(frozen=True)
class Mismatch:
    """Two tensors of one shape that differ in their values.

    Args:
        actual, expected: what came and what should have come.
        wrong: a mask of the elements that are wrong.
        allowed: by how much a right element may be off, one number or one for each element.
    """

    actual: torch.Tensor
    expected: torch.Tensor
    wrong: torch.Tensor
    allowed: torch.Tensor | float = 0.0


def describe(mismatch: Mismatch) -> str:
    """What the wrong elements of images have in common, in a line; empty where it is not clear.

    Args:
        mismatch: of three or more dimensions, the last two of which are rows and columns.
    """
    return relation(mismatch) or place(mismatch.wrong)


# --- what the answer is instead --------------------------------------------------------------


def relation(mismatch: Mismatch) -> str:
    """How the answer comes from what was expected, as far as it is that, only elsewhere."""
    if not 0 < mismatch.wrong.numel() <= _MOST_COMPARED:
        return ""
    wide = torch.complex128 if mismatch.expected.is_complex() else torch.float64
    actual, expected = mismatch.actual.to(wide), mismatch.expected.to(wide)
    allowed = torch.as_tensor(mismatch.allowed, dtype=torch.float64).expand(expected.shape)
    for name, turn in _TURNED.items():
        turned = turn(expected)
        limits = allowed if turn is torch.neg else turn(allowed)
        if turned.shape == actual.shape and _same(actual, turned, limits):
            return f"the answer is the expected one {name}"
    for down, right in _shifts(*expected.shape[-2:]):
        there, here = _overlap(down, right)
        # errors outside of the overlap are no sign of a shift, nor is what is the same everywhere
        explained = int(mismatch.wrong[there].sum())
        if 2 * explained <= int(mismatch.wrong.sum()) or explained < 2:
            continue
        if _same(actual[there], expected[here], allowed[here]):
            moves = [
                f"{abs(steps)} {ways[steps < 0]}"
                for ways, steps in ((("down", "up"), down), (("right", "left"), right))
                if steps
            ]
            return f"where they overlap, the answer is the expected one moved {', '.join(moves)}"
    return ""


def _same(one: torch.Tensor, other: torch.Tensor, allowed: torch.Tensor) -> bool:
    same = (one == other) | (one.isnan() & other.isnan()) | ((one - other).abs() <= allowed)
    return bool(same.all())


def _shifts(rows: int, columns: int) -> Iterator[tuple[int, int]]:
    """Steps (down, right) that leave an overlap of at least half of the plane, nearest first."""
    near = range(-_FARTHEST, _FARTHEST + 1)
    for down, right in sorted(product(near, near), key=lambda s: (abs(s[0]) + abs(s[1]), s)):
        overlap = max(0, rows - abs(down)) * max(0, columns - abs(right))
        if (down, right) != (0, 0) and 2 * overlap >= rows * columns:
            yield down, right


def _overlap(down: int, right: int) -> tuple[Index, Index]:
    """Where a shifted plane lies over the plane: the indices in the shifted one, and in it."""

    def both(steps: int) -> tuple[slice, slice]:
        late, early = slice(abs(steps), None), slice(None, -abs(steps) or None)
        return (late, early) if steps > 0 else (early, late)

    (rows_there, rows_here), (columns_there, columns_here) = both(down), both(right)
    return (..., rows_there, columns_there), (..., rows_here, columns_here)


# --- where it is wrong -----------------------------------------------------------------------


def place(wrong: torch.Tensor) -> str:
    """The part that the wrong elements are all in, as far as it is less than everything."""
    if not wrong.any():
        return ""
    if wrong.all():
        return "every element is wrong"
    planes, which = _planes(wrong)
    in_planes = wrong[planes].reshape(-1, *wrong.shape[-2:])
    region, where = _region(in_planes.any(dim=0))
    filled = in_planes[:, region]
    parts = [where if _is_meant(region, filled) else "", which]
    named = " of ".join(filter(None, parts))
    if filled.all():
        return f"wrong: all of {named}, and nothing else"
    return f"wrong: only elements of {named}" if named else ""


def _is_meant(region: torch.Tensor, filled: torch.Tensor) -> bool:
    """Whether it is no chance that nothing is wrong but there."""
    if float(filled.double().mean()) >= _MEANT:
        return True
    is_border = bool(region.any(dim=0).all() and region.any(dim=1).all())
    return is_border and float(region.double().mean()) ** int(filled.sum()) <= _CHANCE


def _planes(wrong: torch.Tensor) -> tuple[Index, str]:
    """The index of the planes that hold all errors, and its name; empty where that is all."""
    hit = wrong.flatten(-2).any(dim=-1)
    index: list[Any] = []
    for axis, size in enumerate(hit.shape):
        others = [other for other in range(hit.dim()) if other != axis]
        used = hit.any(dim=others) if others else hit
        found = used.nonzero().flatten().tolist()
        index.append(found[0] if len(found) == 1 and size > 1 else slice(None))
    if all(isinstance(one, slice) for one in index):
        return (...,), ""
    while isinstance(index[-1], slice):
        index.pop()
    text = ", ".join(":" if isinstance(one, slice) else str(one) for one in index)
    return tuple(index), f"[{text}]"


def _region(wrong: torch.Tensor) -> tuple[torch.Tensor, str]:
    """A mask of the simplest part of a plane that holds all errors, and its name."""
    rows, columns = wrong.shape
    border, named = _border(wrong)
    if named:
        return border, named
    top, bottom = _span(wrong.any(dim=1))
    left, right = _span(wrong.any(dim=0))
    box = torch.zeros_like(wrong)
    box[top : bottom + 1, left : right + 1] = True
    names = []
    if bottom - top + 1 < rows:
        names.append(_lines("row", top, bottom, rows))
    if right - left + 1 < columns:
        names.append(_lines("column", left, right, columns))
    return box, " in ".join(names)


def _border(wrong: torch.Tensor) -> tuple[torch.Tensor, str]:
    """The border, or two sides of it, and its name; no name where errors are not only there."""
    border = torch.zeros_like(wrong)
    if min(wrong.shape) < 3 or wrong[1:-1, 1:-1].any():
        return border, ""
    sides: dict[str, tuple[Index, Index]] = {
        "the first row": ((0, slice(None)), (0, slice(1, -1))),
        "the last row": ((-1, slice(None)), (-1, slice(1, -1))),
        "the first column": ((slice(None), 0), (slice(1, -1), 0)),
        "the last column": ((slice(None), -1), (slice(1, -1), -1)),
    }
    named = [name for name, (_, no_corners) in sides.items() if wrong[no_corners].any()]
    for name in named:
        border[sides[name][0]] = True
    if len(named) == 2 and not (wrong & ~border).any():
        return border, " and ".join(named)
    border[[0, -1]] = border[:, [0, -1]] = True
    return border, "the border" if len(named) > 1 else ""


def _span(used: torch.Tensor) -> tuple[int, int]:
    found = used.nonzero().flatten().tolist()
    return found[0], found[-1]


def _lines(name: str, first: int, last: int, count: int) -> str:
    if first < last:
        return f"{name}s {first} to {last}" + (" (the last)" if last == count - 1 else "")
    if count > 1 and last in (0, count - 1):
        return f"the {'first' if last == 0 else 'last'} {name}"
    return f"{name} {first}"

"""What checks draw: structure that hypothesis shrinks, contents that come from a seed.

Shapes, hyper-parameters and layouts are drawn value by value and shrink to the smallest that
still fails. A tensor's elements come from one seed: element-wise shrinking would take thousands
of calls and teach little.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from autograder.checks.formatting import remember_recipe

Layout = Literal["contiguous", "transposed", "strided"]


def seeds() -> SearchStrategy[int]:
    """A seed for contents; it shrinks to 0."""
    return st.integers(0, 2**31 - 1)


def generators() -> SearchStrategy[torch.Generator]:
    """A seeded generator. It crosses to the student's code as its seed."""
    return seeds().map(lambda seed: torch.Generator().manual_seed(seed))


@st.composite
def dims(draw: st.DrawFn, count: int, low: int = 1, high: int = 6) -> tuple[int, ...]:
    """`count` dimension sizes in low..high, no two of them equal.

    Distinct sizes tell a swapped axis from a right one. They shrink to low, low + 1, ….
    """
    if high - low + 1 < count:
        raise ValueError(f"{count} distinct sizes don't fit into {low}..{high}")
    sizes = draw(st.lists(st.integers(low, high), min_size=count, max_size=count, unique=True))
    return tuple(sizes)


@st.composite
def tensors(
    draw: st.DrawFn,
    shape: Sequence[int] | SearchStrategy[tuple[int, ...]],
    *,
    dtype: torch.dtype | SearchStrategy[torch.dtype] = torch.float32,
    low: int | None = None,
    high: int | None = None,
    layouts: bool = True,
) -> torch.Tensor:
    """A tensor of the given shape.

    Args:
        draw: given by hypothesis.
        shape: sizes, or a strategy for them such as `dims(2)`.
        dtype: the dtype, or a strategy for it. Floating-point contents are standard normal.
        low: for an integer dtype, the smallest value; with floating-point dtypes and a `high`,
            contents are integers in low..high stored as floats (sums of them are exact).
        high: the largest value.
        layouts: also draw tensors that are not contiguous (transposed, or every second element
            of a larger one). Values are the same; a right function doesn't notice.
    """
    size = tuple(draw(shape) if isinstance(shape, SearchStrategy) else shape)
    kind = draw(dtype) if isinstance(dtype, SearchStrategy) else dtype
    seed = draw(seeds())
    tensor, recipe = _contents(size, kind, seed, low, high)
    choices: list[Layout] = ["contiguous"]
    if layouts and tensor.dim() >= 1 and tensor.numel() > 1:
        choices.append("strided")
    if layouts and tensor.dim() >= 2 and tensor.numel() > 1:
        choices.append("transposed")
    layout = draw(st.sampled_from(choices))
    laid_out, suffix = _lay_out(tensor, layout)
    return remember_recipe(laid_out, recipe + suffix)


def _contents(
    size: tuple[int, ...], dtype: torch.dtype, seed: int, low: int | None, high: int | None
) -> tuple[torch.Tensor, str]:
    generator = torch.Generator().manual_seed(seed)
    source = f"generator=torch.Generator().manual_seed({seed})"
    if dtype.is_floating_point and high is None:
        # drawn in float64 for every dtype: float32 and float64 see the same numbers
        tensor = torch.randn(size, generator=generator, dtype=torch.float64).to(dtype)
        return tensor, f"torch.randn({size}, {source}, dtype=torch.float64).to({dtype})"
    if dtype is torch.bool:
        low, high = 0, 1
    limits: Any = torch.iinfo(dtype) if not dtype.is_floating_point and high is None else None
    bottom = low if low is not None else max(int(limits.min), -100) if limits else 0
    top = high if high is not None else min(int(limits.max), 100)
    tensor = torch.randint(bottom, top + 1, size, generator=generator).to(dtype)
    return tensor, f"torch.randint({bottom}, {top + 1}, {size}, {source}).to({dtype})"


def _lay_out(tensor: torch.Tensor, layout: Layout) -> tuple[torch.Tensor, str]:
    """The same values in another memory layout, and the source that makes it."""
    if layout == "transposed":
        return tensor.mT.contiguous().mT, ".mT.contiguous().mT"
    if layout == "strided":
        return tensor.repeat_interleave(2, dim=-1)[..., ::2], ".repeat_interleave(2, -1)[..., ::2]"
    return tensor, ""

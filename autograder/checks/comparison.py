"""Assertions on what a student's code returned. Each says what came and what was expected.

The order is shape, dtype, values, so that the first thing a student reads is the first thing to
mend. `tolerance` is the one place where closeness is defined.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from autograder.checks.failures import CheckFailure, StudentRaised
from autograder.checks.formatting import WHOLE, show
from autograder.checks.goals import note_reached
from autograder.checks.patterns import Mismatch

_MOST_LISTED = 100_000  # elements of a tensor that stands for a list


def tolerance(dtype: torch.dtype, terms: int = 1) -> float:
    """The relative error that a right computation in `dtype` may have.

    Summing n numbers one after the other errs by at most (n−1)·u relative to the sum of their
    magnitudes (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., eq. 4.4), with
    u = eps/2; elementwise steps before and after add a few u each. We allow (10 + 2n)·eps:
    four times that bound, so that no order of summation loses a point.

    Args:
        dtype: the floating-point dtype that was computed in.
        terms: how many numbers are added up for one element of the result.
    """
    return torch.finfo(dtype).eps * (10 + 2 * terms)


def assert_equal(actual: Any, expected: Any) -> None:
    """The answer is exactly `expected`.

    An int may come as anything that is an integer (a NumPy integer, a 0-dimensional integer
    tensor), a tuple as any sequence. Tensors have to agree in shape, dtype and every element.
    """
    problem = _difference(actual, expected)
    if problem is not None:
        raise CheckFailure(problem, actual, _mismatch(actual, expected))


def assert_close(
    actual: Any,
    expected: Any,
    *,
    dtype: torch.dtype | None = None,
    terms: int = 1,
    scale: float | None = None,
) -> None:
    """The answer is `expected` but for rounding.

    Args:
        actual: a floating-point tensor; where `expected` has no dimensions, a number will do.
        expected: a tensor or number, computed in float64.
        dtype: the dtype that the answer has to have; None accepts float32 and float64. (Half
            precision only where it is asked for: its rounding would excuse wrong answers.)
        terms: how many numbers are added up for one element, see `tolerance`.
        scale: the magnitude that errors are relative to beside each element's own, the largest
            magnitude in `expected` where None. Give it where terms cancel.
    """
    wanted = torch.as_tensor(expected, dtype=torch.float64)
    number = isinstance(actual, int | float) and not isinstance(actual, bool)
    if number and wanted.dim() == 0:
        got = torch.tensor(_as_float(actual), dtype=torch.float64)
        computed_in = dtype or torch.float32
    elif isinstance(actual, torch.Tensor | np.ndarray):
        tensor = torch.as_tensor(actual)
        problem = _shape_difference(tuple(tensor.shape), tuple(wanted.shape))
        problem = problem or _dtype_difference(tensor.dtype, dtype)
        if problem:
            raise CheckFailure(problem, actual)
        got, computed_in = tensor.to(torch.float64), tensor.dtype
    else:
        kind = "a number" if wanted.dim() == 0 else f"a tensor of shape {tuple(wanted.shape)}"
        raise CheckFailure(f"expected {kind}, not {_a_type(actual)}", actual)

    relative = tolerance(computed_in, terms)
    magnitude = wanted[wanted.isfinite()].abs()
    floor = scale if scale is not None else float(magnitude.max()) if magnitude.numel() else 0.0
    allowed = relative * (wanted.abs().nan_to_num(0, 0, 0) + floor)
    same = (got == wanted) | (got.isnan() & wanted.isnan())
    wrong = ~(same | ((got - wanted).abs() <= allowed))
    if watcher := _WATCHER.get():
        watcher(_closeness(got, wanted, same, allowed, computed_in))
    if wrong.any():
        shown = wanted.to(computed_in) if dtype or isinstance(actual, torch.Tensor) else wanted
        problem = _value_difference(got, wanted, wrong, shown if shown.dim() else shown.item())
        problem += f"\nallowed difference {float(allowed.max()):.2g}"
        raise CheckFailure(problem, actual, Mismatch(got, wanted, wrong, allowed))


@dataclass(frozen=True)
class Closeness:
    """How close one answer came, and how close it had to come.

    Args:
        dtype: what was computed in.
        error: the largest error of an element, in units of what was allowed for it; 0 where all
            are exactly right, infinite where one is not finite.
        resolution: the smallest relative error of an element that would have been noticed, in
            units of the dtype's eps; infinite where nothing but zeros was expected.
    """

    dtype: torch.dtype
    error: float
    resolution: float


_WATCHER: ContextVar[Callable[[Closeness], None] | None] = ContextVar("watcher", default=None)


@contextmanager
def watching(watcher: Callable[[Closeness], None]) -> Iterator[None]:
    """Have `watcher` told of every comparison that `assert_close` makes meanwhile."""
    token = _WATCHER.set(watcher)
    try:
        yield
    finally:
        _WATCHER.reset(token)


def _as_float(number: float) -> float:
    """An int may be beyond all floats."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _closeness(
    got: torch.Tensor,
    wanted: torch.Tensor,
    same: torch.Tensor,
    allowed: torch.Tensor,
    dtype: torch.dtype,
) -> Closeness:
    error = torch.where(same, 0.0, (got - wanted).abs() / allowed)
    noticed = (allowed / wanted.abs())[(wanted != 0) & wanted.isfinite()]
    return Closeness(
        dtype,
        float(error.nan_to_num(math.inf, math.inf).max()) if error.numel() else 0.0,
        float(noticed.min()) / torch.finfo(dtype).eps if noticed.numel() else math.inf,
    )


def assert_raises(exception: type[BaseException], call: Callable[[], Any]) -> None:
    """``call()`` raises `exception` or one derived from it in the student's code."""
    try:
        value = call()
    except StudentRaised as error:
        if not error.is_a(exception):
            raise CheckFailure(f"expected {exception.__name__}") from error
        return
    raise CheckFailure(f"expected {exception.__name__}", value)


def assert_that(condition: bool, problem: str, actual: Any = None, *, calls: bool = True) -> None:
    """A law holds; `problem` says what is wrong where it doesn't.

    Args:
        condition: whether it holds.
        problem: a sentence for the student, with the numbers that show it.
        actual: the very value that the student's code returned, if it was one.
        calls: show the calls that led to it; without them where the problem says it all.
    """
    if not condition:
        raise CheckFailure(problem, actual, calls=calls)


def assert_reaches(
    value: float,
    threshold: float,
    *,
    floor: float,
    problem: str,
    actual: Any = None,
    calls: bool = True,
) -> None:
    """A measured value reaches the threshold; on the way there from `floor` it earns its share.

    Args:
        value: what was measured; not a number earns nothing.
        threshold: from here on all points are earned.
        floor: up to here none are; in between they rise linearly.
        problem: a sentence for the student, with what was measured and what was asked for.
        actual: the very value that the student's code returned, if it was one.
        calls: show the calls that led to it.
    """
    note_reached(value)
    if value >= threshold:
        return
    share = (value - floor) / (threshold - floor) if value > floor else 0.0
    raise CheckFailure(problem, actual, share=share, calls=calls)


# --- what differs --------------------------------------------------------------------------


def _difference(actual: Any, expected: Any) -> str | None:
    if isinstance(expected, np.generic):
        expected = expected.item()
    if isinstance(expected, np.ndarray):
        expected = torch.tensor(expected)
    if isinstance(expected, torch.Tensor):
        return _tensor_difference(actual, expected)
    if isinstance(actual, torch.Tensor | np.ndarray):
        if math.prod(actual.shape) > _MOST_LISTED:
            return f"expected {show(expected)}, not {_a_type(actual)}"
        actual = actual.item() if actual.ndim == 0 else actual.tolist()
    if isinstance(expected, list | tuple):
        return _sequence_difference(actual, expected)
    if isinstance(expected, dict):
        return _dict_difference(actual, expected)
    same_kind = isinstance(actual, bool) == isinstance(expected, bool)
    if isinstance(expected, int) and isinstance(actual, float):
        kind = "a bool" if isinstance(expected, bool) else "an int"
        return f"expected {expected!r} ({kind}, not a float)"
    both_nan = _is_nan(actual) and _is_nan(expected)
    if (same_kind and actual == expected) or both_nan:
        return None
    return f"expected {show(expected)}"


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _sequence_difference(actual: Any, expected: Sequence[Any]) -> str | None:
    if not isinstance(actual, list | tuple):
        return f"expected {show(expected)}, not {_a_type(actual)}"
    if len(actual) != len(expected):
        return f"expected {show(expected)} ({len(expected)} items, not {len(actual)})"
    for i, (ours, theirs) in enumerate(zip(actual, expected, strict=True)):
        problem = _difference(ours, theirs)
        if problem and len(expected) > 1:
            return f"expected {show(expected)}\nitem {i} is {show(ours)}: {problem}"
        if problem:
            return f"expected {show(expected)}"
    return None


def _dict_difference(actual: Any, expected: dict[str, Any]) -> str | None:
    if not isinstance(actual, dict):
        return f"expected {show(expected)}, not {_a_type(actual)}"
    if actual.keys() != expected.keys():
        return f"expected the keys {show(sorted(expected))}, not {show(sorted(actual))}"
    for key, wanted in expected.items():
        problem = _difference(actual[key], wanted)
        if problem:
            return f"[{key!r}] is {show(actual[key])}: {problem}"
    return None


def _tensor_difference(actual: Any, expected: torch.Tensor) -> str | None:
    if not isinstance(actual, torch.Tensor | np.ndarray):
        return f"expected a tensor of shape {tuple(expected.shape)}, not {_a_type(actual)}"
    got = torch.as_tensor(actual)
    problem = _shape_difference(tuple(got.shape), tuple(expected.shape))
    problem = problem or _dtype_difference(got.dtype, expected.dtype)
    if problem:
        return problem
    wrong = _unequal(got, expected)
    return _value_difference(got, expected, wrong, expected) if wrong.any() else None


def _mismatch(actual: Any, expected: Any) -> Mismatch | None:
    """What can be drawn, where two tensors differ in nothing but values."""
    if not all(isinstance(one, torch.Tensor | np.ndarray) for one in (actual, expected)):
        return None
    got, wanted = torch.as_tensor(actual), torch.as_tensor(expected)
    if (got.shape, got.dtype) != (wanted.shape, wanted.dtype):
        return None
    return Mismatch(got, wanted, _unequal(got, wanted))


def _unequal(got: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    return (got != expected) & ~(got.isnan() & expected.isnan())


def _shape_difference(actual: tuple[int, ...], expected: tuple[int, ...]) -> str | None:
    if actual == expected:
        return None
    return f"expected shape {expected}, not {actual}"


def _dtype_difference(actual: torch.dtype, expected: torch.dtype | None) -> str | None:
    if expected is None:
        if actual in (torch.float32, torch.float64):
            return None
        return f"expected dtype torch.float32 or torch.float64, not {actual}"
    return None if actual == expected else f"expected dtype {expected}, not {actual}"


def _value_difference(
    actual: torch.Tensor, expected: torch.Tensor, wrong: torch.Tensor, shown: Any
) -> str:
    """Mismatch count, worst index and, where it is small, the whole of what was expected."""
    if expected.dim() == 0:
        return f"expected {show(shown)}"
    wide = torch.complex128 if expected.is_complex() else torch.float64
    error = (actual.to(wide) - expected.to(wide)).abs()
    error = torch.where(wrong, error.nan_to_num(math.inf, math.inf, math.inf), -1.0)
    worst = tuple(int(i) for i in np.unravel_index(int(error.argmax()), tuple(error.shape)))
    lines = [] if expected.numel() > WHOLE else [f"expected {show(shown)}"]
    lines.append(
        f"{int(wrong.sum())} of {wrong.numel()} elements differ; the worst at {list(worst)}: "
        f"{_digits(actual[worst].item(), expected[worst].item())}"
    )
    return "\n".join(lines)


def _digits(actual: Any, expected: Any) -> str:
    """Two numbers that differ, with as many digits as it takes to see it."""
    short = f"{actual:.7g}", f"{expected:.7g}"
    exact = isinstance(expected, int) or short[0] == short[1]
    one, other = (repr(actual), repr(expected)) if exact else short
    return f"{one} instead of {other}"


def _a_type(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, np.ndarray):
        return f"a NumPy array of shape {value.shape}"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"

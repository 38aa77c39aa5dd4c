"""Whether two submissions gave the same answer, whatever form it came in."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import torch

from autograder.checks.comparison import tolerance
from autograder.sandbox.runner import Answer, Missing, Raised, Returned

_TERMS = 100  # sums of that length, in another order, are the same answer still
_INTS = frozenset({int})
_DEVIATION = 0.01  # of the way from the right answer to the wrong one


def same_answer(one: Answer, other: Answer, right: Answer | None = None) -> bool:
    """Whether `one` and `other` are the same answer but for rounding.

    A tuple is a list, a 0-dimensional tensor a number, a NumPy array a tensor; shapes and dtypes
    have to agree, and so have ints and floats.

    Args:
        one: an answer.
        other: another.
        right: the right answer to the same call. Where `other` is far from it, `one` may be off
            by a hundredth of that distance: two ways to make one mistake round differently.
    """
    if isinstance(one, Returned) and isinstance(other, Returned):
        known = right.value if isinstance(right, Returned) else None
        return _same(one.value, other.value, known)
    if isinstance(one, Raised) and isinstance(other, Raised):
        return same_exception(one, other)
    if isinstance(one, Missing):
        return False
    return one == other


def same_exception(one: Raised, other: Raised) -> bool:
    """Whether two exceptions are of one type, and say the same but for numbers.

    What a `raise` in the solution says is up to its author; but what Python or torch says tells one
    AttributeError from another.
    """
    if one.type != other.type:
        return False
    not_by_hand = all(each.where and not each.where.direct for each in (one, other))
    return not not_by_hand or without_numbers(one.message) == without_numbers(other.message)


def without_numbers(text: str) -> str:
    """The first line of a message, with its numbers left out."""
    return re.sub(r"[-+.0-9e]+", "#", text.split("\n", 1)[0])


def _same(one: Any, other: Any, right: Any) -> bool:
    if type(one) is int and type(other) is int:  # of which an order of samples has thousands
        return one == other
    one, other, right = _plain(one), _plain(other), _plain(right)
    if _is_ints(one) and _is_ints(other):
        return bool(one == other)
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return _same_tensor(one, other, right)
    one, other, right = _number(one), _number(other), _number(right)
    if isinstance(one, list) and isinstance(other, list):
        known = right if isinstance(right, list) and len(right) == len(one) else [None] * len(one)
        return len(one) == len(other) and all(map(_same, one, other, known))
    if isinstance(one, dict) and isinstance(other, dict):
        rights = right if isinstance(right, dict) else {}
        return one.keys() == other.keys() and all(
            _same(value, other[name], rights.get(name)) for name, value in one.items()
        )
    if isinstance(one, float) and isinstance(other, float):
        if one == other:
            return True
        # a Python float may have been computed in single precision
        return _close(
            torch.tensor(one, dtype=torch.float64),
            torch.tensor(other, dtype=torch.float64),
            torch.tensor(right, dtype=torch.float64) if isinstance(right, float) else None,
            tolerance(torch.float32),
        )
    return type(one) is type(other) and bool(one == other)


def _is_ints(value: Any) -> bool:
    return type(value) is list and _INTS.issuperset(map(type, value))


def _plain(value: Any) -> Any:
    """A value in the one form that is compared."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return torch.as_tensor(value)
    return list(value) if isinstance(value, tuple) else value


def _number(value: Any) -> Any:
    return value.item() if isinstance(value, torch.Tensor) and value.dim() == 0 else value


def _same_tensor(one: torch.Tensor, other: torch.Tensor, right: Any) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if not one.dtype.is_floating_point:
        return torch.equal(one, other)
    if torch.equal(one, other):  # what follows costs ten times as much
        return True
    known = right if isinstance(right, torch.Tensor) and right.shape == one.shape else None
    allowed = tolerance(one.dtype, _TERMS)
    return _close(one.double(), other.double(), None if known is None else known.double(), allowed)


def _close(
    one: torch.Tensor, other: torch.Tensor, right: torch.Tensor | None, relative: float
) -> bool:
    difference = float((one - other).abs().max())
    if not math.isfinite(difference):
        if not torch.equal(one.isnan(), other.isnan()):
            return False
        finite = one.isfinite() & other.isfinite()
        if not torch.equal(one[~finite].nan_to_num(), other[~finite].nan_to_num()):
            return False
        one, other = one[finite], other[finite]
        if one.numel() == 0:
            return True
        right = None if right is None else right[finite]
        difference = float((one - other).abs().max())
    allowed = relative * float(other.abs().max())
    if right is not None:
        deviation = float((other - right).abs().max())
        if math.isfinite(deviation):
            allowed = max(allowed, _DEVIATION * deviation)
    return difference <= allowed

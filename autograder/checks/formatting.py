"""Values and calls as Python that can be pasted into an interpreter.

Small tensors are printed whole. One that a strategy drew from a seed and that is too large to
print is shown as the expression that draws it again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from autograder.sandbox.runner import Call

WHOLE = 64  # elements up to which a tensor is printed whole
_LINE = 88
_MAX_TEXT = 2000  # characters of one result; WHOLE elements of any real dtype fit
_MAX_ARGUMENT = 8000  # characters of one argument: a call that is cut can't be pasted
_MAX_DIGITS_BITS = 1024  # an int beyond it is shown in hex: Python refuses very long decimals
_UNNAMED = (torch.float32, torch.int64, torch.bool)  # what torch.tensor makes by itself


def remember_recipe(tensor: torch.Tensor, recipe: str) -> torch.Tensor:
    """Note the expression that makes `tensor`; it is shown where the tensor is too large.

    It is forgotten once the tensor is modified in place.
    """
    tensor._autograder_recipe = recipe, tensor._version  # type: ignore[attr-defined]
    return tensor


def show(value: Any) -> str:
    """`value` as Python source, as far as it is short enough to be of use."""
    return _cut(_source(value), _MAX_TEXT)


def code(value: Any) -> str:
    """`value` as Python source that makes an equal one, however long, with nothing but torch.

    Raises:
        TypeError: there is none for a value like this.
    """
    if isinstance(value, torch.Tensor):
        return _recipe(value) or _tensor_source(value, whole=True)
    text = _source(value)
    if len(text) > _MAX_ARGUMENT or text.startswith("<"):
        raise TypeError(f"a {type(value).__name__} can't be written down")
    return text


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + " …"


def show_call(call: Call) -> str:
    """A call as the student would write it, on one line where it fits."""
    if call.program:
        return _cut(str(call.args[0]), _MAX_ARGUMENT)
    parts = [_cut(_source(value), _MAX_ARGUMENT) for value in call.args]
    parts += [
        f"{name}={_cut(_source(value), _MAX_ARGUMENT)}" for name, value in call.kwargs.items()
    ]
    name = f"probe.{call.name}" if call.probe else call.name
    line = f"{name}({', '.join(parts)})"
    if len(line) <= _LINE or not parts:
        return line
    return f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + ")"


def _source(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return _tensor_source(value)
    if isinstance(value, np.ndarray):
        return _array_source(value)
    if isinstance(value, np.generic):
        value = value.item()  # as it crosses the wire
    if isinstance(value, torch.Generator):
        return f"torch.Generator().manual_seed({value.initial_seed()})"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f'float("{value}")'
    if isinstance(value, complex) and not (math.isfinite(value.real) and math.isfinite(value.imag)):
        return f"complex({_source(value.real)}, {_source(value.imag)})"
    if isinstance(value, int) and value.bit_length() > _MAX_DIGITS_BITS:
        return hex(value)
    if isinstance(value, str | bytes):
        return repr(value[: _MAX_ARGUMENT + 1])  # no more is shown
    if isinstance(value, list):
        return f"[{_joined(map(_source, value))}]"
    if isinstance(value, tuple):
        return f"({_joined(map(_source, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict):
        return "{" + _joined(f"{_source(k)}: {_source(v)}" for k, v in value.items()) + "}"
    return repr(value)


def _joined(parts: Iterable[str]) -> str:
    """The parts with commas between them, up to where nothing of them is shown any more."""
    taken: list[str] = []
    length = 0
    for part in parts:
        taken.append(part)
        length += len(part) + 2
        if length > _MAX_ARGUMENT:
            break
    return ", ".join(taken)


def _array_source(array: np.ndarray[Any, Any]) -> str:
    name = array.dtype.name
    if array.size > WHOLE:
        return f"<NumPy array of shape {array.shape}, dtype {name}>"
    if array.size == 0:
        return f"np.empty({array.shape}, dtype=np.{name})"
    return f"np.array({_nested(array.tolist(), name == 'float64')}, dtype=np.{name})"


def _recipe(tensor: torch.Tensor) -> str | None:
    """The expression that makes a tensor too large to be printed whole, if it is known."""
    recipe, version = getattr(tensor, "_autograder_recipe", (None, None))
    return str(recipe) if recipe and tensor.numel() > WHOLE and version == tensor._version else None


def _tensor_source(tensor: torch.Tensor, *, whole: bool = False) -> str:
    if tensor.numel() > WHOLE and not whole:
        recipe = _recipe(tensor)
        return recipe or f"<tensor of shape {tuple(tensor.shape)}, {tensor.dtype}>"
    if tensor.numel() == 0:
        return f"torch.empty({tuple(tensor.shape)}, dtype={tensor.dtype})"
    dtype = "" if tensor.dtype in _UNNAMED else f", dtype={tensor.dtype}"
    text = f"torch.tensor({_nested(tensor.tolist(), tensor.dtype is torch.float64)}{dtype})"
    if not tensor.is_contiguous() and 0 not in tensor.stride():
        shape, stride = tuple(tensor.shape), tensor.stride()
        dtype = f", dtype={tensor.dtype}"
        text = f"torch.empty_strided({shape}, {stride}{dtype}).copy_({text})"
    elif not tensor.is_contiguous():
        one = tuple(slice(0, 1) if stride == 0 else slice(None) for stride in tensor.stride())
        text = _tensor_source(tensor[one].contiguous(), whole=whole)
        text += f".expand({tuple(tensor.shape)})"
    return text


def _nested(value: Any, double: bool) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_nested(item, double) for item in value)}]"
    if isinstance(value, float) and math.isfinite(value) and not double:
        return repr(float(str(np.float32(value))))  # the digits that identify it, no more
    return _source(value)

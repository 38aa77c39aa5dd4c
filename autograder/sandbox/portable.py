"""Would a function run on a GPU? It is run on meta tensors, which have a device and no data.

Whatever mixes them with tensors on the CPU, or asks NumPy about them, breaks on a GPU too. Code
that looks at its data has none to look at here: then nothing is said.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any, NamedTuple

import torch
from torch.overrides import TorchFunctionMode

from autograder.sandbox.frames import students_line

_MOST_KEPT = 64  # tensors whose origin is known
_SAME_DEVICE = "make new tensors where the input is, as in `torch.zeros(…, device=x.device)`"
_NO_NUMPY = "NumPy can't read a tensor on the GPU: stay with PyTorch's functions"
# may be given tensors of two devices
_MIXING = frozenset(
    {
        "to", "type_as", "expand_as", "view_as", "reshape_as", "resize_as_", "is_same_size",
        "broadcast_tensors", "broadcast_shapes", "result_type", "can_cast", "promote_types",
        "tensor_split", "set_", "new_tensor", "atleast_1d", "atleast_2d", "atleast_3d",
        "__get__", "__set__",
    }
)  # fmt: skip
# look at data
_READS = frozenset(
    {
        "item", "tolist", "__bool__", "__float__", "__int__", "__index__", "__contains__",
        "nonzero", "argwhere", "unique", "unique_consecutive", "masked_select", "equal",
        "allclose", "numpy", "__array__",
    }
)  # fmt: skip
# in PyTorch's own words
_TWO_DEVICES = ("on the expected device", "all tensors to be on the same device")
_TO_NUMPY = "convert meta device type tensor to numpy"


class Fault(NamedTuple):
    """What would break on a GPU, and the student's line, where it is known."""

    what: str
    code: CodeType | None = None
    line: int = 0


class _Broken(RuntimeError):
    """Raised where PyTorch would on a GPU."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class _Undecidable(BaseException):
    """The code looks at data that isn't there; derived so that no student's code catches it."""


def look(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], folder: str
) -> Fault | None:
    """Run a function on meta tensors; what would break on a GPU, None where nothing is known to.

    Whatever else the function raises goes through.

    Args:
        function: the student's.
        args, kwargs: its arguments; the tensors in them are replaced by meta tensors.
        folder: the submission's, to find the student's line.
    """
    args, kwargs = to_meta(args), to_meta(kwargs)
    if not any(tensor.is_meta for tensor in _tensors((args, kwargs))):
        return None
    devices = _Devices(folder)
    try:
        with devices:
            result = function(*args, **kwargs)
            if hasattr(type(result), "__next__"):
                result = list(result)
    except _Undecidable:
        return None
    except Exception as error:
        what = _what_broke(error)
        if what is None:
            raise
        return devices.fault(error, what)
    return devices.stranded(result)


def to_meta(value: Any) -> Any:
    """`value` with meta tensors of the same layout in place of its tensors."""

    def meta(item: Any) -> Any:
        if not isinstance(item, torch.Tensor):
            return item
        return torch.empty_strided(item.shape, item.stride(), dtype=item.dtype, device="meta")

    return each(value, meta)


def each(value: Any, change: Callable[[Any], Any]) -> Any:
    """`value` with what `change` makes of it, or of all that its lists, tuples and dicts hold."""
    if isinstance(value, list | tuple):
        return type(value)(each(item, change) for item in value)
    if isinstance(value, dict):
        return {key: each(item, change) for key, item in value.items()}
    return change(value)


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        yield from _tensors(tuple(value.values()))


def _what_broke(error: Exception) -> str | None:
    if isinstance(error, _Broken):
        return error.what
    text = str(error)
    if _TO_NUMPY in text:
        return _NO_NUMPY
    if any(words in text for words in _TWO_DEVICES):
        return f"a tensor on the CPU meets one on the GPU: {_SAME_DEVICE}"
    return None


class _Devices(TorchFunctionMode):
    """Raises where tensors of two devices meet, and remembers where those on the CPU come from.

    Meta data can't be copied into a tensor on the CPU, but data of a GPU can: such a copy is left
    out. What then looks at that tensor's data can't be decided.
    """

    def __init__(self, folder: str) -> None:
        super().__init__()
        self._folder = folder
        self._made: deque[tuple[torch.Tensor, CodeType | None, int]] = deque(maxlen=_MOST_KEPT)
        self._incomplete = False

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run the function unless it would break on a GPU."""
        name, kwargs = getattr(func, "__name__", ""), kwargs or {}
        given = list(_tensors((args, kwargs)))
        meta = any(tensor.is_meta for tensor in given)
        if self._incomplete and name in _READS:
            raise _Undecidable
        if meta:
            if name in ("numpy", "__array__"):
                raise _Broken(_NO_NUMPY)
            target = args[0] if args and isinstance(args[0], torch.Tensor) else None
            if target is not None and not target.is_meta:
                if name in ("copy_", "__setitem__") and not _indexed_by_meta(name, args):
                    self._incomplete = True
                    return target if name == "copy_" else None
                if _in_place(name):
                    raise _Broken(_mixed(name))
            if name not in _MIXING and _clash(name, given):
                raise _Broken(_mixed(name))
        result = func(*args, **kwargs)
        if not meta and isinstance(result, torch.Tensor) and _counts(result):
            self._made.append((result, *students_line(self._folder)))
        return result

    def fault(self, error: Exception, what: str) -> Fault:
        """What broke, with the student's line that the exception came from."""
        found, trace = Fault(what), error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            if code.co_filename.startswith(self._folder):
                found = Fault(what, code, trace.tb_lineno)
            trace = trace.tb_next
        return found

    def stranded(self, result: Any) -> Fault | None:
        """A result that is on the CPU though its input is not, with the line that made it."""
        for tensor in _tensors(result):
            if _counts(tensor):
                origin = next((made[1:] for made in reversed(self._made) if made[0] is tensor), ())
                return Fault(
                    f"the result is on the CPU though the input is not: {_SAME_DEVICE}", *origin
                )
        return None


def _counts(tensor: torch.Tensor) -> bool:
    """Whether a tensor on the CPU would be missed on the GPU; a number may be anywhere."""
    return not tensor.is_meta and tensor.dim() > 0 and tensor.is_floating_point()


def _indexed_by_meta(name: str, args: tuple[Any, ...]) -> bool:
    return name == "__setitem__" and any(t.is_meta for t in _tensors(args[1]))


def _in_place(name: str) -> bool:
    plain = name.endswith("_") and not name.endswith("__")
    return (plain or name.startswith("__i")) and name not in _MIXING | {"__index__", "__invert__"}


def _clash(name: str, given: list[torch.Tensor]) -> bool:
    """Whether PyTorch minds the devices: a number on the CPU may meet tensors anywhere, and an
    index or the source of a copy may be on the CPU."""
    if name in ("__getitem__", "__setitem__", "copy_"):
        return not given[0].is_meta
    return any(not tensor.is_meta and tensor.dim() > 0 for tensor in given)


def _mixed(name: str) -> str:
    what = {"__getitem__": "indexing", "__setitem__": "assignment"}.get(name, f"`{name}`")
    return f"{what} is given a tensor on the CPU beside one on the GPU: {_SAME_DEVICE}"

"""Which of PyTorch's functions are forbidden, by name, and which were called in a student's code.

`Names` decides by a function's full name; a look at the source asks it about the names that it
finds there, and `Watch` about the functions that are really called. `Watch` listens where Python
calls into PyTorch (`torch.overrides`), which every alias, method and module of an operator passes.
It does not listen where PyTorch's kernels call each other: there, ``torch.fft.fft(x, n)`` would be
found to pad, which is no business of the student's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from types import CodeType
from typing import Any, NamedTuple

from torch.overrides import TorchFunctionMode

from autograder.sandbox.frames import students_line

_MOST_USES = 20  # a use in a loop is noted once, so these are different lines
# where operators live, by the names that they have there
_HOMES = (
    "torch.nn.functional.",
    "torch._C._VariableFunctions.",
    "torch._C._special.",
    "torch._C._nn.",
    "torch._VF.",
    "torch.functional.",
    "torch.special.",
    "torch.ops.aten.",
    "torch.Tensor.",
    "torch.",
)
_PUBLIC = {
    "torch._C._nn.": "torch.nn.functional.",
    "torch._C._special.special_": "torch.special.",
    "torch._C._special.": "torch.special.",
    "torch._tensor.": "torch.Tensor.",
    "torch.functional.": "torch.",
    "torch._ops.aten.": "torch.ops.aten.",
}
GRAD_FLAG = "torch.Tensor.requires_grad"


def operator_of(name: str) -> str | None:
    """The operator that a dotted name stands for: ``relu`` for ``torch.Tensor.relu_``."""
    home = next((home for home in _HOMES if name.startswith(home)), None)
    if home is None:
        return None
    operator, _, overload = name.removeprefix(home).partition(".")
    if overload and home != "torch.ops.aten.":
        return None
    operator = operator.removeprefix("special_")
    return operator if operator.endswith("__") else operator.removesuffix("_")


class Names:
    """What is forbidden.

    Args:
        operators: operators, in whichever place they are found; ``*`` stands for anything.
        names: dotted names. One of an operator's stands for all of the operator's.
    """

    def __init__(self, operators: Iterable[str], names: Iterable[str]) -> None:
        plain = {operator_of(name) for name in names if "*" not in name}
        self._operators = _pattern({*operators, *plain} - {None})
        self._names = _pattern(names)

    def __contains__(self, name: str) -> bool:
        """Whether the function, class or module of this full name is forbidden."""
        operator = operator_of(name)
        return bool(
            self._names.match(name) or (operator is not None and self._operators.match(operator))
        )


def _pattern(globs: Iterable[str | None]) -> re.Pattern[str]:
    return re.compile("|".join(translate(glob) for glob in sorted(filter(None, globs))) or r"(?!)")


class Use(NamedTuple):
    """A forbidden function, and the student's line that called it (None: it is the student's)."""

    name: str
    code: CodeType | None
    line: int


class Watch(TorchFunctionMode):
    """While it is entered, forbidden functions that are called are noted in `uses`.

    Args:
        names: what is forbidden.
        folder: what the names of the submission's files begin with; a call that comes from
            elsewhere is none of the student's.

    With `alone`, calls that come from no code of the student's are noted, too: their function is
    then itself one of PyTorch's.
    """

    def __init__(self, names: Names, folder: str) -> None:
        super().__init__()
        self.uses: list[Use] = []
        self.alone = False
        self._names = names
        self._folder = folder
        self._known: dict[Any, str | None] = {}
        self._flag = GRAD_FLAG in names

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Note the call if it is forbidden, and go on with it."""
        try:
            name = self._known[func]
        except KeyError:
            name = self._known[func] = self._forbidden(func)
        if name is not None:
            setting = name == GRAD_FLAG and func.__name__ == "__set__"
            if not setting or args[-1] is True:  # setting it to False asks for no gradient
                self._note(name)
        if not kwargs:
            return func(*args)
        if self._flag and kwargs.get("requires_grad") is True:
            self._note(GRAD_FLAG)
        return func(*args, **kwargs)

    def _forbidden(self, func: Any) -> str | None:
        name = full_name(func)
        return name if name is not None and name in self._names else None

    def _note(self, name: str) -> None:
        code, line = students_line(self._folder)
        use = Use(name, code, line)
        if (code or self.alone) and use not in self.uses and len(self.uses) < _MOST_USES:
            self.uses.append(use)


def full_name(func: Callable[..., Any]) -> str | None:
    """The name of a function of PyTorch's as it would be imported; None where it has none.

    The setter of a tensor's attribute has the attribute's name; a getter has none.
    """
    name = getattr(func, "__name__", "")
    owner = getattr(func, "__self__", None)
    if name in ("__get__", "__set__"):
        attribute = getattr(owner, "__name__", "")
        return f"torch.Tensor.{attribute}" if name == "__set__" else None
    module = getattr(func, "__module__", None)
    if not isinstance(module, str):
        return f"torch.Tensor.{name}"
    full = f"{module}.{name}"
    for inside, public in _PUBLIC.items():
        if full.startswith(inside):
            return public + full.removeprefix(inside)
    return full

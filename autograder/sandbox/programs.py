"""Programs that drive a student's class, run where the class is.

A check writes one as Python source that a student could paste into a file of their own:

    import torch
    from optimizers import SGD

    w = torch.tensor([1.0])
    optimizer = SGD([w], lr=0.5)
    w.grad = torch.tensor([2.0])
    optimizer.step()
    print(w)

What it prints is not written anywhere but comes back, value by value.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable
from typing import Any

from autograder.sandbox import wire

FILE = "program"  # what its lines are called where one of them fails


def run(source: str, provides: Callable[[str, str], Any]) -> list[Any]:
    """Run a program; what it printed.

    Args:
        source: the program. ``print`` takes one value, or several that come back as a tuple; a
            tensor comes back as it is then, whatever becomes of it.
        provides: called with a module and a name for each ``from module import name`` at the
            program's top level; what it returns is bound to the name. It raises LookupError where
            the import is to be a usual one.

    Raises:
        UnsendableError: what was printed is no plain value.
    """
    printed: list[Any] = []

    def note(*values: Any) -> None:
        value = values[0] if len(values) == 1 else values
        printed.append(wire.roundtrip(value, most=wire.MAX_ANSWER))

    tree = ast.parse(source, FILE)
    names = {"print": note, "__name__": FILE}
    tree.body = [line for line in tree.body if not _bind(line, provides, names)]
    # for tracebacks: there is no such file to read them from
    linecache.cache[FILE] = len(source), None, source.splitlines(keepends=True), FILE
    exec(compile(tree, FILE, "exec"), names)
    return printed


def _bind(line: ast.stmt, provides: Callable[[str, str], Any], names: dict[str, Any]) -> bool:
    """Do an import in our own way, if we can."""
    if not isinstance(line, ast.ImportFrom) or line.module is None:
        return False
    try:
        bound = {a.asname or a.name: provides(line.module, a.name) for a in line.names}
    except LookupError:
        return False
    names.update(bound)
    return True

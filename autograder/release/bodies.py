"""What functions do, whatever they and their variables are called."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_SMALL = 20  # nodes of a syntax tree below which two functions are alike by chance

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def bodies(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """The functions of a tree: the name of each, and its body with its own names numbered.

    Docstrings and annotations say nothing of what a function does; small functions are left out.
    """
    for node in ast.walk(tree):
        if isinstance(node, _Function):
            speller = _Speller(node)
            if speller.nodes >= _SMALL:
                yield node.name, speller.text


class _Speller:
    """Writes a function's body out, node by node."""

    def __init__(self, function: _Function) -> None:
        self.own = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
        stored = (node for node in ast.walk(function) if isinstance(node, ast.Name))
        self.own |= {node.id for node in stored if isinstance(node.ctx, ast.Store)}
        self.numbers: dict[str, int] = {}
        self.nodes = 0
        said = ast.get_docstring(function, clean=False) is not None
        self.text = "".join(self._spell(statement) for statement in function.body[said:])

    def _spell(self, value: object) -> str:
        if isinstance(value, list):
            return f"[{','.join(map(self._spell, value))}]"
        if isinstance(value, ast.Name):
            self.nodes += 1
            return self._number(value.id)
        if isinstance(value, ast.arg):
            self.nodes += 1
            return self._number(value.arg)
        if isinstance(value, ast.expr_context):
            return ""
        if isinstance(value, ast.AST):
            self.nodes += 1
            fields = (self._spell(getattr(value, name, None)) for name in value._fields)
            return f"{type(value).__name__}({','.join(fields)})"
        return repr(value)

    def _number(self, name: str) -> str:
        if name not in self.own:
            return name
        return f"#{self.numbers.setdefault(name, len(self.numbers))}"

"""A student's source, looked at without running it: which forbidden functions does it name?

Only names that are known to be PyTorch's count: those that lead, over imports and aliases, to a
module that was imported. What ``x.softmax(0)`` is depends on `x`, which may be a class of the
student's own; that is seen when the code runs.
"""

from __future__ import annotations

import ast
import importlib.util
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from autograder.sandbox.operators import GRAD_FLAG, Names

MAX_SOURCE = 100_000  # bytes; parsing takes a few hundred times as much memory
_LONGEST_LINE = 200  # characters shown
_MOST_PARTS = 8  # of a dotted name
_DEEPEST = 100  # functions within functions
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPOUND = (ast.If, ast.Try, ast.With, ast.For, ast.While)


@dataclass(frozen=True)
class Finding:
    """A forbidden function that the source names.

    Args:
        name: its full name.
        function: the function or class at the top of the module in which it is named.
        line: where, with `source`, the text of that line.
    """

    name: str
    function: str
    line: int
    source: str


class TooLargeError(Exception):
    """The source can't be looked at; the message says why."""


@dataclass
class _Scope:
    """The names that a module or a function binds: to something imported, or to its own."""

    imported: dict[str, str] = field(default_factory=dict)
    own: dict[str, ast.AST | None] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)

    def bind(self, name: str, to: str | ast.AST | None) -> None:
        """The last binding of a name is the one that counts."""
        self.imported.pop(name, None)
        self.own.pop(name, None)
        if isinstance(to, str):
            self.imported[name] = to
        else:
            self.own[name] = to


class Source:
    """A module of a student's.

    Raises:
        TooLargeError: it is larger, or more deeply nested, than any that people write.
    """

    def __init__(self, code: bytes) -> None:
        if len(code) > MAX_SOURCE:
            raise TooLargeError(f"it is larger than {MAX_SOURCE // 1000} kB")
        self._lines: list[str] = []
        self._module = _Scope()
        try:
            text = importlib.util.decode_source(code)
            with warnings.catch_warnings(action="ignore"):
                tree = ast.parse(text)
        except (SyntaxError, ValueError, LookupError):
            return  # whoever imports it says so
        except (RecursionError, MemoryError):
            raise TooLargeError("it is too deeply nested") from None
        self._lines = text.splitlines()
        for statement in _statements(tree.body):
            self._bind(statement)

    def find(self, starts: Iterable[str], forbidden: Names) -> list[Finding]:
        """The forbidden functions that the functions and classes `starts` name, or reach.

        What they reach are the module's own functions, classes and values, over any number of
        steps; the nearest come first.

        Raises:
            TooLargeError: functions are nested too deeply.
        """
        found: list[Finding] = []
        waiting = deque(dict.fromkeys(starts))
        seen = set(waiting)
        while waiting:
            name = waiting.popleft()
            look = _Look(self._module, forbidden)
            if name in self._module.imported:  # the function is itself one of PyTorch's
                look.note(self._module.imported[name], self._module.lines[name])
            elif (node := self._module.own.get(name)) is not None:
                look.at(node)
            found += [
                Finding(used, name, line, self._text(line))
                for line, used in sorted((line, used) for used, line in look.found)
            ]
            waiting += [other for other in look.reached if other not in seen]
            seen.update(look.reached)
        return found

    def _text(self, line: int) -> str:
        return self._lines[line - 1].strip()[:_LONGEST_LINE] if line <= len(self._lines) else ""

    def _bind(self, statement: ast.stmt) -> None:
        for name, to in _bindings(statement, [self._module]):
            self._module.bind(name, to)
            self._module.lines[name] = statement.lineno
        self._module.stars += _stars(statement)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module in their order, those inside `if`, `try` and the like too."""
    waiting = list(reversed(body))
    while waiting:
        statement = waiting.pop()
        yield statement
        if isinstance(statement, _COMPOUND):
            inner = [s for s in ast.iter_child_nodes(statement) if isinstance(s, ast.stmt)]
            if isinstance(statement, ast.Try):
                inner += [s for handler in statement.handlers for s in handler.body]
            waiting += reversed(inner)


def _bindings(
    statement: ast.AST, scopes: list[_Scope]
) -> Iterator[tuple[str, str | ast.AST | None]]:
    """The names that one statement binds, and what to."""
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            top = alias.name.partition(".")[0]
            yield (alias.asname, alias.name) if alias.asname else (top, top)
    elif isinstance(statement, ast.ImportFrom):
        for alias in statement.names:
            known = statement.module and not statement.level and alias.name != "*"
            if known:
                yield alias.asname or alias.name, f"{statement.module}.{alias.name}"
            elif alias.name != "*":
                yield alias.asname or alias.name, None
    elif isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
        yield statement.name, statement
    elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.NamedExpr):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        value = statement.value
        for target in targets:
            if isinstance(target, ast.Name):
                dotted = _resolve(value, scopes) if value is not None else None
                yield target.id, dotted or value
            else:
                for node in ast.walk(target):
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                        yield node.id, value


def _stars(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
        return [statement.module for alias in statement.names if alias.name == "*"]
    return []


def _resolve(node: ast.AST, scopes: list[_Scope]) -> str | None:
    """The full name that an expression stands for, None where it is not known to be imported."""
    parts: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call) and (got := _got(node, scopes)) is not None:
            owner, name = got
            parts.append(name)
            if owner is None:
                return ".".join(reversed(parts))
            node = owner
        else:
            break
    if not isinstance(node, ast.Name):
        return None
    base = _imported(node.id, scopes)
    return None if base is None else ".".join([base, *reversed(parts)])


def _imported(name: str, scopes: list[_Scope]) -> str | None:
    for scope in reversed(scopes):
        if name in scope.imported:
            return scope.imported[name]
        if name in scope.own:
            return None
    return None


def _got(call: ast.Call, scopes: list[_Scope]) -> tuple[ast.AST | None, str] | None:
    """What ``getattr(module, "name")`` or ``import_module("name")`` is got from, and the name."""
    if call.keywords or not call.args or not all(map(_is_simple, call.args)):
        return None
    called = call.func.id if isinstance(call.func, ast.Name) else _resolve_plain(call.func, scopes)
    text = call.args[-1].value if isinstance(call.args[-1], ast.Constant) else None
    if not isinstance(text, str):
        return None
    if called == "getattr" and len(call.args) == 2:
        return call.args[0], text
    if called in ("__import__", "importlib.import_module", "import_module") and len(call.args) == 1:
        return None, text
    return None


def _is_simple(node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Attribute | ast.Constant | ast.Call)


def _resolve_plain(node: ast.expr, scopes: list[_Scope]) -> str | None:
    """A dotted name without calls in it: so that a chain of calls is followed once."""
    return _resolve(node, scopes) if isinstance(_base(node), ast.Name) else None


def _base(node: ast.AST) -> ast.AST:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node


class _Look:
    """One look at a function, class or value at the top of a module."""

    def __init__(self, module: _Scope, forbidden: Names) -> None:
        self.found: set[tuple[str, int]] = set()
        self.reached: dict[str, None] = {}
        self._module = module
        self._forbidden = forbidden

    def at(self, top: ast.AST) -> None:
        """Look at `top` and all that is in it. No recursion: sources can be nested deeply."""
        waiting: list[tuple[ast.AST, list[_Scope]]] = [(top, [self._module])]
        while waiting:
            node, scopes = waiting.pop()
            if isinstance(node, (*_FUNCTIONS, ast.Lambda)):
                if len(scopes) > _DEEPEST:
                    raise TooLargeError("it is too deeply nested")
                inner = [*scopes, _local_scope(node, scopes)]
                outside = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
                outside += [] if isinstance(node, ast.Lambda) else node.decorator_list
                body = [node.body] if isinstance(node, ast.Lambda) else node.body
                waiting += [(child, scopes) for child in outside]
                waiting += [(child, inner) for child in body]
            elif isinstance(node, ast.Name | ast.Attribute | ast.Call):
                waiting += [(child, scopes) for child in self._expression(node, scopes)]
            else:
                skipped = node.annotation if isinstance(node, ast.AnnAssign) else None
                children = (child for child in ast.iter_child_nodes(node) if child is not skipped)
                waiting += [(child, scopes) for child in children]

    def _expression(
        self, node: ast.Name | ast.Attribute | ast.Call, scopes: list[_Scope]
    ) -> Iterable[ast.AST]:
        """Note what an expression names; what in it remains to be looked at."""
        if isinstance(node, ast.Call) and _asks_for_gradient(node, scopes):
            self.note(GRAD_FLAG, node.lineno)
        full = _resolve(node, scopes)
        if full is not None:
            self.note(full, node.lineno)
            return ()
        if isinstance(node, ast.Call):
            return ast.iter_child_nodes(node)
        if isinstance(node, ast.Attribute):
            return [_base(node)]
        if isinstance(node.ctx, ast.Load):
            self._name(node, scopes)
        return ()

    def _name(self, node: ast.Name, scopes: list[_Scope]) -> None:
        if any(node.id in scope.own for scope in scopes[1:]):
            return
        if node.id in self._module.own:
            self.reached[node.id] = None
            return
        for module in self._module.stars:
            self.note(f"{module}.{node.id}", node.lineno)

    def note(self, full: str, line: int) -> None:
        """Note a full name if it is forbidden."""
        # torch.ops.aten.convolution.default is an overload of what is forbidden
        parts = full.split(".")[:_MOST_PARTS]
        starts = (".".join(parts[:n]) for n in range(len(parts), 1, -1))
        if any(start in self._forbidden for start in starts):
            self.found.add((full, line))


def _asks_for_gradient(call: ast.Call, scopes: list[_Scope]) -> bool:
    return (_resolve(call.func, scopes) or "").startswith("torch.") and any(
        keyword.arg == "requires_grad"
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value is True
        for keyword in call.keywords
    )


def _local_scope(
    function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, scopes: list[_Scope]
) -> _Scope:
    """The names that a function binds itself; those of functions in it are theirs."""
    scope = _Scope()
    arguments = function.args
    for argument in (
        *arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs,
        *filter(None, [arguments.vararg, arguments.kwarg]),
    ):  # fmt: skip
        scope.bind(argument.arg, None)
    body = [function.body] if isinstance(function, ast.Lambda) else function.body
    waiting: list[ast.AST] = list(reversed(body))
    shared: set[str] = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Global | ast.Nonlocal):
            shared.update(node.names)
        elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            scope.bind(node.name, None)
        elif not isinstance(node, ast.Lambda):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                if node.id not in scope.imported:
                    scope.bind(node.id, None)
            elif isinstance(node, ast.ExceptHandler) and node.name:
                scope.bind(node.name, None)
            waiting += reversed(list(ast.iter_child_nodes(node)))
            for name, to in _bindings(node, [*scopes, scope]):
                scope.bind(name, to if isinstance(to, str) else None)
    for name in shared:
        scope.own.pop(name, None)
    return scope

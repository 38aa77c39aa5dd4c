"""A stub out of a reference: signatures, docstrings and types stay, marked solutions go.

Everything here fails closed: where it is not certain that a solution is cut out cleanly, there is
a `CourseError` with file and line and no stub.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from autograder.errors import CourseError
from autograder.release.markers import Pair, read_pairs

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _nothing(name: str) -> bool:
    return False


def strip(source: str, file: str, keep: Callable[[str], bool] = _nothing) -> str:
    """Cut the solutions out of a reference.

    The lines from ``# BEGIN SOLUTION`` to ``# END SOLUTION`` go, the marks with them. In a function
    or method one ``raise NotImplementedError("Class.method")`` takes their place; elsewhere nothing
    does.

    Args:
        source: the reference.
        file: its name in messages.
        keep: whether a function or class, by its name at the top of the module, keeps its
            solution and loses only the marks. What is marked outside of functions and classes is
            kept as soon as anything is.

    Raises:
        CourseError: the marks are wrong, or the stub would hold a solution or differ from the
            reference in anything but the marked statements.
    """
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    tree = _parse(source, file)
    blocks = [_locate(tree, pair, file) for pair in read_pairs(source, file)]
    _check_blocks(blocks, file)
    _check_public_functions(tree, blocks, file)
    kept = {block.top for block in blocks if block.owners and keep(block.top)}
    cut = [block for block in blocks if not (block.top in kept or (kept and not block.owners))]
    for block in cut:
        _check_cut(source, block, file)
    stub = _cut(source, blocks, cut)
    _check_headers(tree, _parse(stub, f"{file}, without its solutions"), file)
    return stub


@dataclass(frozen=True)
class _Block:
    """The statements between a pair of marks: `body[start:stop]`, within `owners`."""

    pair: Pair
    owners: tuple[_Definition, ...]
    body: list[ast.stmt]
    start: int
    stop: int

    @property
    def name(self) -> str:
        return ".".join(owner.name for owner in self.owners)

    @property
    def top(self) -> str:
        return self.owners[0].name if self.owners else ""

    @property
    def function(self) -> _Function | None:
        innermost = self.owners[-1] if self.owners else None
        return innermost if isinstance(innermost, _Function) else None

    @property
    def substitute(self) -> list[str]:
        return [f'raise NotImplementedError("{self.name}")'] if self.function else []


def _parse(source: str, file: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise CourseError(f"{file}:{error.lineno}: not valid Python: {error.msg}") from error
    except ValueError as error:
        raise CourseError(f"{file}: not valid Python: {error}") from error


def _locate(tree: ast.Module, pair: Pair, file: str) -> _Block:
    # outer lists of statements come first, so the first with marked statements is the right one;
    # that no other has any is shown by `_check_cut`
    for owners, body in _bodies(tree, ()):
        inside = [i for i, node in enumerate(body) if _is_inside(node, pair)]
        if inside:
            return _Block(pair, owners, body, inside[0], inside[-1] + 1)
    raise CourseError(f"{file}:{pair.begin}: there is no whole statement between these marks")


def _is_inside(node: ast.stmt, pair: Pair) -> bool:
    return pair.begin < node.lineno and (node.end_lineno or node.lineno) < pair.end


def _bodies(
    node: ast.AST, owners: tuple[_Definition, ...]
) -> Iterator[tuple[tuple[_Definition, ...], list[ast.stmt]]]:
    """Every list of statements below `node` with the functions and classes around it."""
    for _, value in ast.iter_fields(node):
        if not isinstance(value, list):
            continue
        if value and isinstance(value[0], ast.stmt):
            yield owners, value
        for child in value:
            if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
                inner = (*owners, child) if isinstance(child, _Definition) else owners
                yield from _bodies(child, inner)


def _check_blocks(blocks: Sequence[_Block], file: str) -> None:
    seen: dict[_Function, _Block] = {}
    for block in blocks:
        line = block.pair.begin
        if any(isinstance(owner, _Function) for owner in block.owners[:-1]):
            raise CourseError(
                f"{file}:{line}: the marks are in {block.name}, inside another function; "
                "mark the body of the outer one"
            )
        function = block.function
        if function and function in seen:
            raise CourseError(
                f"{file}:{line}: a second solution in {block.name} (the first is in line "
                f"{seen[function].pair.begin}); one pair of marks has to enclose all of it"
            )
        if function:
            seen[function] = block


def _check_public_functions(tree: ast.Module, blocks: Sequence[_Block], file: str) -> None:
    """Every public function has its solution marked; otherwise the stub would hold it."""
    marked = {block.function for block in blocks}
    for name, node in _definitions(tree):
        if not isinstance(node, _Function) or not _is_public(name):
            continue
        inside = any(_is_inside(node, block.pair) for block in blocks)  # `_check_headers` minds it
        if node not in marked and not inside and not _is_hollow(node):
            raise CourseError(
                f"{file}:{node.lineno}: {name} is public and has no marks; its body would be "
                "handed out"
            )


def _definitions(tree: ast.Module) -> Iterator[tuple[str, _Definition]]:
    """The functions and classes of the module and of its classes, by qualified name."""
    for owners, body in _bodies(tree, ()):
        if any(isinstance(owner, _Function) for owner in owners):
            continue
        for node in body:
            if isinstance(node, _Definition):
                yield ".".join([*(owner.name for owner in owners), node.name]), node


def _is_public(name: str) -> bool:
    return all(
        not part.startswith("_") or (part.startswith("__") and part.endswith("__"))
        for part in name.split(".")
    )


def _is_hollow(node: _Function) -> bool:
    """Whether a function has nothing to hide: a docstring, `...`, `pass`, not implemented."""
    for statement in node.body:
        match statement:
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                continue
            case ast.Raise(exc=ast.Name("NotImplementedError")):
                continue
            case ast.Raise(exc=ast.Call(func=ast.Name("NotImplementedError"))):
                continue
        return False
    return True


def _cut(source: str, blocks: Sequence[_Block], cut: Sequence[_Block]) -> str:
    lines: list[str | None] = list(source.split("\n"))
    for block in blocks:
        begin, end = block.pair.begin - 1, block.pair.end - 1
        if block in cut:
            lines[begin : end + 1] = [None] * (end + 1 - begin)
            for line in block.substitute:
                lines[begin] = block.pair.indent + line
        else:
            lines[begin] = lines[end] = None
    return "\n".join(_close_gaps(lines)).strip("\n") + "\n"


def _close_gaps(lines: Sequence[str | None]) -> Iterator[str]:
    """Drop the `None`s, and of the blank lines around one keep those of one side, two at most."""
    for is_gap, group in itertools.groupby(lines, key=lambda line: not (line and line.strip())):
        run = list(group)
        if not is_gap or None not in run:
            yield from (line for line in run if line is not None)
            continue
        sides = itertools.groupby(run, key=lambda line: line is None)
        blank = max((len(list(side)) for cut, side in sides if not cut), default=0)
        yield from [""] * min(blank, 2)


def _check_cut(source: str, block: _Block, file: str) -> None:
    """The text without one solution is the syntax tree without its statements, nothing else."""
    where = f"{file}:{block.pair.begin}"
    try:
        stub = ast.parse(_cut(source, [block], [block]))
    except SyntaxError as error:
        raise CourseError(
            f"{where}: without what these marks enclose the rest is not valid Python: {error.msg}"
        ) from error
    expected = ast.parse(source)
    same = _locate(expected, block.pair, file)
    same.body[same.start : same.stop] = ast.parse("\n".join(block.substitute)).body
    if ast.dump(stub) != ast.dump(expected):
        raise CourseError(
            f"{where}: these marks have to enclose whole statements of one block, at the "
            "indentation of that block"
        )


def _check_headers(reference: ast.Module, stub: ast.Module, file: str) -> None:
    """What a student sees of each definition is what the reference has."""
    left = {(name, _header(node)) for name, node in _definitions(stub)}
    names = {name for name, _ in left}
    for name, node in _definitions(reference):
        if name not in names and not _is_public(name):
            continue
        if (name, _header(node)) not in left:
            raise CourseError(
                f"{file}:{node.lineno}: {name} would lose its signature, decorators or docstring "
                "in the stub; mark only the statements of its body"
            )


def _header(node: _Definition) -> str:
    fields = {name: value for name, value in ast.iter_fields(node) if name != "body"}
    parts: list[object] = [type(node).__name__, ast.get_docstring(node, clean=False)]
    for name, value in fields.items():
        items = value if isinstance(value, list) else [value]
        parts.append((name, [ast.dump(i) if isinstance(i, ast.AST) else i for i in items]))
    return repr(parts)

"""From a notebook's code cells to a module: what some definitions need, and nothing else.

A notebook mixes definitions with experiments. `module_of` takes the functions and classes that are
asked for and, from the cells' top level, what these refer to, over any number of steps: imports,
helpers, constants. The rest is left out and so never run: calls, prints, plots, training loops,
magics. What is kept stands in the order of the cells, so that of two definitions of one name the
last wins, as when the notebook is run from top to bottom.

Nothing is run here, but a hostile source can make a parser use up time and memory: parse what is
not your own in a process that has limits (`autograder.grading.notebooks` does).
"""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

MAX_CODE = 1_000_000  # characters, of all cells together
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)
_BLOCKS = (ast.If, ast.Try, ast.With)
_KNOWN = frozenset(dir(builtins)) | {"__name__", "__file__", "__doc__"}
# these run their cell as it stands, where it stands
_TRANSPARENT = frozenset({"time", "capture"})

_CELL_MAGIC = re.compile(r"\s*%%\s*(\w*)")
_MAGIC = re.compile(
    r"""\s*(?:
        [%!?]                                    # %time, !pip, ?name
      | [\w.]+(?:\s*,\s*[\w.]+)*\s*=\s*[%!]      # files = !ls
      | %{0,2}[\w.*]+\?{1,2}\s*(?:\#.*)?$        # name?, name??
    )""",
    re.VERBOSE,
)
_DEFINES = re.compile(r"^[ \t]*(?:def|class|async[ \t]+def)[ \t]", re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """A line of a notebook: the cell's label, such as ``code cell 3``, and the line in it."""

    cell: str
    line: int


@dataclass(frozen=True)
class Converted:
    """A module that was made of cells.

    `places` says where each of its lines comes from, None for a line of ours. `problems` are what
    could not be taken, each with where it stands.
    """

    source: str
    places: tuple[Place | None, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Origin:
    """Where the lines of a module come from.

    `notebook` is what the cells are called together; empty where a cell's label says enough.
    """

    notebook: str
    places: tuple[Place | None, ...] = ()

    def locate(self, module: str, text: str) -> str:
        """A text that names the module, and maybe a line of it, as one that names the cell."""

        def place(found: re.Match[str]) -> str:
            line = int(found[1]) if found[1] else 0
            place = self.places[line - 1] if 0 < line <= len(self.places) else None
            where = f"{place.cell}, line {place.line}" if place else ""
            return ", ".join(filter(None, (self.notebook, where))) or "this notebook"

        return re.sub(rf"(?<![\w./]){re.escape(module)}(?:, line (\d{{1,9}}))?\b", place, text)


@dataclass(frozen=True)
class _Statement:
    """A statement at the top of a cell: the names it binds, and those it needs."""

    node: ast.stmt
    lines: Sequence[str]
    place: Place
    binds: frozenset[str]
    needs: frozenset[str]


@dataclass
class _Module:
    lines: list[str] = field(default_factory=list)
    places: list[Place | None] = field(default_factory=list)

    def add(self, lines: Iterable[str], place: Place | None = None) -> None:
        for i, line in enumerate(lines):
            self.lines.append(line)
            self.places.append(place and Place(place.cell, place.line + i))


def module_of(cells: Iterable[tuple[str, str]], wanted: Iterable[str], name: str) -> Converted:
    """The module that defines `wanted`.

    Args:
        cells: of each code cell its label and its source.
        wanted: the names of functions and classes.
        name: what the cells are called in the module's first line.
    """
    problems: list[str] = []
    statements: list[_Statement] = []
    room = MAX_CODE
    for label, source in cells:
        room -= len(source)
        if room < 0:
            problems.append(
                f"{label}: not taken, the cells hold over {MAX_CODE} characters of code"
            )
            break
        try:
            statements += _statements(label, _plain(label, source, problems))
        except (SyntaxError, ValueError) as error:  # ValueError: a NUL, or a lone surrogate
            problems.append(_unreadable(label, error))
        except (RecursionError, MemoryError):
            problems.append(f"{label}: too deeply nested to be read; it was left out")
    kept, needed = _reached(statements, wanted)
    module = _Module()
    # the first line is ours: a cell can't declare an encoding that is not the file's
    module.add([f"# -*- coding: utf-8 -*- the definitions of {name}"])
    for is_future in (True, False):  # Python wants those imports first
        for statement in kept:
            if _is_future(statement.node) == is_future:
                module.add(statement.lines, statement.place)
    if "display" in needed - _bound(kept):
        module.add(["display = print"])  # a notebook has it without an import
    return Converted("\n".join(module.lines) + "\n", tuple(module.places), tuple(problems))


def _unreadable(label: str, error: SyntaxError | ValueError) -> str:
    where, why = label, "it holds characters that are no text"
    if isinstance(error, SyntaxError):
        where = f"{label}, line {error.lineno}" if error.lineno else label
        why = error.msg
    return f"{where}: not valid Python ({why}); what this cell defines was left out"


def _plain(label: str, source: str, problems: list[str]) -> str:
    """The cell's Python, line for line: magics make way for blanks."""
    text = source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    first = next((line for line in text.split("\n") if line.strip()), "")
    if magic := _CELL_MAGIC.match(first):
        if magic[1] not in _TRANSPARENT:
            if _DEFINES.search(text):
                problems.append(f"{label}: begins with %%{magic[1]}; what it defines was left out")
            return ""
        text = text.replace(first, "", 1)
        first = next((line for line in text.split("\n") if line.strip()), "")
    margin = first[: len(first) - len(first.lstrip())]  # a cell may be indented as a whole
    shifted = "\n".join(line.removeprefix(margin) for line in text.split("\n"))
    ways = text, _without_magics(text), shifted, _without_magics(shifted)
    return next(filter(_parses, ways), ways[-1])


def _parses(text: str) -> bool:
    try:
        _parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def _parse(text: str) -> ast.Module:
    with warnings.catch_warnings(action="ignore"):
        return ast.parse(text)


def _without_magics(text: str) -> str:
    """Put `pass` in the place of each magic: a line that begins a statement and can't be Python."""
    lines = text.split("\n")
    state = _Lexer()
    i = 0
    while i < len(lines):
        if state.at_start and _MAGIC.match(lines[i]):
            indent = lines[i][: len(lines[i]) - len(lines[i].lstrip())]
            first = i
            while lines[i].endswith("\\") and i + 1 < len(lines):  # it goes on there
                i += 1
            lines[first : i + 1] = [f"{indent}pass", *[""] * (i - first)]
        else:
            state.read(lines[i])
        i += 1
    return "\n".join(lines)


class _Lexer:
    """As much of Python's lexer as tells whether a line begins a statement."""

    _TOKEN = re.compile(r"\\.|'''|\"\"\"|['\"#()\[\]{}]", re.DOTALL)

    def __init__(self) -> None:
        self._quote = ""  # of the string that we are in
        self._depth = 0
        self._continued = False

    @property
    def at_start(self) -> bool:
        return not (self._quote or self._depth or self._continued)

    def read(self, line: str) -> None:
        """Go on to the next line."""
        self._continued = line.endswith("\\")
        for match in self._TOKEN.finditer(line):
            token = match[0]
            if self._quote:
                # three quotes in a string of one: it ends there, and an empty one follows
                if self._quote in (token, token[0]):
                    self._quote = ""
            elif token == "#":
                self._continued = False
                break
            elif token[0] in "'\"":
                self._quote = token
            elif token in "([{":
                self._depth += 1
            elif token in ")]}":
                self._depth = max(0, self._depth - 1)
        if len(self._quote) == 1 and not line.endswith("\\"):
            self._quote = ""  # a string of one quote ends with its line, if only by mistake


def _statements(label: str, text: str) -> Iterator[_Statement]:
    lines = [line.encode() for line in text.split("\n")]  # columns count bytes
    for node in _parse(text).body:
        starts = [node, *getattr(node, "decorator_list", [])]
        first = min(start.lineno for start in starts)
        last = node.end_lineno or first
        own = lines[first - 1 : last]
        # `a = 1; b = 2`: on a line that several share each has its own part; an @ stands alone
        own[-1] = own[-1][: node.end_col_offset]
        if first == node.lineno:
            own[0] = own[0][node.col_offset :]
        yield _Statement(
            node=node,
            lines=[line.decode() for line in own],
            place=Place(label, first),
            binds=frozenset(_binds(node)),
            needs=frozenset(_needs(node, frozenset())),
        )


def _reached(
    statements: Sequence[_Statement], wanted: Iterable[str]
) -> tuple[list[_Statement], set[str]]:
    """What `wanted` needs of the statements, in their order, and all the names that it needs."""
    binding: dict[str, list[int]] = {}
    for i, statement in enumerate(statements):
        if _is_definition(statement.node):
            for name in statement.binds:
                binding.setdefault(name, []).append(i)
    needed: set[str] = set()
    kept: set[int] = {i for i, s in enumerate(statements) if _is_future(s.node)}
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name in needed:
            continue
        needed.add(name)
        for i in binding.get(name, ()):
            if i not in kept:
                kept.add(i)
                waiting += statements[i].needs
    if needed - binding.keys() - _KNOWN:  # it may come from there
        kept |= {i for i, s in enumerate(statements) if _is_star(s.node)}
    return [statements[i] for i in sorted(kept)], needed


def _bound(statements: Iterable[_Statement]) -> frozenset[str]:
    return frozenset[str]().union(*(statement.binds for statement in statements))


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _is_star(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)


def _is_definition(node: ast.stmt) -> bool:
    """Whether a statement is one that defines, rather than one that does something.

    A block is one if there is no loop in it: whoever trains a network in a cell has not meant it
    to be run again because a function reads `loss`.
    """
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef, ast.Import, ast.ImportFrom, *_ASSIGNMENTS)):
        return True
    if type(node).__name__ == "TypeAlias":
        return True
    if not isinstance(node, _BLOCKS) or (isinstance(node, ast.If) and _asks_for_main(node.test)):
        return False
    return not any(isinstance(inner, _LOOPS) for inner in _outer_nodes(node))


def _asks_for_main(test: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(test))


def _outer_nodes(top: ast.AST) -> Iterator[ast.AST]:
    """A node and what is in it, but for what is in scopes of their own."""
    waiting = [top]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.comprehension):
            waiting += [node.iter, *node.ifs]
        elif node is top or not isinstance(node, (*_FUNCTIONS, ast.ClassDef, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)


def _binds(top: ast.stmt) -> Iterator[str]:
    """The names that a statement binds at its top, and those whose insides it sets."""
    if isinstance(top, (*_FUNCTIONS, ast.ClassDef)):
        yield top.name
        return
    for node in _outer_nodes(top):
        yield from _bound_by(node)
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            base: ast.expr = node
            while isinstance(base, ast.Attribute | ast.Subscript):
                base = base.value
            if isinstance(base, ast.Name):  # `Net.forward = forward`
                yield base.id


def _bound_by(node: ast.AST) -> Iterator[str]:
    """The names that a node binds itself, apart from what is in it."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.alias(name=name, asname=asname) if name != "*":
            yield asname or name.partition(".")[0]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            yield name
        case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            yield name


def _needs(top: ast.AST, own: frozenset[str]) -> Iterator[str]:
    """The names that a node takes from the module; `own` are those of the functions around it."""
    if isinstance(top, ast.Name):
        if top.id not in own and not isinstance(top.ctx, ast.Store):
            yield top.id
    elif isinstance(top, (*_FUNCTIONS, ast.Lambda)):
        outside: list[ast.AST] = [*top.args.defaults, *filter(None, top.args.kw_defaults)]
        arguments = _arguments(top.args)
        if not isinstance(top, ast.Lambda):
            outside += [*top.decorator_list, *filter(None, [top.returns])]
            outside += [a.annotation for a in arguments if a.annotation]
        body: list[ast.AST] = [top.body] if isinstance(top, ast.Lambda) else [*top.body]
        inside = own | {argument.arg for argument in arguments} | _locals(body)
        for node in outside:
            yield from _needs(node, own)
        for node in body:
            yield from _needs(node, inside)
    elif isinstance(top, ast.ClassDef):
        for node in [*top.decorator_list, *top.bases, *top.keywords]:
            yield from _needs(node, own)
        attributes = own | _locals(top.body)  # seen in the class's body, not in its methods
        for statement in top.body:
            seen = own if isinstance(statement, (*_FUNCTIONS, ast.ClassDef)) else attributes
            yield from _needs(statement, seen)
    else:
        if isinstance(top, _COMPREHENSIONS):
            own |= _locals([generator.target for generator in top.generators])
        for child in ast.iter_child_nodes(top):
            yield from _needs(child, own)


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    stars = filter(None, [arguments.vararg, arguments.kwarg])
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *stars]


def _locals(body: Iterable[ast.AST]) -> frozenset[str]:
    """The names that the statements of one scope bind there."""
    bound: set[str] = set()
    shared: set[str] = set()
    for statement in body:
        if isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
            bound.add(statement.name)
            continue
        for node in _outer_nodes(statement):
            if isinstance(node, ast.Global | ast.Nonlocal):
                shared.update(node.names)
            bound.update(_bound_by(node))
    return frozenset(bound - shared)

"""Small changes to a reference, each of which some check should notice.

The changes are those of cosmic-ray's operators, used as a library: one operator at one place in a
solution makes one mutant. A mutant that no check notices is a hole in the checks, or means the
same as the reference; a stage's ``equivalent.toml`` lists the latter, each with a reason.

What is changed: operators of arithmetic, of bits and comparisons, each into its like; signs,
numbers (±1), conditions, ``and``/``or``, ``True``/``False``, ``break``/``continue``, what a loop
goes through and what an ``except`` catches. Left out of the library's operators are

- arithmetic into bits and the other way round: on floats and tensors that raises, on ints nobody
  writes it, and mutants that die of anything would only flatter the checks;
- comparisons into ``is``: for numbers it means ``==`` or nothing, as the interpreter pleases;
- a ``+`` or ``not`` as a sign, which is no change or no expression;
- `RemoveDecorator`: no mistake that a solution's decorators invite (they switch autograd off or
  make a property);
- `VariableReplacer` and `VariableInserter`, which roll dice, and `NoOp`.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations, takewhile
from pathlib import Path
from typing import Annotated

import msgspec

from autograder.course import read_toml
from autograder.errors import CourseError, InputError
from autograder.release.markers import read_pairs

_ARITHMETIC = ("Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow")
_BITS = ("RShift", "LShift", "BitOr", "BitAnd", "BitXor")
_ORDER = ("Eq", "NotEq", "Lt", "LtE", "Gt", "GtE")
# cosmic-ray's name of an operator: ours; an operator with several changes at a place has several
_OPERATORS: dict[str, tuple[str, ...]] = {
    **{
        f"ReplaceBinaryOperator_{old}_{new}": (f"{old}→{new}",)
        for family in (_ARITHMETIC, _BITS)
        for old, new in permutations(family, 2)
    },
    **{
        f"ReplaceComparisonOperator_{old}_{new}": (f"{old}→{new}",)
        for family in (_ORDER, ("Is", "IsNot"))
        for old, new in permutations(family, 2)
    },
    "ReplaceUnaryOperator_Delete_USub": ("USub deleted",),
    "ReplaceUnaryOperator_USub_Invert": ("USub→Invert",),
    "ReplaceUnaryOperator_Delete_Invert": ("Invert deleted",),
    "ReplaceUnaryOperator_Invert_USub": ("Invert→USub",),
    "ReplaceUnaryOperator_Delete_Not": ("Not deleted",),
    "AddNot": ("AddNot",),
    "ReplaceTrueWithFalse": ("True→False",),
    "ReplaceFalseWithTrue": ("False→True",),
    "ReplaceAndWithOr": ("And→Or",),
    "ReplaceOrWithAnd": ("Or→And",),
    "ReplaceBreakWithContinue": ("Break→Continue",),
    "ReplaceContinueWithBreak": ("Continue→Break",),
    "ExceptionReplacer": ("ExceptionReplacer",),
    "NumberReplacer": ("NumberReplacer +1", "NumberReplacer −1"),
    "ZeroIterationForLoop": ("ZeroIterationForLoop",),
}


@dataclass(frozen=True)
class Mutant:
    """A reference with one change.

    `line` counts from 1. `before` and `after` are the changed line without its indentation (the
    changed lines, where there are several), and `function` is the qualified name of the function
    around it, empty outside of all. `source` is the whole module with the change.
    """

    operator: str
    line: int
    function: str
    before: str
    after: str
    source: str


@dataclass(frozen=True)
class Equivalent:
    """A mutant that means the same as the reference, or what the course leaves open, and why.

    It is known by its text and not by its line, so that it outlasts changes elsewhere.
    """

    function: str
    before: str
    after: str
    reason: str

    def is_of(self, mutant: Mutant) -> bool:
        """Whether `mutant` is meant."""
        ours = self.function, self.before, self.after
        return ours == (mutant.function, mutant.before, mutant.after)


@dataclass(frozen=True)
class Sorted:
    """Mutants, with the equivalent ones set aside.

    `judged` has to be noticed by the checks; `excused` has not; `stale` is meant for mutants
    that there are no more, and has to go.
    """

    judged: tuple[Mutant, ...]
    excused: tuple[tuple[Mutant, Equivalent], ...]
    stale: tuple[Equivalent, ...]


def mutants(source: str, file: str = "solution") -> list[Mutant]:
    """Every mutant of a reference, from top to bottom.

    Only what stands between the marks of a solution is changed, and of that neither annotations
    (nothing reads them: such mutants are equivalent) nor what is raised (its type is no operator's
    business and its words are free) nor decorators. What doesn't compile is left out, and so is
    what another operator has made already.

    Args:
        source: the reference.
        file: its name in messages.

    Raises:
        CourseError: a mark is wrong.
        InputError: cosmic-ray is not installed.
    """
    try:
        from cosmic_ray.ast import ast_nodes, get_ast
        from cosmic_ray.mutating import mutate_code
        from cosmic_ray.operators.provider import OperatorProvider
    except ImportError as error:
        raise InputError(
            'mutants need cosmic-ray: pip install "autograder[proof]", '
            "or leave them out with --no-mutants"
        ) from error
    provider = OperatorProvider()
    places = _Places(source, file)
    found: dict[str, tuple[tuple[int, int], Mutant]] = {}
    # a statement at a time: each mutant has its syntax tree made anew
    for above, statement, below in places.statements():
        nodes = list(ast_nodes(get_ast(statement)))
        for name, labels in _OPERATORS.items():
            operator = provider[name]()
            # mutate_code() walks the same nodes in the same order, and counts
            spans = (span for node in nodes for span in operator.mutation_positions(node))
            for occurrence, ((line, column), _) in enumerate(spans):
                place = above.count("\n") + line, column
                if place not in places:
                    continue
                changed = above + mutate_code(statement, operator, occurrence) + below
                if changed in found or not _compiles(changed):
                    continue
                label = labels[occurrence % len(labels)]
                first, before, after = _difference(source, changed)
                function = places.function_at(place[0])
                found[changed] = place, Mutant(label, first, function, before, after, changed)
    return [mutant for _, mutant in sorted(found.values(), key=lambda pair: pair[0])]


class _Equivalent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"within": "in"}):
    within: str
    before: Annotated[str, msgspec.Meta(min_length=1)]
    after: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    reason: Annotated[str, msgspec.Meta(min_length=1)]


class _EquivalentFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    equivalent: tuple[_Equivalent, ...]


def read_equivalents(path: Path) -> list[Equivalent]:
    """The equivalent mutants that a stage's ``equivalent.toml`` lists; none where it has no such.

    An entry has the changed line's function (`in`), the line itself (`before`), what becomes of
    it (`after`, a list: one reason may be good for several) and the `reason`.

    Raises:
        CourseError: the file is wrong; one sentence with the file and the key.
    """
    if not path.is_file():
        return []
    entries = [
        Equivalent(entry.within, _tidy(entry.before), _tidy(after), entry.reason)
        for entry in read_toml(path, _EquivalentFile).equivalent
        for after in entry.after
    ]
    seen = set()
    for entry in entries:
        key = entry.function, entry.before, entry.after
        if key in seen:
            raise CourseError(f"{path}: `equivalent` lists {entry.after!r} twice")
        seen.add(key)
    return entries


def set_aside(found: Iterable[Mutant], equivalents: Sequence[Equivalent]) -> Sorted:
    """Divide mutants into those that checks have to notice and those that are equivalent."""
    judged: list[Mutant] = []
    excused: list[tuple[Mutant, Equivalent]] = []
    for mutant in found:
        reason = next((e for e in equivalents if e.is_of(mutant)), None)
        if reason:
            excused.append((mutant, reason))
        else:
            judged.append(mutant)
    used = {entry for _, entry in excused}
    stale = tuple(entry for entry in equivalents if entry not in used)
    return Sorted(tuple(judged), tuple(excused), stale)


class _Places:
    """Which places of a reference are open to change: (line from 1, column from 0)."""

    def __init__(self, source: str, file: str) -> None:
        self._solutions = read_pairs(source, file)
        self._lines = source.split("\n")  # as Python's parser counts them
        try:
            tree = ast.parse(source)
        except SyntaxError as error:
            raise CourseError(f"{file}:{error.lineno}: {error.msg}") from error
        # by Python's own parser: cosmic-ray's has never heard of `match`, and gropes through it
        self._closed = [self._span(node) for node in _closed(tree)]
        self._statements = [(node.lineno, node.end_lineno or node.lineno) for node in tree.body]
        self._functions = list(_functions(tree))

    def __contains__(self, place: tuple[int, int]) -> bool:
        inside = any(pair.begin < place[0] < pair.end for pair in self._solutions)
        return inside and not any(start <= place < end for start, end in self._closed)

    def statements(self) -> Iterator[tuple[str, str, str]]:
        """The module's statements, each with what stands above and below it."""
        for first, last in self._statements:
            cuts = self._lines[: first - 1], self._lines[first - 1 : last], self._lines[last:]
            above, statement, below = ("".join(f"{line}\n" for line in lines) for lines in cuts)
            yield above, statement, below.removesuffix("\n")

    def function_at(self, line: int) -> str:
        """The qualified name of the innermost function around a line."""
        around = [name for name, first, last in self._functions if first <= line <= last]
        return around[-1] if around else ""

    def _span(self, node: ast.expr | ast.Raise) -> tuple[tuple[int, int], tuple[int, int]]:
        end_line, end_column = node.end_lineno or 0, node.end_col_offset or 0
        start = node.lineno, self._column(node.lineno, node.col_offset)
        return start, (end_line, self._column(end_line, end_column))

    def _column(self, line: int, offset: int) -> int:
        """Python's parser counts bytes, cosmic-ray's characters."""
        return len(self._lines[line - 1].encode()[:offset].decode())


def _closed(tree: ast.Module) -> Iterator[ast.expr | ast.Raise]:
    for node in ast.walk(tree):
        match node:
            case ast.Raise():
                yield node
            case (
                ast.AnnAssign(annotation=annotation) | ast.arg(annotation=ast.expr() as annotation)
            ):
                yield annotation
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from node.decorator_list
                yield from [node.returns] if node.returns else []
            case ast.ClassDef():
                yield from node.decorator_list


def _functions(node: ast.AST, outer: str = "") -> Iterator[tuple[str, int, int]]:
    """Each function's qualified name, first and last line; an inner one after its outer one."""
    for child in ast.iter_child_nodes(node):
        name = outer
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{outer}.{child.name}".removeprefix(".")
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield name, child.lineno, child.end_lineno or child.lineno
        yield from _functions(child, name)


def _compiles(source: str) -> bool:
    with warnings.catch_warnings(action="ignore"):
        try:
            compile(source, "mutant", "exec")
        except (SyntaxError, ValueError):
            return False
    return True


def _difference(source: str, changed: str) -> tuple[int, str, str]:
    """The first changed line's number, the changed lines, and what became of them."""
    old, new = source.split("\n"), changed.split("\n")
    above = _shared(old, new)
    old, new = old[above:], new[above:]
    below = _shared(old[::-1], new[::-1])
    before, after = old[: len(old) - below], new[: len(new) - below]
    return above + 1, _tidy("\n".join(before)), _tidy("\n".join(after))


def _shared(one: list[str], other: list[str]) -> int:
    """How many lines are the same from the first on."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _tidy(text: str) -> str:
    """Lines to read: without indentation and the stray spaces that some operators leave."""
    lines = text.strip().splitlines()
    return "\n".join(re.sub(r"(?<=[ (\[{]) +", "", line.strip()) for line in lines)

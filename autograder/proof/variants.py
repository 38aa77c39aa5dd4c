"""Variants of a reference, right and wrong, and what of the module each of them touches."""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from autograder.course import Assignment
from autograder.errors import CourseError
from autograder.release.strip import strip

_DOCUMENTED = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Kind = Literal["reference", "stub", "alternative", "mistake", "mutant"]


@dataclass(frozen=True)
class Variant:
    """A whole module to be tried; `exercise` is the one that a mistake is about."""

    kind: Kind
    stage: str
    name: str
    source: str
    exercise: str = ""


def reference(assignment: Assignment) -> Variant:
    """The reference itself."""
    return Variant("reference", assignment.stage, "reference", _read(assignment))


def stub(assignment: Assignment) -> Variant:
    """What students start from."""
    source = strip(_read(assignment), str(assignment.reference))
    return Variant("stub", assignment.stage, "stub", source)


def alternatives(assignment: Assignment) -> list[Variant]:
    """The known-right modules of a stage, by name."""
    return [
        Variant("alternative", assignment.stage, path.stem, path.read_text(encoding="utf-8"))
        for path in sorted((assignment.folder / "alternatives").glob("*.py"))
    ]


def _read(assignment: Assignment) -> str:
    try:
        return assignment.reference.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{assignment.reference}: can't be read: {error}") from error


def touched(reference: str, variant: str) -> set[str] | None:
    """The names at the top of a module that mean something else in a variant of it.

    Those are the ones that are defined otherwise, and all that use them, however far away. None
    where anything may be different: code outside of definitions was changed, or uses such a name.
    """
    before, after = _definitions(reference), _definitions(variant)
    if before is None or after is None:
        return None
    (old, rest), (new, other_rest) = before, after
    if list(map(ast.dump, rest)) != list(map(ast.dump, other_rest)):
        return None
    changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    uses = {name: set[str]() for name in old.keys() | new.keys()}
    for module in (reference, variant):
        for name, used in _uses(module).items():
            uses[name] |= used
    while grown := {name for name, used in uses.items() if used & changed} - changed:
        changed |= grown
    # what the module does when it is imported is anybody's
    return None if any(_names(statement) & changed for statement in rest) else changed


def essence(source: str, wanted: Collection[str]) -> str:
    """Those lines of a module on which what it has under the names `wanted` depends.

    Definitions are left out that neither those nor the module's own statements come to use, and
    docstrings. They are the module's lines as they stand: each Python has a syntax tree of its own.
    What is no Python is left as it is.
    """
    try:
        body = [node for node in ast.parse(source).body if not _is_text(node)]
    except (SyntaxError, ValueError):
        return source
    imports = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    used, kept, grown = set(wanted), list[ast.stmt](), True
    while grown:
        grown = False
        for node in body:
            named = _named(node)
            if node in (*imports, *kept) or (named is not None and used.isdisjoint(named)):
                continue
            kept.append(node)
            used |= _names(node)
            grown = True
    lines, numbers = source.split("\n"), set[int]()
    for node in kept:
        above = [decorator.lineno for decorator in getattr(node, "decorator_list", [])]
        numbers.update(range(min([node.lineno, *above]), (node.end_lineno or 0) + 1))
    for inner in (inner for node in kept for inner in ast.walk(node)):
        if not isinstance(inner, _DOCUMENTED) or not _is_text(text := inner.body[0]):
            continue
        if text.lineno > inner.lineno:
            numbers -= set(range(text.lineno, (text.end_lineno or 0) + 1))
    taken = [
        f"{getattr(node, 'module', '')}.{alias.name} is {name}"
        for node in imports
        for alias in node.names
        if (name := alias.asname or alias.name.partition(".")[0]) in {*used, "*"}
    ]
    return "\n".join([*sorted(taken), *(lines[number - 1] for number in sorted(numbers))])


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _named(node: ast.stmt) -> list[str] | None:
    """The names that a statement at the top of a module defines; None where it does more."""
    if isinstance(node, _DOCUMENTED):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return names if names and len(names) == len(targets) else None


def _definitions(source: str) -> tuple[dict[str, str], list[ast.stmt]] | None:
    """What each name is defined as, and the other statements."""
    defined: dict[str, str] = {}
    rest = []
    for node in ast.parse(source).body:
        names = _named(node)
        if names is None:
            rest.append(node)
        for name in names or []:
            if name in defined:
                return None  # which of the two holds depends on when it is asked
            defined[name] = ast.dump(node)
    return defined, rest


def _uses(source: str) -> dict[str, set[str]]:
    """For each name at the top of a module, the others that its definition mentions."""
    return {name: _names(node) for node in ast.parse(source).body for name in _named(node) or []}


def _names(node: ast.stmt) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}

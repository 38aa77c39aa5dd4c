"""Variants of a reference, right and wrong, and what of the module each of them touches."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Literal

from autograder.course import Assignment
from autograder.errors import CourseError
from autograder.release.strip import strip

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


def _named(node: ast.stmt) -> list[str] | None:
    """The names that a statement at the top of a module defines; None where it does more."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
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

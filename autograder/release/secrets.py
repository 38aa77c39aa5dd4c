"""What of a course must not be handed out, line by line, and how a line of it is recognised.

Secret are the solutions, the hidden checks, the known mistakes, the alternatives, the excused
mutants and the weakest trainings. What is compared are lines without their white space, as they
stand and in Python's normal form, and whole bodies of functions with their variables renamed. A
line says nothing if it is short, mere punctuation, an import, or stands outside of the secrets as
well.
"""

from __future__ import annotations

import ast
import copy
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

import autograder
from autograder.course import Assignment, Course, read_toml
from autograder.errors import CourseError
from autograder.release.markers import read_pairs
from autograder.release.pages import Page, parse

_SHORT = 12  # characters below which a line is nobody's secret
_LONG = 24  # characters from which a line is found in the middle of others too
_IDIOM = 3  # successive lines that the toolkit has in common with a course by no chance
_BODY = 40  # characters from which a body is known by its shape
_IMPORT = re.compile(r"(import|from\s+\S+\s+import)\s")
_HEADER = re.compile(r"^\s*((async\s+)?def|class)\s.*$", re.M)
_NOTHING = re.compile("(?!)")
_APART = "\0"  # between readings that must not run together

Lines = dict[str, str]  # a telling line -> where it comes from


class Leak(NamedTuple):
    """A secret that was found: its line, and where it comes from."""

    line: str
    source: str


@dataclass(frozen=True)
class Secrets:
    """The secrets of a course.

    Attributes:
        lines: telling lines, and where they come from.
        bodies: functions' bodies with their variables renamed, and where they come from.
    """

    lines: Mapping[str, str]
    bodies: Mapping[str, str]

    def __post_init__(self) -> None:
        starts: dict[str, list[str]] = {}
        for line in self.lines:
            if len(line) >= _LONG:
                starts.setdefault(line[:_LONG], []).append(line)
        object.__setattr__(self, "_starts", starts)

    def find(self, page: Page) -> Leak | None:
        """The first secret of the page, None where there is none."""
        readings = page.readings
        for reading in readings:
            for line in telling(reading):
                if line in self.lines:
                    return Leak(line, self.lines[line])
        if inside := self._inside(_APART.join(squeeze(reading) for reading in readings)):
            return Leak(inside, self.lines[inside])
        for tree in page.trees:
            for body in _bodies(tree):
                if body in self.bodies:
                    return Leak(body, self.bodies[body])
        return None

    def _inside(self, run_together: str) -> str | None:
        starts: dict[str, list[str]] = self._starts  # type: ignore[attr-defined]
        for place in range(len(run_together) - _LONG + 1):
            for line in starts.get(run_together[place : place + _LONG], ()):
                if run_together.startswith(line, place):
                    return line
        return None


def read_secrets(course: Course) -> Secrets:
    """The secrets of a course.

    Raises:
        CourseError: a file can't be read, or its marks are wrong.
    """
    given, parts = _references(course)
    wrong: Lines = {}
    hidden: list[_Part] = []
    for assignment in course.assignments:
        parts += _right(assignment)
        wrong |= _wrong(assignment)
        hidden += _hidden(assignment)
    public = [Page("test_public.py", text.encode()) for text in _public_code(course)]
    toolkit = toolkit_pages()
    shared = {line for page in public for reading in page.readings for line in telling(reading)}
    lines = _lines(parts, shared - _copied(public, parts, run=2))
    # a check that was made public is public, wherever it was copied from, and so is a wrong line
    lines = _without([given, *public], _lines(hidden, set()) | _without(toolkit, wrong)) | lines
    told = _without(toolkit, lines).keys() | _copied(toolkit, [*parts, *hidden], run=_IDIOM)
    lines = {line: where for line, where in lines.items() if line in told}
    known = {body for page in (given, *public) for tree in page.trees for body in _bodies(tree)}
    bodies = {body: where for body, where in _secret_bodies(course) if body not in known}
    return Secrets(_without([given], lines), bodies)


def toolkit_pages() -> list[Page]:
    """What the toolkit itself shows to everybody, by its name in the wheel."""
    package = Path(autograder.__file__).parent
    paths = [path for path in sorted(package.rglob("*")) if path.is_file()]
    pages = [
        Page(path.relative_to(package.parent).as_posix(), path.read_bytes())
        for path in paths
        if "__pycache__" not in path.parts
    ]
    readme = package.parent / "README.md"
    return [*pages, Page(readme.name, readme.read_bytes())] if readme.is_file() else pages


def telling(text: str) -> Iterator[str]:
    """The lines of a text that say something, without their white space."""
    for line in text.splitlines():
        # what quotes a line in a handout or a comment does not hide it
        squeezed = squeeze(line).strip("#>`*-")
        if (
            len(squeezed) >= _SHORT
            and re.search(r"\w", squeezed)
            and not _IMPORT.match(line.strip())
        ):
            yield squeezed


def squeeze(text: str) -> str:
    """A text without white space, and with one kind of quotes."""
    return "".join(text.split()).replace('"', "'")


_Part = list[tuple[str, str]]  # the telling lines of one secret, and where each comes from


def _references(course: Course) -> tuple[Page, list[_Part]]:
    """What the references show, and each solution, as it stands and in normal form."""
    given: list[str] = []
    parts: list[_Part] = []
    for assignment in course.assignments:
        file = f"solutions/{assignment.module}"
        source = _read(assignment.reference)
        lines = source.split("\n")
        start = 0
        for pair in read_pairs(source, file):
            given += lines[start : pair.begin - 1]
            start = pair.end
            solution = lines[pair.begin : pair.end - 1]
            parts.append(
                [
                    (line, f"line {number} of {file}")
                    for number, text in enumerate(solution, start=pair.begin + 1)
                    for line in telling(text)
                ]
            )
            parts.append(_in_normal_form("\n".join(solution), f"line {pair.begin + 1} of {file}"))
        given += lines[start:]
    return Page("given.py", "\n".join(given).encode()), parts


class _Mistake(msgspec.Struct):
    replace: str = ""


class _Equivalent(msgspec.Struct):
    after: list[str] = []


class _Wrong(msgspec.Struct):
    mistakes: list[_Mistake] = []
    equivalent: list[_Equivalent] = []


def _lines(parts: Iterable[_Part], but: set[str]) -> Lines:
    """The lines of all parts; what is in several comes from the first."""
    backwards = [pair for part in parts for pair in part][::-1]
    return {line: where for line, where in backwards if line not in but}


def _wrong(assignment: Assignment) -> Lines:
    """What known mistakes and excused mutants make of single lines."""
    lines: Lines = {}
    for name in ("mistakes.toml", "equivalent.toml"):
        if (assignment.folder / name).is_file():
            found = read_toml(assignment.folder / name, _Wrong)
            texts = [mistake.replace for mistake in found.mistakes]
            texts += [text for entry in found.equivalent for text in entry.after]
            where = f"a line of assignments/{assignment.stage}/{name}"
            for text in texts:
                lines |= dict.fromkeys(telling(text), where)
                lines |= _in_normal_form(text, where)
    return lines


def _right(assignment: Assignment) -> Iterator[_Part]:
    """The alternatives of a stage, and its weakest trainings; how functions are called is given."""
    for path in _whole_files(assignment):
        yield from _both_forms(_read(path), f"a line of {_name(assignment, path)}", but=_HEADER)


def _hidden(assignment: Assignment) -> Iterator[_Part]:
    path = assignment.folder / "test_hidden.py"
    if path.is_file():
        yield from _both_forms(_read(path), f"a line of {_name(assignment, path)}")


def _both_forms(source: str, where: str, but: re.Pattern[str] = _NOTHING) -> Iterator[_Part]:
    tree = parse(source)
    for text in (source, ast.unparse(tree) if tree else ""):
        yield [(line, where) for line in telling(but.sub("", text))]


def _whole_files(assignment: Assignment) -> list[Path]:
    weakest = assignment.folder / "weakest.py"
    found = sorted((assignment.folder / "alternatives").glob("*.py"))
    return [*found, weakest] if weakest.is_file() else found


def _name(assignment: Assignment, path: Path) -> str:
    return f"assignments/{assignment.stage}/{path.relative_to(assignment.folder).as_posix()}"


def _in_normal_form(source: str, where: str) -> _Part:
    tree = parse(source)
    return [(line, where) for line in telling(ast.unparse(tree))] if tree else []


def _public_code(course: Course) -> Iterator[str]:
    for assignment in course.assignments:
        for path in (assignment.folder / "test_public.py", assignment.folder / "probes.py"):
            if path.is_file():
                yield _read(path)


def _copied(pages: Iterable[Page], parts: Iterable[_Part], run: int) -> set[str]:
    """Lines that pages and secrets have in common by no chance.

    A loop header may well be in both. `run` successive lines of one secret are no chance, nor is
    the whole of one that has fewer.
    """
    runs: set[tuple[str, ...]] = set()
    for part in parts:
        lines = [line for line, _ in part]
        runs.update(_windows(lines, min(run, len(lines))))
    lengths = {len(lines) for lines in runs}
    copied: set[str] = set()
    for reading in (reading for page in pages for reading in page.readings):
        lines = list(telling(reading))
        for length in lengths:
            found = (window for window in _windows(lines, length) if window in runs)
            copied.update(itertools.chain.from_iterable(found))
    return copied


def _windows(lines: list[str], length: int) -> Iterator[tuple[str, ...]]:
    return (tuple(lines[i : i + length]) for i in range(len(lines) - length + 1) if length)


def _without(given: Iterable[Page], lines: Lines) -> Lines:
    """The lines that are in none of the pages."""
    readings = [reading for page in given for reading in page.readings]
    known = {line for reading in readings for line in telling(reading)}
    run_together = _APART.join(squeeze(reading) for reading in readings)
    return {
        line: where
        for line, where in lines.items()
        if line not in known and not (len(line) >= _LONG and line in run_together)
    }


def _secret_bodies(course: Course) -> Iterator[tuple[str, str]]:
    for assignment in course.assignments:
        sources = [(assignment.reference, f"solutions/{assignment.module}")]
        sources += [(path, _name(assignment, path)) for path in _whole_files(assignment)]
        for path, name in sources:
            tree = parse(_read(path))
            for body in _bodies(tree) if tree else ():
                yield body, f"a function of {name}, renamed"


def _bodies(tree: ast.AST) -> Iterator[str]:
    """What each function does, whatever it, its arguments and its variables are called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            renamed = _Renamed(node).body
            if len(renamed) >= _BODY:
                yield renamed


class _Renamed(ast.NodeTransformer):
    """A function's body, with a number for each name that is the function's own."""

    def __init__(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        own = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                own.add(node.id)
            elif isinstance(node, ast.arg):
                own.add(node.arg)
        self.own = own
        self.numbers: dict[str, str] = {}
        body = function.body[1:] if ast.get_docstring(function) else function.body
        copied = [self.visit(copy.deepcopy(statement)) for statement in body]
        self.body = squeeze("\n".join(ast.unparse(statement) for statement in copied))

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self._number(node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.arg, node.annotation = self._number(node.arg), None
        return node

    def _number(self, name: str) -> str:
        return self.numbers.setdefault(name, f"v{len(self.numbers)}") if name in self.own else name


def _read(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path}: can't be audited: {error}") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")

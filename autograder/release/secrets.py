"""What of a course must not be handed out, line by line, and how a line of it is recognised.

Secret are the solutions, the hidden checks, the known mistakes, the alternatives, the excused
mutants and the weakest trainings. What is compared are lines without their white space, as they
stand and in Python's normal form, and whole bodies of functions with their variables renamed. A
line says nothing if it is short, mere punctuation, an import, or stands outside of the secrets as
well.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec

import autograder
from autograder.course import Assignment, Course, read_toml
from autograder.errors import CourseError
from autograder.release.bodies import bodies
from autograder.release.lines import Finder, Lines, Part, copied, telling, without
from autograder.release.markers import read_pairs
from autograder.release.pages import Page, parse

_IDIOM = 3  # successive lines that the toolkit has in common with a course by no chance
_HEADER = re.compile(r"^\s*((async\s+)?def|class)\s.*$", re.M)
_NOTHING = re.compile("(?!)")


class Leak(NamedTuple):
    """A secret that was found: its line, and where it comes from."""

    line: str
    source: str


class Secrets:
    """The secrets of a course.

    Args:
        lines: telling lines, and where they come from.
        bodies: what functions do, and where they come from.
    """

    def __init__(self, lines: Lines, bodies: Mapping[str, str]) -> None:
        self.lines = lines
        self.bodies = bodies
        self._finder = Finder(lines)

    def find(self, page: Page) -> Leak | None:
        """The first secret of the page, None where there is none."""
        for line in self._finder.find(page):
            return Leak(line, self.lines[line])
        for tree in page.trees:
            for name, body in bodies(tree):
                if body in self.bodies:
                    return Leak(f"function {name}", self.bodies[body])
        return None


def read_secrets(course: Course) -> Secrets:
    """The secrets of a course.

    Raises:
        CourseError: a file can't be read, or its marks are wrong.
    """
    given, parts = _references(course)
    wrong: Lines = {}
    hidden: list[Part] = []
    for assignment in course.assignments:
        parts += _right(assignment)
        wrong |= _wrong(assignment)
        hidden += _hidden(assignment)
    public = [Page("test_public.py", text.encode()) for text in _public_code(course)]
    toolkit = toolkit_pages()
    shared = {line for page in public for reading in page.readings for line in telling(reading)}
    lines = _lines(parts, shared - copied(public, parts, run=2))
    # a check that was made public is public, wherever it was copied from, and so is a wrong line
    lines = without([given, *public], _lines(hidden, set()) | without(toolkit, wrong)) | lines
    told = without(toolkit, lines).keys() | copied(toolkit, [*parts, *hidden], run=_IDIOM)
    lines = {line: where for line, where in lines.items() if line in told}
    known = {body for page in (given, *public) for tree in page.trees for _, body in bodies(tree)}
    secret = {body: where for body, where in _secret_bodies(course) if body not in known}
    return Secrets(without([given], lines), secret)


@cache
def toolkit_pages() -> tuple[Page, ...]:
    """What the toolkit itself shows to everybody, by its name in the wheel."""
    package = Path(autograder.__file__).parent
    paths = [path for path in sorted(package.rglob("*")) if path.is_file()]
    pages = [
        Page(path.relative_to(package.parent).as_posix(), path.read_bytes())
        for path in paths
        if "__pycache__" not in path.parts
    ]
    readme = package.parent / "README.md"
    return (*pages, Page(readme.name, readme.read_bytes())) if readme.is_file() else (*pages,)


def _references(course: Course) -> tuple[Page, list[Part]]:
    """What the references show, and each solution, as it stands and in normal form."""
    given: list[str] = []
    parts: list[Part] = []
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


def _lines(parts: Iterable[Part], but: set[str]) -> Lines:
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


def _right(assignment: Assignment) -> Iterator[Part]:
    """The alternatives of a stage, and its weakest trainings; how functions are called is given."""
    for path in _whole_files(assignment):
        yield from _both_forms(_read(path), f"a line of {_name(assignment, path)}", but=_HEADER)


def _hidden(assignment: Assignment) -> Iterator[Part]:
    path = assignment.folder / "test_hidden.py"
    if path.is_file():
        yield from _both_forms(_read(path), f"a line of {_name(assignment, path)}")


def _both_forms(source: str, where: str, but: re.Pattern[str] = _NOTHING) -> Iterator[Part]:
    tree = parse(source)
    for text in (source, ast.unparse(tree) if tree else ""):
        yield [(line, where) for line in telling(but.sub("", text))]


def _whole_files(assignment: Assignment) -> list[Path]:
    weakest = assignment.folder / "weakest.py"
    found = sorted((assignment.folder / "alternatives").glob("*.py"))
    return [*found, weakest] if weakest.is_file() else found


def _name(assignment: Assignment, path: Path) -> str:
    return f"assignments/{assignment.stage}/{path.relative_to(assignment.folder).as_posix()}"


def _in_normal_form(source: str, where: str) -> Part:
    tree = parse(source)
    return [(line, where) for line in telling(ast.unparse(tree))] if tree else []


def _public_code(course: Course) -> Iterator[str]:
    for assignment in course.assignments:
        for path in (assignment.folder / "test_public.py", assignment.folder / "probes.py"):
            if path.is_file():
                yield _read(path)


def _secret_bodies(course: Course) -> Iterator[tuple[str, str]]:
    for assignment in course.assignments:
        sources = [(assignment.reference, f"solutions/{assignment.module}")]
        sources += [(path, _name(assignment, path)) for path in _whole_files(assignment)]
        for path, name in sources:
            tree = parse(_read(path))
            for function, body in bodies(tree) if tree else ():
                yield body, f"{function} of {name}, renamed"


def _read(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path}: can't be audited: {error}") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")

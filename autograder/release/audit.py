"""Proof that a release holds nothing secret: it fails closed and names the file and the line.

What is compared are lines without their white space, so that a line that was indented otherwise or
wrapped is found too. A line says nothing about a solution if it is short, mere punctuation, an
import, or stands outside of the solutions as well.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from autograder.course import Course
from autograder.errors import CourseError
from autograder.release.markers import read_pairs

_SECRET_NAMES = {"hidden", "test_hidden", "mistakes", "alternatives", "equivalent", "solutions"}
_SHORT = 12  # characters below which a line is nobody's secret
_LONG = 24  # characters from which a line is found in the middle of others too
_IMPORT = re.compile(r"(import|from\s+\S+\s+import)\s")

Secrets = dict[str, str]  # a telling line -> where it comes from


def audit(course: Course, files: Mapping[str, bytes]) -> None:
    """Refuse a release that would hand out a secret.

    Args:
        course: the instructor's course.
        files: the release, as `student_files` makes it.

    Raises:
        CourseError: a file bears the name of something secret, or holds a line of a solution or
            of a hidden check.
    """
    for name in files:
        if secret := _secret_part(name):
            raise CourseError(f"{name}: {secret!r} is not for students")
    secrets = _secrets(course)
    for name, content in files.items():
        text = content.decode("utf-8", errors="ignore")  # pictures have no lines to find
        lines, run_together = set(_telling(text)), _squeeze(text)
        for line, source in secrets.items():
            if _holds(lines, run_together, line):
                raise CourseError(f"{name} would hand out {source}: {line}")


def _secret_part(name: str) -> str | None:
    stems = [part.split(".")[0].lower() for part in PurePosixPath(name).parts]
    return next((stem for stem in stems if stem in _SECRET_NAMES), None)


def _secrets(course: Course) -> Secrets:
    """The lines that must not be handed out."""
    given, solutions = _references(course)
    public = list(_public_code(course))
    shared = _shared_by_chance(public, solutions)
    secrets = {line: where for part in solutions for line, where in part if line not in shared}
    # a check that was made public is public, wherever it was copied from
    given_checks = "\n".join([given, *public])
    secrets |= _without(given_checks, _hidden_lines(course))
    return _without(given, secrets)


def _references(course: Course) -> tuple[str, list[list[tuple[str, str]]]]:
    """What the references show, and the telling lines of each solution with where they stand."""
    given: list[str] = []
    solutions = []
    for assignment in course.assignments:
        file = f"solutions/{assignment.module}"
        source = _read(assignment.reference)
        lines = source.split("\n")
        start = 0
        for pair in read_pairs(source, file):
            given += lines[start : pair.begin - 1]
            start = pair.end
            solution = []
            for number in range(pair.begin, pair.end - 1):
                where = f"line {number + 1} of {file}"
                solution += [(line, where) for line in _telling(lines[number])]
            solutions.append(solution)
        given += lines[start:]
    return "\n".join(given), solutions


def _public_code(course: Course) -> Iterator[str]:
    for assignment in course.assignments:
        for path in (assignment.folder / "test_public.py", assignment.folder / "probes.py"):
            if path.is_file():
                yield _read(path)


def _hidden_lines(course: Course) -> Secrets:
    secrets: Secrets = {}
    for assignment in course.assignments:
        path = assignment.folder / "test_hidden.py"
        if path.is_file():
            where = f"a line of assignments/{assignment.stage}/test_hidden.py"
            secrets |= dict.fromkeys(_telling(_read(path)), where)
    return secrets


def _shared_by_chance(
    public: Iterable[str], solutions: Iterable[list[tuple[str, str]]]
) -> set[str]:
    """Lines that public checks and a solution both have, and that give nothing away.

    A loop header may well be in both. Two successive lines of one solution are no chance, nor is a
    line that is the whole of one.
    """
    steps: set[tuple[str, str]] = set()
    whole: set[str] = set()
    for solution in solutions:
        lines = [line for line, _ in solution]
        steps.update(itertools.pairwise(lines))
        whole.update(lines if len(lines) == 1 else [])
    shared: set[str] = set()
    copied = set(whole)
    for text in public:
        lines = list(_telling(text))
        shared.update(lines)
        copied.update(line for step in itertools.pairwise(lines) if step in steps for line in step)
    return shared - copied


def _without(text: str, secrets: Secrets) -> Secrets:
    lines, run_together = set(_telling(text)), _squeeze(text)
    return {line: where for line, where in secrets.items() if not _holds(lines, run_together, line)}


def _holds(lines: set[str], run_together: str, line: str) -> bool:
    return line in lines or (len(line) >= _LONG and line in run_together)


def _telling(text: str) -> Iterator[str]:
    for line in text.splitlines():
        # what quotes a line in a handout or a comment does not hide it
        squeezed = _squeeze(line).strip("#>`*-")
        if (
            len(squeezed) >= _SHORT
            and re.search(r"\w", squeezed)
            and not _IMPORT.match(line.strip())
        ):
            yield squeezed


def _squeeze(text: str) -> str:
    return "".join(text.split())


def _read(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path}: can't be audited: {error}") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")

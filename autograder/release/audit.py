"""Proof that a release holds nothing that it must not: it fails closed and names file and line.

`secrets` knows what of a course is secret, `hygiene` what nobody should get, `unfold` looks into
archives and encodings. Here they come together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import autograder
from autograder.course import Course
from autograder.errors import CourseError
from autograder.release.hygiene import fault_of_name, faults_inside
from autograder.release.pages import Page
from autograder.release.secrets import Secrets, read_secrets
from autograder.release.unfold import unfold_page

_SHOWN = 100  # characters of a line that is found
# what a wheel holds beside the package
_ABOUT = ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")

_Found = tuple[str, str]  # where in a file, and a finding in words that follow the name


def audit(course: Course, files: Mapping[str, bytes]) -> None:
    """Refuse a release that would hand out to students what they must not get.

    Args:
        course: the instructor's course.
        files: the release, as `student_files` makes it.

    Raises:
        CourseError: the first thing that is found.
    """
    for sentence in Auditor(course).findings(files, for_students=True):
        raise CourseError(sentence)


class Auditor:
    """Audits releases of one course; a file that is in several of them is read once.

    Args:
        course: the instructor's course. What is secret in any of its stages is secret.
    """

    def __init__(self, course: Course) -> None:
        self.course = course
        self.own = (course.root, Path(autograder.__file__).parents[1])
        self._secrets: Secrets | None = None
        self._known: dict[tuple[str, bytes, bool], list[_Found]] = {}

    @property
    def secrets(self) -> Secrets:
        """The course's secrets, read when they are first wanted."""
        if self._secrets is None:
            self._secrets = read_secrets(Course.load(self.course.root))
        return self._secrets

    def findings(self, files: Mapping[str, bytes], *, for_students: bool) -> Iterator[str]:
        """What is wrong with a release, a sentence each.

        Args:
            files: paths with forward slashes, and contents.
            for_students: a platform that grades gets the course's secrets, and they do not.

        Raises:
            CourseError: the course can't be read.
        """
        for name, content in files.items():
            path = PurePosixPath(name)
            if fault := fault_of_name(name, for_students=for_students):
                yield f"{name} {fault}"
            key = (path.name, hashlib.sha256(content).digest(), for_students)
            if key not in self._known:
                self._known[key] = list(self._inside(Page(path.name, content), for_students))
            yield from (f"{name}{where} {finding}" for where, finding in self._known[key])

    def _inside(self, file: Page, for_students: bool) -> Iterator[_Found]:
        for page in unfold_page(file):
            where = page.name.removeprefix(file.name)
            # every name counts, however deep; the file's own has been judged
            of_name = where and fault_of_name(where, for_students=for_students)
            if of_name and not _is_the_toolkits(page):
                yield where, of_name
            if foreign := _foreign(page):
                yield where, foreign
            for fault in faults_inside(page, for_students=for_students, own=self.own):
                yield where, fault
            if for_students and (leak := self.secrets.find(page)):
                line = leak.line if len(leak.line) <= _SHOWN else f"{leak.line[:_SHOWN]}…"
                yield where, f"would hand out {leak.source}: {line}"


def _foreign(page: Page) -> str | None:
    """Whether a page in a wheel belongs there: it holds the toolkit, and no course."""
    _, in_wheel, name = page.name.rpartition(".whl/")
    if not in_wheel or _is_the_toolkits(page):
        return None
    about, _, rest = name.partition(".dist-info/")
    if about.startswith("autograder-") and rest in _ABOUT:
        return None
    return "is no file of this toolkit: its wheel holds nothing else"


def _is_the_toolkits(page: Page) -> bool:
    _, in_wheel, name = page.name.rpartition(".whl/")
    file = Path(autograder.__file__).parents[1] / name
    is_there = in_wheel and name.startswith("autograder/") and ".." not in name and file.is_file()
    return bool(is_there) and file.read_bytes() == page.content

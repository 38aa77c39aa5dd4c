"""Proof that a release holds nothing that it must not: it fails closed and names file and line.

`secrets` knows what of a course is secret, `hygiene` what nobody should get, `unfold` looks into
archives and encodings. Here they come together.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import autograder
from autograder.course import Course
from autograder.errors import CourseError
from autograder.release.hygiene import fault_of_name, faults_inside
from autograder.release.pages import Page
from autograder.release.secrets import Secrets, read_secrets, toolkit_pages
from autograder.release.targets import Target
from autograder.release.unfold import inside

_SHOWN = 100  # characters of a line that is found
_DEPTH = 8  # archives in archives
# what a wheel holds beside the package
_ABOUT = re.compile(
    r"/autograder-[^/]+\.dist-info/(METADATA|WHEEL|RECORD|entry_points\.txt|licenses/LICENSE)"
)

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
        pages = toolkit_pages()
        self._toolkit = {f"/{page.name}": page.content for page in pages}
        self._ready = {(PurePosixPath(p.name).name, p.content): p for p in pages}
        self._known: dict[tuple[str, bytes, bool], list[_Found]] = {}

    @property
    def secrets(self) -> Secrets:
        """The course's secrets, read when they are first wanted."""
        if self._secrets is None:
            self._secrets = read_secrets(Course.load(self.course.root))
        return self._secrets

    def findings_of(
        self, target: Target, files: Mapping[str, bytes], below: str = ""
    ) -> Iterator[str]:
        """What is wrong with a target's files; each is judged by who gets it.

        Args:
            target: what they are.
            files: paths with forward slashes, and contents.
            below: what stands before the target's own paths: ``otter/``.

        Raises:
            CourseError: the course can't be read.
        """
        for name, content in files.items():
            given = target.gives(name.removeprefix(below))
            yield from self.findings({name: content}, for_students=given)

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
            if of_name := fault_of_name(name, for_students=for_students):
                yield f"{name} {of_name}"
            for where, finding in self._judge(path.name, content, for_students):
                yield f"{name}{where} {finding}"

    def _judge(self, name: str, content: bytes, for_students: bool, depth: int = 0) -> list[_Found]:
        """What is wrong with a file and all that is in it, whatever folder it lies in."""
        key = (name, hashlib.sha256(content).digest(), for_students)
        if key not in self._known:
            # the toolkit's own pages have been read already
            page = self._ready.get((name, content)) or Page(name, content)
            self._known[key] = list(self._read(page, for_students, depth))
        return self._known[key]

    def _read(self, page: Page, for_students: bool, depth: int) -> Iterator[_Found]:
        for fault in faults_inside(page, for_students=for_students, own=self.own):
            yield "", fault
        if for_students and (leak := self.secrets.find(page)):
            line = leak.line if len(leak.line) <= _SHOWN else f"{leak.line[:_SHOWN]}…"
            yield "", f"would hand out {leak.source}: {line}"
        for inner in inside(page):
            where = inner.name.removeprefix(page.name)
            if inner.fault or depth == _DEPTH:
                yield where, inner.fault or "is packed too deep to be looked into"
                continue
            is_ours = page.name.endswith(".whl") and inner.content == self._toolkit.get(where)
            if page.name.endswith(".whl") and not is_ours and not _ABOUT.fullmatch(where):
                yield where, "is no file of this toolkit: its wheel holds nothing else"
            elif not is_ours and (of_name := fault_of_name(where, for_students=for_students)):
                yield where, of_name
            name = PurePosixPath(where).name or page.name
            for deeper, finding in self._judge(name, inner.content, for_students, depth + 1):
                yield where + deeper, finding

"""What can be released: each target is a function of a course and of the toolkit's wheel.

A target's module is imported only when it is made, so that each brings its own libraries. It lands
in the release folder as a folder, as a zip file, or as both.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograder.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograder.course import Course
    from autograder.release.wheel import Wheel


@dataclass(frozen=True)
class Target:
    """One thing to hand out.

    `for_students`: nothing secret may be in it. A platform that grades needs all of the course;
    `handout` is the folder in such a release that instructors hand on to students.
    """

    name: str
    function: str  # in the module of `autograder.release` that bears the target's name
    folder: bool
    archive: bool
    for_students: bool
    handout: str | None = None

    def gives(self, name: str) -> bool:
        """Whether students get a file of it."""
        return self.for_students or bool(self.handout and name.startswith(self.handout))

    @property
    def artefacts(self) -> tuple[str, ...]:
        """Its names in a release folder; that of a folder ends with a slash."""
        both = (f"{self.name}/" if self.folder else "", f"{self.name}.zip" if self.archive else "")
        return tuple(filter(None, both))

    def make(self, course: Course, wheel: Wheel) -> dict[str, bytes]:
        """Its files: paths with forward slashes, sorted, and their contents.

        Raises:
            CourseError: a file of the course is missing or wrong.
            InputError: a library that it needs is missing.
        """
        module = importlib.import_module(f"autograder.release.{self.name}")
        files: dict[str, bytes] = getattr(module, self.function)(course, wheel)
        return dict(sorted(files.items()))


TARGETS = {
    target.name: target
    for target in (
        Target("student", "student_release", folder=True, archive=True, for_students=True),
        Target("notebook", "notebook_files", folder=True, archive=True, for_students=True),
        Target("gradescope", "gradescope_files", folder=False, archive=True, for_students=False),
        Target(
            "otter",
            "otter_files",
            folder=True,
            archive=False,
            for_students=False,
            handout="for-students/",
        ),
        Target("docker", "docker_files", folder=True, archive=False, for_students=False),
    )
}


def find_targets(names: Sequence[str]) -> list[Target]:
    """The targets of these names in the order of the table; all of them where none is named.

    Raises:
        InputError: there is no such target.
    """
    for name in names:
        if name not in TARGETS:
            there = ", ".join(TARGETS)
            raise InputError(f"--target {name}: there is no such release; there are: {there}")
    return [target for target in TARGETS.values() if not names or target.name in names]

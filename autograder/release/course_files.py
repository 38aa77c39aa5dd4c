"""The course as a platform needs it to grade: with all that is secret, without the rest.

A grading machine gets this, never a student.
"""

from __future__ import annotations

from pathlib import Path

from autograder.course import Assignment, Course
from autograder.errors import CourseError
from autograder.release.course_toml import course_toml

# What grading does not read: what students read, and what `verify` and `matrix` do. All else in a
# stage's folder goes along, since a check may read a file beside it.
_NOT_GRADED_WITH = {"handout.md", "equivalent.toml", "alternatives"}
_PICTURES = {".svg", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".ipynb", ".pyc"}
_TEXTS = {".py", ".toml", ".md", ".txt", ".csv", ".json"}


def course_files(course: Course) -> dict[str, bytes]:
    """The files that grade a course: paths below ``course/``, sorted, and contents.

    ``course/assignments/course.toml`` lists the selected stages only.

    Args:
        course: the instructor's course, or some stages of it (`Course.select`).

    Raises:
        CourseError: a file can't be read.
    """
    files = {"assignments/course.toml": course_toml(course)}
    for assignment in course.assignments:
        for path in _graded_with(assignment):
            files[_name(course, path)] = _content(course, path)
    for path in _references(course):
        files[_name(course, path)] = _content(course, path)
    return {f"course/{name}": files[name] for name in sorted(files)}


def constraints(course: Course) -> bytes | None:
    """The versions that a course was tested with (``constraints.txt``), None where it has none.

    Raises:
        CourseError: the file can't be read.
    """
    path = course.root / "constraints.txt"
    return _content(course, path) if path.is_file() else None


def _graded_with(assignment: Assignment) -> list[Path]:
    return [
        path
        for path in sorted(assignment.folder.rglob("*"))
        if path.is_file()
        and not _is_left_out(path.relative_to(assignment.folder))
        and path.suffix not in _PICTURES
    ]


def _is_left_out(path: Path) -> bool:
    return path.parts[0] in _NOT_GRADED_WITH or any(
        part.startswith((".", "__pycache__")) for part in path.parts
    )


def _references(course: Course) -> list[Path]:
    """The selected stages' references, and what may lie beside them that they import."""
    folder = course.root / "assignments"
    stages = {path.parent.name for path in folder.glob("*/assignment.toml")} - {*course.stages}
    missing = [a.reference for a in course.assignments if not a.reference.is_file()]
    if missing:
        raise CourseError(f"{_name(course, missing[0])} is missing: nothing is graded without it")
    found = (course.root / "solutions").glob("*.py")
    return sorted(path for path in found if path.stem not in stages)


def _content(course: Course, path: Path) -> bytes:
    """A file's bytes; texts with LF at their line ends, on every system."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CourseError(f"{_name(course, path)}: can't be read: {error.strerror}") from error
    if path.suffix in _TEXTS:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return content


def _name(course: Course, path: Path) -> str:
    return path.relative_to(course.root).as_posix()

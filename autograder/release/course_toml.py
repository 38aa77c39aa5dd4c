"""The ``course.toml`` of a release: that of the course, with only the stages that are released."""

from __future__ import annotations

import tomlkit
from tomlkit.exceptions import ParseError

from autograder.course import Course
from autograder.errors import CourseError


def course_toml(course: Course) -> bytes:
    """The file, with LF at its line ends and with the numbers that stages have in the course.

    Args:
        course: the instructor's course, or some stages of it (`Course.select`).

    Raises:
        CourseError: it can't be read.
    """
    path = course.root / "assignments" / "course.toml"
    try:
        text = path.read_text(encoding="utf-8")
        file = tomlkit.parse(text)
    except (OSError, UnicodeDecodeError, ParseError) as error:
        raise CourseError(f"assignments/course.toml: can't be read: {error}") from error
    if list(file["stages"]) != list(course.stages):
        file.update({"stages": [*course.stages], "numbers": [a.number for a in course.assignments]})
        text = tomlkit.dumps(file)
    return text.encode()

"""The zip that an instructor uploads to Gradescope, as an assignment's autograder.

Gradescope unpacks it into ``/autograder/source``, runs ``setup.sh`` once to build an image, and
``run_autograder`` in a new container of that image for each submission.
"""

from __future__ import annotations

import re
import shlex
from importlib.resources import files as resources
from pathlib import Path

import autograder
from autograder.course import Course
from autograder.errors import InputError
from autograder.release.course_files import course_files
from autograder.release.wheel import Wheel

_CONSTRAINTS = "constraints.txt"


def gradescope_files(course: Course, wheel: Wheel) -> dict[str, bytes]:
    """The files of the zip: paths with forward slashes, sorted, and contents.

    Args:
        course: what submissions are graded on there; `Course.select` leaves stages out.
        wheel: the toolkit.

    Raises:
        CourseError: a file of the course can't be read.
        InputError: there is no ``constraints.txt``, neither the course's nor the toolkit's.
    """
    constraints = _constraints(course)
    seconds = round(60 * course.gradescope.minutes)
    setup = {
        "WHEEL": shlex.quote(wheel.name),
        "TORCH": shlex.quote(_pinned(constraints, "torch")),
        "PIP_OPTIONS": shlex.join(course.gradescope.pip),
    }
    files = {
        **course_files(course),
        wheel.name: wheel.content,
        _CONSTRAINTS: constraints.encode(),
        "setup.sh": _script("gradescope_setup.sh", setup),
        "run_autograder": _script("gradescope_run.sh", {"SECONDS": str(seconds - 10)}),
    }
    return dict(sorted(files.items()))


def _constraints(course: Course) -> str:
    """The course's, or else those that the toolkit was tested with."""
    for folder in (course.root, Path(autograder.__file__).resolve().parents[1]):
        if (folder / _CONSTRAINTS).is_file():
            return (folder / _CONSTRAINTS).read_text(encoding="utf-8")
    raise InputError(
        f"{course.root / _CONSTRAINTS} is missing: a Gradescope image is built of the versions "
        "that it pins, torch among them"
    )


def _pinned(constraints: str, name: str) -> str:
    """The version that a library is pinned to; empty where it is not."""
    found = re.search(rf"^{name}\s*==\s*([^\s;#+]+)", constraints, re.MULTILINE)
    return found.group(1) if found else ""


def _script(name: str, values: dict[str, str]) -> bytes:
    text = (resources("autograder.release") / "templates" / name).read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text.replace("\r\n", "\n").encode()

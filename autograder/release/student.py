"""What students are handed out: stubs, handouts and public checks, and nothing else.

`student_files` makes it, `student_release` adds the toolkit and how to install it, `audit` proves
that nothing secret is in it, `write_release` writes it and `differences` compares it with what is
there.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path, PurePosixPath

from autograder.course import Assignment, Course
from autograder.errors import CourseError
from autograder.release.audit import audit
from autograder.release.course_toml import course_toml
from autograder.release.folder import differences, write_release
from autograder.release.strip import strip
from autograder.release.texts import gitignore, pyproject, readme, requirements, workflow
from autograder.release.wheel import Wheel

__all__ = ["audit", "differences", "student_files", "student_release", "write_release"]

# only what is named here is handed out
_NEEDED = ("assignment.toml", "handout.md")
_OPTIONAL = ("test_public.py", "probes.py", "calibration.toml")
_PICTURES = (".svg", ".png", ".jpg", ".jpeg", ".gif", ".webp")
_CONSTRAINTS = "constraints.txt"

_LINK = re.compile(
    r"""!\[[^\]]*\]\(\s*<?([^)\s>]+)        # ![text](picture.svg)
      | <img\s[^>]*?src=["']([^"']+)["']    # <img src="picture.svg">
      | ^\s{0,3}\[[^\]]+\]:\s*<?([^\s>]+)   # [text]: picture.svg
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)


def student_files(course: Course) -> dict[str, bytes]:
    """The files of the student release: paths with forward slashes, sorted, and their contents.

    Args:
        course: the instructor's course, with its references.

    Raises:
        CourseError: a file is missing, or a reference can't be made into a stub.
    """
    files: dict[str, bytes] = {"assignments/course.toml": course_toml(course)}
    if (course.root / _CONSTRAINTS).is_file():
        files[_CONSTRAINTS] = _text(course.root, course.root / _CONSTRAINTS)
    for assignment in course.assignments:
        files[assignment.module] = _stub(course, assignment).encode()
        files.update(_stage_files(course, assignment))
    files["README.md"] = readme(course, constraints=_CONSTRAINTS in files).encode()
    files["pyproject.toml"] = pyproject(course).encode()
    return dict(sorted(files.items()))


def student_release(course: Course, wheel: Wheel) -> dict[str, bytes]:
    """The student release with all that it takes to run it: `student_files` and the toolkit.

    Args:
        course: the instructor's course, or some stages of it (`Course.select`).
        wheel: the toolkit.

    Raises:
        CourseError: a file is missing, or a reference can't be made into a stub.
    """
    files = student_files(course)
    pinned = _CONSTRAINTS in files
    texts = {
        "README.md": readme(course, constraints=pinned, wheel=wheel.name),
        "requirements.txt": requirements(wheel.name, constraints=pinned),
        ".gitignore": gitignore(),
        ".github/workflows/public-checks.yml": workflow(),
    }
    files |= {name: text.encode() for name, text in texts.items()}
    files[f"toolkit/{wheel.name}"] = wheel.content
    return dict(sorted(files.items()))


def _stub(course: Course, assignment: Assignment) -> str:
    file = _name(course.root, assignment.reference)
    source = _text(course.root, assignment.reference).decode()
    stub = strip(source, file)
    defined = {
        node.name
        for node in ast.parse(stub).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    for exercise in assignment.exercises:
        for name in exercise.names:
            if name not in defined:
                raise CourseError(
                    f"{file}: no function or class {name} at the top of the stub, which exercise "
                    f"{exercise.name!r} of stage {assignment.stage!r} asks for"
                )
    return stub


def _stage_files(course: Course, assignment: Assignment) -> dict[str, bytes]:
    folder = assignment.folder
    paths = [folder / name for name in _NEEDED]
    paths += [folder / name for name in _OPTIONAL if (folder / name).is_file()]
    files = {_name(course.root, path): _text(course.root, path) for path in paths}
    for picture in _pictures(course, folder / "handout.md"):
        name = f"assignments/{assignment.stage}/{picture}"
        if PurePosixPath(picture).suffix.lower() == ".svg":
            files[name] = _text(course.root, folder / picture)
        else:
            files[name] = (folder / picture).read_bytes()
    return files


def _pictures(course: Course, handout: Path) -> list[str]:
    """The picture files beside a handout that it shows; pictures on the web are left alone."""
    where = _name(course.root, handout)
    found = []
    for groups in _LINK.findall(_text(course.root, handout).decode()):
        link = next(filter(None, groups))
        path = PurePosixPath(link)
        if path.suffix.lower() not in _PICTURES or "://" in link or link.startswith("//"):
            continue
        file = (handout.parent / path).resolve()
        # the resolved path, so that neither `..` nor a link brings in what lies elsewhere
        if not file.is_relative_to(handout.parent.resolve()):
            raise CourseError(f"{where}: the picture {link} is outside of the stage's folder")
        if not file.is_file():
            raise CourseError(f"{where}: the picture {link} is missing")
        found.append(file.relative_to(handout.parent.resolve()).as_posix())
    return found


def _text(root: Path, path: Path) -> bytes:
    """A text file's contents as UTF-8 with LF at its line ends, on every system."""
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise CourseError(f"{_name(root, path)}: not UTF-8 text ({error.reason})") from error
    except OSError as error:
        raise CourseError(f"{_name(root, path)}: can't be read: {error.strerror}") from error
    return text.replace("\r\n", "\n").replace("\r", "\n").encode()


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)

"""The course as notebooks: one for each stage, with its handout, its stubs and cells that check.

A notebook stands alone as far as reading goes: the handout's pictures are in it. To check, it lies
beside ``assignments/``, as in the release, in an environment that has the toolkit.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from autograder.course import Assignment, Course, Exercise
from autograder.errors import InputError
from autograder.release.student import student_files
from autograder.release.texts import table_cell
from autograder.release.wheel import Wheel
from autograder.text import points_text

_PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)\s:]+)\)")
_TYPES = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}

_README = """\
# {title}, in notebooks

Each notebook has a stage's handout, its exercises to complete, and cells that check them.

## Start

In this folder, with Python 3.11 or newer, in an environment of its own (`python -m venv .venv`):

```
python -m pip install {pinned}toolkit/{wheel} jupyterlab{otter}
jupyter lab {first}.ipynb
```

Other programs for notebooks will do as well: open the notebook where it is, beside `assignments/`.

| | notebook | what it is about | points |
|---|---|---|---|
{stages}
| | | total | {points} |

Run the cells from top to bottom with Shift+Enter. Under each exercise stands a cell that checks it:
run the exercise's cell after an edit, then that one.

## Handing in

Hand in the notebooks under their names. Your functions and classes are taken from the cells in
their order, with the imports, helpers and constants that they use. What you try out in other cells
is not run, so no function may lean on a variable of an experiment; the checks here tell you if one
does. A cell that Python can't read is left out, and the result says so.
"""

_HOW = """\
## How this notebook works

Run the cells from top to bottom with Shift+Enter. Each exercise has a cell to complete and, below,
a cell that runs its public checks. After an edit run the exercise's cell again, then the check.
Add cells to try things out as you like: they are not run when your work is graded.
"""

_STUDENTS_TEST = '''\
"""Exercise `{exercise}` of `{stage}`: its public checks, for `otter.Notebook().check`."""

from autograder.live import require
from otter.test_files import test_case

OK_FORMAT = False

name = "{name}"


@test_case(name="public checks", points={points})
def check():
    require("{stage}", "{exercise}")
'''


@dataclass(frozen=True)
class _Cell:
    text: str
    is_code: bool = True


def notebook_files(course: Course, wheel: Wheel, *, otter: bool = False) -> dict[str, bytes]:
    """The files of the release in notebooks: paths with forward slashes, sorted, and contents.

    Args:
        course: the instructor's course, or some stages of it.
        wheel: the toolkit.
        otter: the cells that check are otter-grader's.

    Raises:
        CourseError: a file is missing, or a reference can't be made into a stub.
        InputError: jupytext is missing.
    """
    handed_out = student_files(course)
    files = {
        name: content
        for name, content in handed_out.items()
        if name.startswith("assignments/") or name == "constraints.txt"
    }
    files["README.md"] = _readme(course, wheel, otter, "constraints.txt" in files).encode()
    files[f"toolkit/{wheel.name}"] = wheel.content
    for assignment in course.assignments:
        stub = handed_out[assignment.module].decode()
        home = f"assignments/{assignment.stage}/"
        handout = files.pop(f"{home}handout.md").decode()
        pictures = {name: files.pop(home + name) for name in _pictures(handout, home, files)}
        notebook = _notebook(assignment, _without_links(handout), stub, pictures, otter)
        files[f"{assignment.stage}.ipynb"] = notebook
        if otter:
            for exercise in assignment.exercises:
                name = _test_name(assignment, exercise)
                files[f"tests/{name}.py"] = _students_test(assignment, exercise).encode()
    return dict(sorted(files.items()))


def _readme(course: Course, wheel: Wheel, otter: bool, constraints: bool) -> str:
    stages = [
        f"| {a.number} | `{a.stage}.ipynb` | {table_cell(a.title)} | {points_text(a.points)} |"
        for a in course.assignments
    ]
    return _README.format(
        title=course.title,
        pinned="-c constraints.txt " if constraints else "",
        wheel=wheel.name,
        otter=" otter-grader" if otter else "",
        first=course.assignments[0].stage,
        stages="\n".join(stages),
        points=points_text(course.points),
    )


def _pictures(handout: str, home: str, files: dict[str, bytes]) -> list[str]:
    """The pictures of a handout that the release has."""
    links = dict.fromkeys(PurePosixPath(link).as_posix() for _, link in _PICTURE.findall(handout))
    return [link for link in links if home + link in files]


def _without_links(handout: str) -> str:
    """A link to a picture's file becomes one to what is attached to the cell."""
    return _PICTURE.sub(lambda m: f"![{m[1]}](attachment:{_flat(m[2])})", handout)


def _flat(link: str) -> str:
    return PurePosixPath(link).as_posix().replace("/", "-")


def _notebook(
    assignment: Assignment, handout: str, stub: str, pictures: dict[str, bytes], otter: bool
) -> bytes:
    try:
        import jupytext
        import nbformat
    except ModuleNotFoundError as error:
        raise InputError(
            "notebooks need jupytext and nbformat: python -m pip install jupytext nbformat"
        ) from error
    cells = [_Cell(handout, is_code=False), *_cells(assignment, stub, otter)]
    made: Any = jupytext.reads("".join(map(_percent, cells)), fmt="py:percent")
    made.cells[0]["attachments"] = {
        _flat(link): {_TYPES[PurePosixPath(link).suffix.lower()]: base64.b64encode(data).decode()}
        for link, data in pictures.items()
    }
    for i, cell in enumerate(made.cells):
        # known by what it holds: the same course makes the same notebook
        cell["id"] = hashlib.sha256(f"{i} {cell.source}".encode()).hexdigest()[:12]
        cell["metadata"] = {}
    made["metadata"] = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    made["nbformat"], made["nbformat_minor"] = 4, 5
    nbformat.validate(made)
    written: str = nbformat.writes(made)  # type: ignore[no-untyped-call]
    return (written.rstrip("\n") + "\n").encode()


def _percent(cell: _Cell) -> str:
    """A cell in jupytext's percent format."""
    if cell.is_code:
        return f"# %%\n{cell.text}\n\n"
    commented = "\n".join(f"# {line}".rstrip() for line in cell.text.rstrip("\n").split("\n"))
    return f"# %% [markdown]\n{commented}\n\n"


def _cells(assignment: Assignment, stub: str, otter: bool) -> Iterator[_Cell]:
    """What follows the handout: the stub, cut into cells, and in between cells that check it."""
    yield _Cell(_HOW, is_code=False)
    tree = ast.parse(stub)
    if contract := ast.get_docstring(tree):
        yield _Cell(f"## The exercises\n\n{contract}", is_code=False)
        tree.body.pop(0)
    yield _Cell(_BEGIN_OTTER if otter else "import autograder")
    owners = {name: exercise for exercise in assignment.exercises for name in exercise.names}
    left = {exercise.name: set(exercise.names) for exercise in assignment.exercises}
    waiting: list[str] = []
    for name, text in _statements(tree, stub):
        exercise = owners.get(name)
        if exercise is None:
            waiting.append(text)
            continue
        if waiting:
            yield _Cell("\n".join(waiting).strip("\n"))
            waiting = []
        if left[exercise.name] == set(exercise.names):
            yield _Cell(_heading(assignment, exercise), is_code=False)
        yield _Cell(text.strip("\n"))
        left[exercise.name].discard(name)
        if not left[exercise.name]:
            yield _Cell(_check(assignment, exercise, otter))
    if waiting:
        yield _Cell("\n".join(waiting).strip("\n"))
    yield _Cell(f"## All of `{assignment.stage}`", is_code=False)
    yield _Cell("grader.check_all()" if otter else f'autograder.check("{assignment.stage}")')


_BEGIN_OTTER = 'import otter\n\ngrader = otter.Notebook(tests_dir="tests")'


def _statements(tree: ast.Module, source: str) -> Iterator[tuple[str, str]]:
    """The name that each statement defines, empty if it is none, and its text with comments."""
    lines = source.split("\n")
    start = min((n.lineno for n in ast.walk(tree) if hasattr(n, "lineno")), default=1) - 1
    while start and lines[start - 1].startswith("#"):
        start -= 1
    for node in tree.body:
        assert node.end_lineno is not None
        yield getattr(node, "name", ""), "\n".join(lines[start : node.end_lineno])
        start = node.end_lineno


def _heading(assignment: Assignment, exercise: Exercise) -> str:
    number = assignment.exercises.index(exercise) + 1
    names = ", ".join(f"`{name}`" for name in exercise.names)
    points = f"{points_text(exercise.points)} point" + ("" if exercise.points == 1 else "s")
    return f"## {assignment.number}.{number} {names} ({points})"


def _check(assignment: Assignment, exercise: Exercise, otter: bool) -> str:
    if otter:
        return f'grader.check("{_test_name(assignment, exercise)}")'
    return f'autograder.check("{assignment.stage}", "{exercise.name}")'


def _test_name(assignment: Assignment, exercise: Exercise) -> str:
    """Two stages may have exercises of one name."""
    return f"{assignment.stage}_{exercise.name}"


def _students_test(assignment: Assignment, exercise: Exercise) -> str:
    return _STUDENTS_TEST.format(
        exercise=exercise.name,
        stage=assignment.stage,
        name=_test_name(assignment, exercise),
        points=points_text(exercise.points),
    )

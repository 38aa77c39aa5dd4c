"""The README and the settings of the student release, from the course's data."""

from __future__ import annotations

import re
from decimal import Decimal

from autograder.course import Course

_README = """\
# {title}

Each file below has functions and classes to complete: their names, arguments and docstrings are
given, their bodies are yours.

## Start

In this folder, with Python 3.11 or newer, in an environment of its own (`python -m venv .venv`):

```
{install}
python -m pytest
```

`PATH-TO-TOOLKIT` is the `autograder` package that your course hands out, a `.whl` file or a
folder. It comes from your course only: a package of that name elsewhere is another one.

## The stages

| | file | what it is about | points |
|---|---|---|---|
{stages}
| | | total | {points} |

Do them in this order. Read `assignments/<stage>/handout.md`, write the bodies, run `pytest`:

```
python -m pytest assignments/{first}    # one stage
python -m pytest -k {exercise}    # one exercise
python -m pytest -x    # stop at the first check that fails
python -m pytest --examples 500    # try more inputs
```

## Reading the result

The board at the end of a run has a line for each exercise, with its points:

| mark | it means |
|---|---|
| `·` | not implemented yet |
| `✗` | none of its checks pass |
| `◐` | some of its checks pass |
| `✓` | all of its checks pass |

For a check that fails you are shown the rule that is broken and a call that breaks it, the smallest
one found, with what your function returned and what was expected:

```
__________________ stage: area __________________
The area is a product of the sides, in any order.

area(2, 3)
    returned 5
    expected 6
```

The call is Python: paste it behind `from stage import *` and you have the case in your hands. For
tensors you are told what differs first: the shape, then the dtype, then the values, with the worst
index and the difference that is allowed. The same code gets the same result in every run.

The checks here are public. When your work is graded there are further ones, of the same rules and
of the cases that the handouts name, so read those too. Points follow from all of them.

## Handing in

Hand in the files of the table, at the top of a folder or of a zip file:

{modules}

What you leave out counts as not implemented. The checks that grade you are not those in your
folder: changing them changes nothing.
"""

_PYPROJECT = """\
# read by pytest; nothing here has to be installed

[project]
name = "{name}"
version = "0"
requires-python = ">=3.11"
# and `autograder`, the toolkit that the course hands out: see README.md
dependencies = ["torch", "torchvision", "numpy", "pytest", "hypothesis"]

[tool.pytest.ini_options]
testpaths = ["assignments"]
addopts = "-q --no-header -rN --import-mode=importlib"
autograder_submission = "."
"""


def readme(course: Course, *, constraints: bool) -> str:
    """The README of a student release.

    Args:
        course: the course.
        constraints: whether the release has a ``constraints.txt`` to install with.
    """
    pinned = "-c constraints.txt " if constraints else ""
    first = course.assignments[0]
    stages = [
        f"| {a.number} | [`{a.module}`]({a.module}) | {_cell(a.title)} | {_points(a.points)} |"
        for a in course.assignments
    ]
    return _README.format(
        title=course.title,
        install=f"python -m pip install {pinned}PATH-TO-TOOLKIT",
        stages="\n".join(stages),
        points=_points(course.points),
        first=first.stage,
        exercise=first.exercises[0].name,
        modules="\n".join(f"- `{assignment.module}`" for assignment in course.assignments),
    )


def pyproject(course: Course) -> str:
    """The pyproject.toml of a student release."""
    name = re.sub(r"[^a-z0-9]+", "-", course.title.lower()).strip("-")
    return _PYPROJECT.format(name=name or "course")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _points(points: Decimal) -> str:
    return f"{points.normalize():f}"

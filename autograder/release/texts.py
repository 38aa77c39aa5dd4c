"""The README and the settings of the student release, from the course's data."""

from __future__ import annotations

import re

from autograder.course import Course
from autograder.text import points_text

_README = """\
# {title}

Each file below has functions and classes to complete: their names, arguments and docstrings are
given, their bodies are yours.

## Start

{start}
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

_START_WITH_A_TOOLKIT = """\
In this folder, with Python 3.11 or newer, in an environment of its own (`python -m venv .venv`):

```
python -m pip install {pinned}PATH-TO-TOOLKIT
python -m pytest
```

`PATH-TO-TOOLKIT` is the `autograder` package that your course hands out, a `.whl` file or a
folder. It comes from your course only: a package of that name elsewhere is another one.
"""

_START = """\
With Python 3.11 or newer, make an environment for the course in this folder, and enter it:

| in | type |
|---|---|
| macOS, Linux | `python3 -m venv .venv && source .venv/bin/activate` |
| Windows, Command Prompt | `py -m venv .venv && .venv\\Scripts\\activate` |
| Windows, PowerShell | `py -m venv .venv; .venv\\Scripts\\Activate.ps1` |

Then two commands, the same everywhere. The first is for once, and takes some minutes:

```
python -m pip install -r requirements.txt
python -m pytest
```

On Linux, pip fetches PyTorch with all that a GPU wants, some gigabytes. You need no GPU here: the
build for CPUs is a tenth of that. Install it first, as PyTorch's own installation page says.
For Macs with an Intel processor there is no current PyTorch; use another machine.

`toolkit/` holds the checks' own package, `autograder`. It comes from your course only: a package of
that name elsewhere is another one.
"""

_REQUIREMENTS = """\
# in this folder: python -m pip install -r requirements.txt
{constraints}./toolkit/{wheel}
"""

_GITIGNORE = """\
.venv/
__pycache__/
.pytest_cache/
.hypothesis/
.ipynb_checkpoints/
"""

_WORKFLOW = """\
# Runs the public checks whenever you push to GitHub; green once all of them pass.
name: public checks
on: [push, workflow_dispatch]
permissions:
  contents: read
jobs:
  pytest:
    runs-on: ubuntu-latest
    timeout-minutes: 20
    env:
      # PyTorch's build for CPUs is a tenth of the size: put the address that its installation page
      # shows for pip and CPU into this variable of the repository (Settings, Actions, Variables)
      PIP_EXTRA_INDEX_URL: ${{ vars.PYTORCH_CPU_INDEX }}
    steps:
      - uses: actions/checkout@v7
      - uses: actions/setup-python@v7
        with:
          python-version: "3.11"
          cache: pip
          cache-dependency-path: requirements.txt
      - run: python -m pip install -r requirements.txt
      - run: python -m pytest
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


def readme(course: Course, *, constraints: bool, wheel: str | None = None) -> str:
    """The README of a student release.

    Args:
        course: the course.
        constraints: whether the release has a ``constraints.txt`` to install with.
        wheel: the toolkit's wheel in the release; None: it is handed out apart.
    """
    pinned = "-c constraints.txt " if constraints else ""
    start = _START_WITH_A_TOOLKIT.format(pinned=pinned) if wheel is None else _START
    first = course.assignments[0]
    stages = [
        f"| {a.number} | [`{a.module}`]({a.module}) | {table_cell(a.title)} "
        f"| {points_text(a.points)} |"
        for a in course.assignments
    ]
    return _README.format(
        title=course.title,
        start=start,
        stages="\n".join(stages),
        points=points_text(course.points),
        first=first.stage,
        exercise=first.exercises[0].name,
        modules="\n".join(f"- `{assignment.module}`" for assignment in course.assignments),
    )


def requirements(wheel: str, *, constraints: bool) -> str:
    """The requirements.txt of a student release that holds the toolkit's wheel.

    pip takes the wheel's path from the folder that it runs in, and reads slashes on Windows too.
    What only Linux has, the wheel asks for only there.
    """
    pinned = "-c constraints.txt\n" if constraints else ""
    return _REQUIREMENTS.format(constraints=pinned, wheel=wheel)


def gitignore() -> str:
    """What students' own repositories leave out."""
    return _GITIGNORE


def workflow() -> str:
    """A workflow of GitHub Actions that runs the public checks."""
    return _WORKFLOW


def pyproject(course: Course) -> str:
    """The pyproject.toml of a student release."""
    name = re.sub(r"[^a-z0-9]+", "-", course.title.lower()).strip("-")
    return _PYPROJECT.format(name=name or "course")


def table_cell(text: str) -> str:
    """A text as a cell of a Markdown table."""
    return text.replace("|", "\\|")

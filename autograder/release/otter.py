"""The course for otter-grader: of each stage a folder that ``otter generate`` makes a zip of.

Otter grades one file at a time, so that each stage is an assignment of its own. Its tests are one
file for each exercise, with a case for each check; `autograder.otter_plugin` grades.
"""

from __future__ import annotations

import json

from autograder.course import Assignment, Check, Course, Exercise
from autograder.release.archive import zipped
from autograder.release.course_files import constraints, course_files
from autograder.release.notebook import notebook_files
from autograder.release.wheel import Wheel
from autograder.text import points_text

_SUPPORT, _COURSE = "autograder-files", "course.zip"  # as `autograder.otter_plugin` has them
_PLUGIN = "autograder.otter_plugin.Sandbox"
_SOURCE = "/autograder/source/files"  # where otter's image has a zip's files
_CONSTRAINTS = "constraints.txt"
_STUDENTS = "for-students"

_README = """\
# {title} with otter-grader

For otter-grader 7. Each of these folders is one assignment, as otter grades one file at a time:

{stages}

`{students}` is what to hand out: notebooks whose check cells are `otter.Notebook().check`.

In one of them, `{first}` say, in an environment that has the toolkit and otter:

```
python -m pip install {support}/{wheel} "otter-grader[grading]==7.0.0"
otter generate --python-version 3.11 -o {first}.zip {support}
otter run {first}.py -a {first}.zip -o out
```

`out` has to exist. `{first}.zip` is also what Gradescope and `otter grade` take. A submission is a
`.py` or `.ipynb` of any name, or a zip with one at its top. Points are those of `autograder grade`:
a row for each exercise, and in it the part of the points that its checks earn, with the
counter-example and the hint of those that fail. Grading needs Linux. Where the grader itself fails,
otter ends with an error and writes no score.

## What is safe, and what is not

Otter runs a submission and the tests in one kernel, and unpickles what that kernel wrote, and the
log in the submission, in the process that grades. A submission can read and patch the tests there,
write the results itself, or end the process. **Otter's kernel can't defend itself against that.**
Here it does not have to: the plugin in `otter_config.json` runs before the kernel is started, takes
the submission away, has it graded in the toolkit's sandbox, leaves otter an empty notebook to run,
and sets the points at the end. No line of a student's runs in otter's processes.

- That stands and falls with the plugin. `otter generate` takes `otter_config.json` from the folder
  it is run in; without it every test fails and says so.
- Otter unpacks a submission, and reads a notebook as JSON, before any plugin is asked. A damaged or
  huge one ends otter with an error; it gains no points.
- All but `{students}` holds the hidden checks and the solutions: not for students, nor the zips.
- A notebook's own check cells (`otter.Notebook().check`) run on students' machines, with the public
  checks; their results count nowhere.
"""

_TEST = '''\
"""Exercise `{exercise}` of `{stage}`; each case says how a check went that was graded before."""

from autograder.otter_plugin import outcome
from otter.test_files import test_case

OK_FORMAT = False

name = "{exercise}"
'''

_CASE = """

@test_case(name="{name}", points={points}, hidden={hidden})
def check_{number}():
    outcome("{exercise}", "{visibility}", "{name}")
"""


def otter_files(course: Course, wheel: Wheel) -> dict[str, bytes]:
    """The files of the release for otter: paths with forward slashes, sorted, and contents.

    Args:
        course: the instructor's course, or some stages of it.
        wheel: the toolkit.

    Raises:
        CourseError: a file of the course can't be read.
        InputError: jupytext is missing, with which the students' notebooks are made.
    """
    files = {"README.md": _readme(course, wheel).encode()}
    for name, content in notebook_files(course, wheel, otter=True).items():
        files[f"{_STUDENTS}/{name}"] = content
    versions = constraints(course)
    for assignment in course.assignments:
        stage = assignment.stage
        own = course.select([stage])
        files[f"{stage}/otter_config.json"] = _config(own, assignment)
        files[f"{stage}/requirements.txt"] = _requirements(
            wheel, pinned=versions is not None
        ).encode()
        files[f"{stage}/{_SUPPORT}/{_COURSE}"] = zipped(course_files(own))
        files[f"{stage}/{_SUPPORT}/{wheel.name}"] = wheel.content
        if versions is not None:
            files[f"{stage}/{_SUPPORT}/{_CONSTRAINTS}"] = versions
        for exercise in assignment.exercises:
            test = _test(assignment, exercise)
            files[f"{stage}/tests/{exercise.name}.py"] = test.encode()
    return dict(sorted(files.items()))


def _readme(course: Course, wheel: Wheel) -> str:
    stages = [
        f"- `{a.stage}`: {a.title}, {points_text(a.points)} points" for a in course.assignments
    ]
    return _README.format(
        title=course.title,
        stages="\n".join(stages),
        first=course.assignments[0].stage,
        support=_SUPPORT,
        students=_STUDENTS,
        wheel=wheel.name,
    )


def _config(course: Course, assignment: Assignment) -> bytes:
    config = {
        "plugins": [{_PLUGIN: {"stage": assignment.stage}}],
        # otter hides an exercise's row for ever, or until the scores are published
        "show_hidden": course.visibility.hidden != "hidden",
    }
    return (json.dumps(config, indent=2) + "\n").encode()


def _requirements(wheel: Wheel, *, pinned: bool) -> str:
    """What otter installs in its image, where the zip lies in a folder of a known name."""
    versions = [f"-c {_SOURCE}/{_SUPPORT}/{_CONSTRAINTS}"] if pinned else []
    return "\n".join([*versions, f"{_SOURCE}/{_SUPPORT}/{wheel.name}"]) + "\n"


def _test(assignment: Assignment, exercise: Exercise) -> str:
    """The test file of one exercise; advice is worth no points, and is no case."""
    text = _TEST.format(exercise=exercise.name, stage=assignment.stage)
    checks = [check for check in assignment.checks_of(exercise.name) if check.weight]
    return text + "".join(_case(exercise, check, i) for i, check in enumerate(checks, start=1))


def _case(exercise: Exercise, check: Check, number: int) -> str:
    return _CASE.format(
        exercise=exercise.name,
        name=check.name,
        visibility=check.visibility,
        points=points_text(check.points),
        hidden=check.visibility == "hidden",
        number=number,
    )

"""The release for otter-grader, as files; `tests/otter/agreement.py` runs it with otter."""

from __future__ import annotations

import ast
import io
import json
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.release.otter import otter_files
from autograder.release.wheel import Wheel

ROOT = Path(__file__).parents[2]
WHEEL = Wheel("autograder-0-py3-none-any.whl", b"a wheel")
STAGES = ["batching", "shapes"]


@pytest.fixture(scope="module")
def course() -> Course:
    return Course.load(ROOT).select(STAGES)


@pytest.fixture(scope="module")
def files(course: Course) -> dict[str, bytes]:
    return otter_files(course, WHEEL)


def test_it_is_the_same_every_time(course, files):
    """To the byte, and in order."""
    assert otter_files(course, WHEEL) == files
    assert list(files) == sorted(files)


def test_a_test_file_for_each_exercise(course, files):
    """In each a case for each check that counts; their points are the exercise's."""
    for assignment in course.assignments:
        for exercise in assignment.exercises:
            tree = ast.parse(files[f"{assignment.stage}/tests/{exercise.name}.py"])
            cases = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
            said = [
                {k.arg: ast.literal_eval(k.value) for k in case.decorator_list[0].keywords}
                for case in cases
            ]
            checks = [check for check in assignment.checks_of(exercise.name) if check.weight]
            assert [case["name"] for case in said] == [check.name for check in checks]
            assert sum(Decimal(str(case["points"])) for case in said) == exercise.points
            hidden = [check.visibility == "hidden" for check in checks]
            assert [case["hidden"] for case in said] == hidden


def test_tests_are_alone_in_their_folder(files):
    """A helper module among them would make otter score everything with 0."""
    for stage in STAGES:
        tests = [name for name in files if name.startswith(f"{stage}/tests/")]
        assert all(b"OK_FORMAT = False" in files[name] for name in tests)


def test_each_stage_has_its_own_course(files):
    """One stage to grade, with its secrets, in one file; and the plugin that reads it."""
    for stage in STAGES:
        [plugin] = json.loads(files[f"{stage}/otter_config.json"])["plugins"]
        assert plugin == {"autograder.otter_plugin.Sandbox": {"stage": stage}}
        with zipfile.ZipFile(io.BytesIO(files[f"{stage}/autograder-files/course.zip"])) as archive:
            names = archive.namelist()
        assert f"course/solutions/{stage}.py" in names
        assert f"course/assignments/{stage}/test_hidden.py" in names
        [other] = set(STAGES) - {stage}
        assert not any(other in name for name in names)
        assert files[f"{stage}/autograder-files/{WHEEL.name}"] == WHEEL.content


def test_the_plugin_looks_where_the_release_puts_it(files):
    """The two can't share a constant: without otter-grader the plugin can't be imported."""
    tree = ast.parse((ROOT / "autograder" / "otter_plugin.py").read_text())
    constants = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    assert f"batching/{constants['SUPPORT']}/{constants['COURSE']}" in files


def test_what_students_get_has_no_secret(files):
    """Notebooks, public checks and otter's tests of them."""
    given = [name for name in files if name.startswith("for-students/")]
    assert "for-students/batching.ipynb" in given
    assert "for-students/tests/batching_num_batches.py" in given
    assert not [name for name in given if "hidden" in name or "solution" in name]
    assert "for-students/autograder-files" not in given
    notebook = json.loads(files["for-students/batching.ipynb"])
    code = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    assert 'grader.check("batching_num_batches")' in code
    assert not any("autograder.check" in source for source in code)


def test_the_readme_says_what_otter_cannot_defend(files):
    """And that everything hangs on the plugin."""
    readme = files["README.md"].decode()
    assert "can't defend itself" in readme
    assert "without it every test fails" in readme

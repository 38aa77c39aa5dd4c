"""Forbidden functions in graded submissions, and in the student's own run of the same checks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from autograder.course import Course
from autograder.grading.grade import grade, run_reference
from autograder.grading.intake import take_in
from autograder.report import CheckRow, Report
from autograder.sandbox.workers import Zygote

COURSE = {
    "assignments/course.toml": """
        title = "Toy"
        stages = ["bends"]

        [checks]
        examples = 5
        """,
    "assignments/bends/assignment.toml": """
        title = "Bends"
        points = 4

        [forbidden]
        calls = ["activation", "padding"]
        instead = "write it with exp and clamp"

        [[exercises]]
        name = "relu"
        points = 2

        [[exercises]]
        name = "slope"
        points = 1
        forbidden = { calls = ["autograd"], instead = "derive it on paper" }

        [[exercises]]
        name = "twice"
        points = 1
        """,
    "assignments/bends/test_public.py": '''
        import torch
        from autograder.checks import assert_close, exercise, given
        from hypothesis import strategies as st

        Z = torch.linspace(-2, 2, 5)

        @exercise("relu")
        @given(n=st.integers(1, 5))
        def test_relu_of_short_vectors(student, n):
            """Negative numbers become 0."""
            assert_close(student.relu(Z[:n]), Z[:n].clamp(min=0))

        @exercise("relu")
        def test_relu_of_a_long_vector(student):
            """Of many numbers, too."""
            assert_close(student.relu(Z.repeat(20)), Z.repeat(20).clamp(min=0))

        @exercise("relu", weight=0)
        def test_relu_runs_anywhere(student):
            """It runs where its input is."""
            student.portable.relu(Z)

        @exercise("slope")
        def test_slope(student):
            """1 above 0, 0 below."""
            assert_close(student.slope(Z[[0, 1, 3, 4]]), torch.tensor([0.0, 0, 1, 1]))

        @exercise("twice")
        def test_twice(student):
            """Two times."""
            assert_close(student.twice(Z), 2 * Z)
        ''',
    "assignments/bends/test_hidden.py": '''
        import torch
        from autograder.checks import assert_close, exercise

        @exercise("relu")
        def test_relu_like_the_reference(student, reference):
            """Like the reference."""
            x = torch.ones(3)
            assert_close(student.relu(x), reference.relu(x))
        ''',
    "solutions/bends.py": """
        import torch

        def relu(x):
            return x.clamp(min=0)

        def slope(x):
            return (x > 0).to(x.dtype)

        def twice(x):
            return 2 * x
        """,
}
HONEST = dedent(COURSE["solutions/bends.py"]).lstrip()
RELU, SLOPE, TWICE = "return x.clamp(min=0)", "return (x > 0).to(x.dtype)", "return 2 * x"


def with_line(line: str, new: str) -> str:
    assert HONEST.count(line) == 1
    return HONEST.replace(line, new)


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip(), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return Course.load(write(tmp_path_factory.mktemp("bends"), COURSE))


@pytest.fixture
def report_on(course: Course, tmp_path: Path, staging: Path, zygote: Zygote):
    def graded(source: str) -> Report:
        (tmp_path / "bends.py").write_text(source)
        return grade(course, take_in(tmp_path, ["bends.py"], staging), zygote)

    return graded


def points(report: Report) -> dict[str, float]:
    return {e.name: float(e.points) for e in report.stages[0].exercises}


def checks(report: Report, exercise: str) -> dict[str, CheckRow]:
    (row,) = (e for e in report.stages[0].exercises if e.name == exercise)
    return {check.name: check for check in row.checks}


def test_an_honest_submission_gets_every_point(report_on) -> None:
    report = report_on(HONEST)
    assert points(report) == {"relu": 2, "slope": 1, "twice": 1}
    assert {c.outcome for c in checks(report, "relu").values()} == {"passed"}


def test_the_reference_is_held_to_it_too(course: Course) -> None:
    assert {v.outcome for v in run_reference(course).values()} == {"passed"}


@pytest.mark.parametrize(
    ("line", "new", "exercise", "words"),
    [
        (RELU, "return torch.relu(x)", "relu", "`relu` uses torch.relu (bends.py, line 4: `return"),
        (RELU, "return x.relu()", "relu", "`relu` uses torch.Tensor.relu (bends.py, line 4:"),
        (RELU, "return getattr(torch, 're' + 'lu')(x)", "relu", "`relu` uses torch.relu (bends.py"),
        (RELU, "return x * (torch.sigmoid(x) > 0.5)", "relu", "write it with exp and clamp"),
        (
            SLOPE,
            "y = x.clone().requires_grad_()\n    relu(y).sum().backward()\n    return y.grad",
            "slope",
            "requires_grad_ (bends.py, line 7: `y = x.clone().requires_grad_()`)",
        ),
        (SLOPE, "return torch.func.vmap(torch.func.grad(relu))(x)", "slope", "derive it on paper"),
        (SLOPE, "return (torch.tanh(x) > 0).to(x.dtype)", "slope", "derive it on paper"),
    ],
)
def test_it_costs_its_exercise_and_no_other(
    report_on, line: str, new: str, exercise: str, words: str
) -> None:
    """Every check of the exercise fails and says so."""
    report = report_on(with_line(line, new))
    assert points(report) == {"relu": 2, "slope": 1, "twice": 1} | {exercise: 0}
    for check in checks(report, exercise).values():
        assert check.outcome == "failed"
        assert words in check.message


def test_what_one_check_finds_costs_the_checks_before_it(report_on) -> None:
    report = report_on(with_line(RELU, "return x.clamp(min=0) if len(x) < 50 else x.relu()"))
    assert points(report) == {"relu": 0, "slope": 1, "twice": 1}
    assert len({c.message for c in checks(report, "relu").values()}) == 1


def test_a_helper_of_the_same_name_is_fine(report_on) -> None:
    own = "\ndef sigmoid(x):\n    return 1 / (1 + torch.exp(-x))\n\ndef pad(x):\n    return x\n"
    source = with_line(RELU, "return pad(x) * (sigmoid(pad(x)) > 0.5)")
    assert points(report_on(source + own))["relu"] == 2


def test_where_nothing_is_said_about_autograd_it_is_fine(report_on) -> None:
    source = with_line(
        TWICE, "y = x.clone().requires_grad_()\n    (y * y).sum().backward()\n    return y.grad"
    )
    assert points(report_on(source))["twice"] == 1


def test_what_would_break_on_a_gpu_costs_nothing(report_on) -> None:
    report = report_on(with_line(RELU, "return x.clamp(min=0) + torch.zeros(len(x))"))
    assert points(report)["relu"] == 2
    check = checks(report, "relu")["test_relu_runs_anywhere"]
    assert (check.outcome, check.points) == ("failed", 0)
    assert "would break on a GPU" in check.message
    assert "bends.py, line 4" in check.message


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("#" * 200_000, "can't be checked for forbidden functions: it is larger than 100 kB"),
        ("x = a" + ".a" * 800, None),
        ("def f(:", None),
    ],
)
def test_a_source_that_can_not_be_looked_at(report_on, extra: str, words: str | None) -> None:
    """Is no way around, and no way to end the grader."""
    report = report_on(f"{HONEST}\n{extra}\n")
    assert report.graded
    assert points(report)["relu"] == 0
    if words:
        assert all(words in check.message for check in checks(report, "relu").values())


def test_a_stub_stays_open(report_on) -> None:
    report = report_on(with_line(RELU, "raise NotImplementedError"))
    assert {c.outcome for c in checks(report, "relu").values()} == {"missing"}


def test_students_read_the_same_in_their_own_run(tmp_path: Path, report_on) -> None:
    """pytest in a release: in process, without the hidden checks.

    A check of weight 0 meets it, too, and does not say it again.
    """
    source = with_line(RELU, "return x.relu()")
    release = {k: v for k, v in COURSE.items() if "hidden" not in k and "solutions" not in k}
    root = write(tmp_path / "release", release)
    (root / "bends.py").write_text(source)
    (root / "pytest.ini").write_text("[pytest]\nautograder_submission = .\naddopts = -q\n")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "autograder.checks.plugin", "assignments"],
        cwd=root,
        env={**os.environ, "COLUMNS": "200", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    message = checks(report_on(source), "relu")["test_relu_of_short_vectors"].message
    assert run.stdout.count(message) == 2, run.stdout + run.stderr
    assert "2 failed, 2 passed" in run.stdout


def test_reports_carry_it_as_plain_text(report_on) -> None:
    report = report_on(with_line(RELU, "return torch.relu(x)  # \x1b[31m<b>"))
    message = checks(report, "relu")["test_relu_of_short_vectors"].message
    assert "\x1b" not in json.dumps(message)
    assert "\\u001b" not in json.dumps(message)

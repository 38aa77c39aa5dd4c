"""Programs: scenarios that run beside a submission, and are shown as they run."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from autograder.checks import assert_printed, code, printed_by
from autograder.checks.faces import Face, ModuleBackend, calls_of
from autograder.checks.failures import CheckFailure, CheckStopped, StudentRaised, explain

CLOCK = """
class Clock:
    def __init__(self, w, rate=1.0):
        self.w, self.rate = w, rate

    def step(self):
        self.w.add_(self.rate * self.w.grad)

    def fail(self):
        raise KeyError("nothing here")
"""

LINES = [
    "import torch",
    "from clocks import Clock",
    "",
    "w = torch.tensor([1.0, 2.0])",
    "clock = Clock(w, rate=0.5)",
    "w.grad = torch.tensor([2.0, 4.0])",
    "clock.step()",
    "print(w)",
    "clock.rate = 1.0",
    "clock.step()",
    "print(w)",
    "print(clock.rate)",
]


@pytest.fixture
def student(tmp_path: Path) -> Face:
    (tmp_path / "clocks.py").write_text(CLOCK)
    return Face(ModuleBackend(tmp_path, "clocks", None))


def test_printed_values_come_back_as_they_were_then(student: Face) -> None:
    first, second, rate = student.program(LINES)
    assert first.tolist() == [2.0, 4.0]
    assert second.tolist() == [4.0, 8.0]
    assert rate == 1.0


def test_a_program_runs_on_something_else(student: Face) -> None:
    class Still:
        def __init__(self, w: torch.Tensor, rate: float) -> None:
            self.rate = rate

        def step(self) -> None: ...

    expected = printed_by(LINES, Clock=Still)
    assert [value.tolist() for value in expected[:2]] == [[1.0, 2.0], [1.0, 2.0]]
    with pytest.raises(CheckFailure) as failure:
        assert_printed(student.program(LINES), expected)
    text = explain(failure.value, calls_of(student))
    assert "\n".join(LINES) in text, "the program stands there as it can be pasted"
    assert "value 1: expected torch.tensor([1.0, 2.0])" in text


def test_what_is_shown_runs_without_the_package(tmp_path: Path, student: Face) -> None:
    """What the student pastes prints what the check saw."""
    (tmp_path / "clocks.py").write_text(CLOCK)
    with pytest.raises(CheckFailure) as failure:
        assert_printed(student.program(LINES), [torch.zeros(2), torch.zeros(2), 0.0])
    shown = explain(failure.value, calls_of(student)).split("    printed")[0]
    ran = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.append({str(tmp_path)!r})\n{shown}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout.splitlines() == ["tensor([2., 4.])", "tensor([4., 8.])", "1.0"]


def test_a_missing_class_is_missing(student: Face) -> None:
    with pytest.raises(CheckStopped) as stopped:
        student.program(["from clocks import Watch", "print(Watch())"])
    assert stopped.value.outcome == "missing"


def test_an_exception_has_its_line(student: Face) -> None:
    """The student's line where there is one, else the program's."""
    with pytest.raises(StudentRaised) as inside:
        student.program([*LINES, "clock.fail()"])
    assert inside.value.raised.where is not None
    assert inside.value.raised.where.file == "clocks.py"
    with pytest.raises(StudentRaised) as outside:
        student.program([*LINES, "clock.stop()"])
    where = outside.value.raised.where
    assert where is not None
    assert (where.file, where.line, where.source) == ("program", len(LINES) + 1, "clock.stop()")


def test_a_value_that_is_no_plain_one_is_said_to_be(student: Face) -> None:
    with pytest.raises(CheckStopped) as stopped:
        student.program([*LINES, "print(clock)"])
    assert "Clock" in stopped.value.message


@pytest.mark.parametrize(
    "value",
    [
        torch.tensor([0.1, float("inf")]),
        torch.arange(200.0).reshape(10, 20) / 7,
        torch.tensor(3, dtype=torch.int32),
        torch.zeros(2, 0, dtype=torch.float64),
        torch.arange(6.0).reshape(2, 3).T,
        torch.ones(1, 3).expand(4, 3),
        {"lr": 0.1, "betas": (0.9, 0.999), "name": None},
    ],
)
def test_code_makes_an_equal_value(value: object) -> None:
    made = eval(code(value))
    if isinstance(value, torch.Tensor):
        assert made.dtype == value.dtype
        assert made.shape == value.shape
        assert torch.equal(made, value)
    else:
        assert made == value


def test_no_code_for_what_cannot_be_written() -> None:
    with pytest.raises(TypeError):
        code("x" * 100_000)


def test_fewer_values_than_expected_fail(student: Face) -> None:
    printed = student.program(LINES)
    with pytest.raises(CheckFailure, match="expected 4 values, not 3"):
        assert_printed(printed, [*printed, 1])


def test_every_value_may_have_its_own_scale() -> None:
    """A coarse one excuses no error in a fine one."""
    printed = [torch.tensor([1000.0]), torch.tensor([1e-3])]
    expected = [torch.tensor([1000.0]), torch.tensor([1.1e-3])]
    assert_printed(printed, expected, scale=1e3)
    with pytest.raises(CheckFailure, match="value 2"):
        assert_printed(printed, expected, scale=[1e3, 1e-3])

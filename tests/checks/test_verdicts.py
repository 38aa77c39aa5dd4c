"""From the exception that ended a check to its outcome and the student's message."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given as plain_given
from hypothesis import settings
from hypothesis import strategies as st

from autograder.checks.comparison import assert_equal, assert_raises, assert_that
from autograder.checks.exercises import given
from autograder.checks.faces import Face, ModuleBackend
from autograder.checks.failures import CheckFailure, CheckStopped
from autograder.checks.verdicts import Judgement, judge

quick = settings(deadline=None, database=None, derandomize=True, max_examples=50)
Write = Callable[[str], Face]


@pytest.fixture
def face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a student's module and stand a face before it."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(sys.modules, "toy_stage", sys)  # put back afterwards

    def write(source: str) -> Face:
        (tmp_path / "toy_stage.py").write_text(source)
        return Face(ModuleBackend(tmp_path, "toy_stage", None))

    return write


def verdict_on(check: Callable[[Face], None], student: Face) -> Judgement:
    """How `check` ends for `student`."""
    try:
        check(student)
    except BaseException as error:
        return judge(error, student)
    return judge(None, student)


@quick
@given(n=st.integers(0, 99))
def doubles(student: Face, n: int) -> None:
    assert_equal(student.double(n), 2 * n)


def test_a_check_that_holds_has_passed(face: Write) -> None:
    """There is nothing to say."""
    assert verdict_on(doubles, face("def double(n): return 2 * n")) == Judgement("passed")


def test_a_wrong_answer_has_its_simplest_call(face: Write) -> None:
    """The call, what came back and what was expected; other calls are left out."""
    student = face("def double(n): return 2 * n if n < 20 else 0\ndef other(n): return n")

    @quick
    @given(n=st.integers(0, 99))
    def check(student: Face, n: int) -> None:
        student.other(n)
        assert_equal(student.double(n), 2 * n)

    verdict = verdict_on(check, student)
    assert verdict == Judgement("failed", "double(20)\n    returned 0\n    expected 40")


def test_a_law_shows_the_calls_it_was_made_of(face: Write) -> None:
    """Where no single answer is wrong, the last calls are shown."""
    student = face("def f(n): return n + 1\ndef g(n): return n")

    def check(student: Face) -> None:
        assert_that(student.f(1) == student.g(1), "f and g differ")

    assert verdict_on(check, student).message == (
        "f(1)\n    returned 2\ng(1)\n    returned 1\n    f and g differ"
    )


def test_a_bare_assert_is_a_failure(face: Write) -> None:
    """A check may do without our assertions."""

    def check(student: Face) -> None:
        assert student.f(1) == 2, "it has to be 2"

    verdict = verdict_on(check, face("def f(n): return n"))
    assert (verdict.outcome, verdict.sure) == ("failed", True)
    assert verdict.message.startswith("f(1)\n    returned 1\n    it has to be 2")


def test_pytest_fail_is_a_failure(face: Write) -> None:
    """So is pytest's own way."""
    verdict = verdict_on(lambda student: pytest.fail("no good"), face(""))
    assert (verdict.outcome, verdict.message.strip()) == ("failed", "no good")


def test_an_exception_of_the_students_is_an_error(face: Write) -> None:
    """With the simplest call, and the student's file, line and source."""
    student = face("def double(n):\n    return 2 * n if n < 20 else n // 0\n")
    verdict = verdict_on(doubles, student)
    assert verdict.outcome == "error"
    assert verdict.message.splitlines() == [
        "double(20)",
        "    raised ZeroDivisionError: integer division or modulo by zero",
        "      at toy_stage.py, line 2, in double:  return 2 * n if n < 20 else n // 0",
    ]


def test_the_wrong_exception_is_a_failure_with_the_call(face: Write) -> None:
    """What was raised instead is shown."""

    def check(student: Face) -> None:
        assert_raises(ValueError, lambda: student.f(1))

    verdict = verdict_on(check, face("def f(n):\n    return n.no_such_attribute"))
    assert verdict.outcome == "failed"
    assert "f(1)\n    raised AttributeError" in verdict.message
    assert "expected ValueError" in verdict.message


def test_a_modified_argument_is_mentioned(face: Write) -> None:
    """It is often the reason for what is wrong."""

    def check(student: Face) -> None:
        assert_equal(student.f([3, 1]), 1)

    verdict = verdict_on(check, face("def f(items):\n    items.sort()\n    return 0"))
    assert "modified its argument 1" in verdict.message


def test_a_stub_is_missing(face: Write) -> None:
    """It is neither shrunk nor explained."""
    verdict = verdict_on(doubles, face("def double(n):\n    raise NotImplementedError"))
    assert verdict == Judgement("missing", "`double` is not implemented yet")


def test_a_stopped_check_has_the_outcome_it_was_stopped_with() -> None:
    """The reason is the message."""
    for outcome in ("timeout", "crashed", "missing", "error", "ungraded"):
        assert judge(CheckStopped(outcome, "why"), None) == Judgement(outcome, "why")


def test_a_wrong_function_that_is_slow_is_wrong(face: Write) -> None:
    """Where time ran out while a counter-example was made simpler, it is what counts."""

    @quick
    @given(n=st.integers(0, 99))
    def check(student: Face, n: int) -> None:
        calls.append(n)
        if len(calls) == 3:
            raise CheckStopped("timeout", "took longer than 1 s")
        assert_equal(student.double(n), -1)

    calls: list[int] = []
    verdict = verdict_on(check, face("def double(n): return 2 * n"))
    assert verdict.outcome == "failed"
    assert "expected -1" in verdict.message


def test_an_answer_that_changes_is_a_failure(face: Write) -> None:
    """It says so, and shows what was wrong once."""
    student = face(
        "calls = []\ndef double(n):\n    calls.append(n)\n    return 2 * n + (len(calls) == 5)"
    )
    verdict = verdict_on(doubles, student)
    assert (verdict.outcome, verdict.sure) == ("failed", True)
    assert "changes from call to call" in verdict.message
    assert "double(" in verdict.message
    assert "expected" in verdict.message


class TestACheckThatBreaksDown:
    """Whether the answer or the check is to blame is not known from this alone."""

    def test_is_not_sure(self, face: Write) -> None:
        """The calls are shown, and what happened."""

        def check(student: Face) -> None:
            student.f(1).shape

        verdict = verdict_on(check, face("def f(n): return n"))
        assert (verdict.outcome, verdict.sure) == ("failed", False)
        assert verdict.message.startswith("f(1)\n    returned 1\n    which could not be checked")
        assert "AttributeError" in verdict.message

    def test_is_not_sure_where_nothing_was_called(self) -> None:
        """A check that breaks down by itself has no calls to show."""
        verdict = judge(KeyError("x"), None)
        assert (verdict.outcome, verdict.sure) == ("failed", False)
        assert "KeyError" in verdict.message

    def test_is_not_sure_under_hypothesis(self, face: Write) -> None:
        """The last example is the simplest."""

        @quick
        @given(n=st.integers(0, 99))
        def check(student: Face, n: int) -> None:
            len(student.f(n))

        verdict = verdict_on(check, face("def f(n): return n"))
        assert not verdict.sure
        assert "f(0)" in verdict.message


def test_memory_addresses_are_left_out(face: Write) -> None:
    """They differ from run to run, and two reports of the same submission must not."""
    verdict = verdict_on(doubles, face("def double(n):\n    raise ValueError(object())"))
    assert "<object object at 0x…>" in verdict.message


def test_no_failure_of_one_check_is_told_of_another(face: Write) -> None:
    """A check without a failing example of its own has its own reason."""
    student = face("def f(n): return n")
    verdict = verdict_on(lambda face: assert_equal(face.f(2), 3), student)
    assert verdict.message == "f(2)\n    returned 2\n    expected 3"
    assert judge(CheckFailure("another"), student).message.endswith("another")


def test_hypothesis_own_given_works_too(face: Write) -> None:
    """A check that forgot our `given` still has its call."""

    @quick
    @plain_given(n=st.integers(0, 99))
    def check(student: Face, n: int) -> None:
        assert_equal(student.double(n), 2 * n)

    verdict = verdict_on(check, face("def double(n): return 1"))
    assert verdict.outcome == "failed"
    assert "double(0)\n    returned 1\n    expected 0" in verdict.message

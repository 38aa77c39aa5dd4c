"""Right answers in whatever form they come are accepted; wrong ones are refused with the reason."""

from __future__ import annotations

import math
from collections import namedtuple
from typing import Any

import numpy as np
import pytest
import torch

from autograder.checks.comparison import (
    assert_close,
    assert_equal,
    assert_raises,
    assert_that,
    tolerance,
)
from autograder.checks.failures import CheckFailure, CheckStopped, StudentRaised
from autograder.sandbox.runner import Raised
from autograder.sandbox.wire import roundtrip

nan, inf = math.nan, math.inf
f32, f64 = torch.float32, torch.float64
eps = torch.finfo(f32).eps
Pair = namedtuple("Pair", "a b")


def received(value: Any) -> Any:
    """An answer as a check gets it: over the wire."""
    return roundtrip(value)


def problem_with(call: Any) -> str:
    """What is said of a wrong answer."""
    with pytest.raises(CheckFailure) as caught:
        call()
    return caught.value.problem


RIGHT = [
    (3, 3),
    (np.int64(3), 3),
    (np.uint8(3), 3),
    (torch.tensor(3), 3),
    (torch.tensor(3, dtype=torch.uint8), 3),
    (np.array(3), 3),
    (3, np.int64(3)),
    (3, np.prod([3, 1])),
    (1.5, 1.5),
    (np.float32(1.5), 1.5),
    (torch.tensor(1.5), 1.5),
    (2, 2.0),
    (-0.0, 0.0),
    (nan, nan),
    (torch.tensor(nan), nan),
    (inf, inf),
    (True, True),
    (np.bool_(True), True),
    (torch.tensor(True), True),
    (None, None),
    ("mean", "mean"),
    (b"x", b"x"),
    (torch.float32, torch.float32),
    ((2, 3), (2, 3)),
    ([2, 3], (2, 3)),
    ((2, 3), [2, 3]),
    (Pair(2, 3), (2, 3)),
    (torch.Size([2, 3]), (2, 3)),
    (range(2, 4), [2, 3]),
    (map(int, "23"), [2, 3]),
    (torch.tensor([2, 3]), [2, 3]),
    (np.array([2, 3]), (2, 3)),
    ((), []),
    ([(1, (2, 3))], [[1, [2, 3]]]),
    ({"a": 1, "b": [2]}, {"b": [2], "a": 1}),
    (torch.tensor([1.0, nan, inf]), torch.tensor([1.0, nan, inf])),
    (torch.tensor([-0.0]), torch.tensor([0.0])),
    (np.float32([1.0, 2.0]), torch.tensor([1.0, 2.0])),
    (torch.tensor([1.0, 2.0]), np.float32([1.0, 2.0])),
    (torch.arange(6).reshape(2, 3).T, torch.arange(6).reshape(2, 3).T.contiguous()),
    (torch.ones(1).expand(3), torch.ones(3)),
    (torch.nn.Parameter(torch.ones(2)), torch.ones(2)),
    (torch.empty(0, 3), torch.empty(0, 3)),
    ([torch.ones(2), 3], (torch.ones(2), 3)),
    (torch.tensor([complex(nan, 1)]), torch.tensor([complex(nan, 1)])),
]


@pytest.mark.parametrize(("answer", "expected"), RIGHT)
def test_an_equal_answer_is_accepted_in_every_form(answer: Any, expected: Any) -> None:
    """Integers, sequences and tensors may come in any form that holds the same values."""
    assert_equal(received(answer), expected)


WRONG = [
    (4, 3, "expected 3"),
    (3.0, 3, "int, not a float"),
    (np.float64(3), 3, "int, not a float"),
    (3.0, np.int64(3), "int, not a float"),
    (torch.tensor(3.0), 3, "int, not a float"),
    (True, 1, "expected 1"),
    (torch.tensor(True), 1, "expected 1"),
    (True, np.int64(1), "expected 1"),
    (1, True, "expected True"),
    (1.0, True, "expected True"),
    (0, False, "expected False"),
    (True, 1.0, "expected 1.0"),
    (None, 0, "expected 0"),
    (0, None, "expected None"),
    (False, None, "expected None"),
    ("3", 3, "expected 3"),
    ([3], 3, "expected 3"),
    (torch.tensor([3]), 3, "expected 3"),
    (nan, 1.0, "expected 1.0"),
    (1.0, nan, 'expected float\\("nan"\\)'),
    (-inf, inf, 'expected float\\("inf"\\)'),
    (math.nextafter(0.1, 1), 0.1, "expected 0.1"),
    ((2, 3, 4), (2, 3), "2 items, not 3"),
    ((2,), (2, 3), "2 items, not 1"),
    ((3, 2), (2, 3), "item 0 is 3: expected 2"),
    ((2.0, 3), (2, 3), "item 0 is 2.0.*not a float"),
    (torch.tensor([2.0, 3.0]), (2, 3), "item 0 is 2.0.*not a float"),
    ((True, 2), (1, 2), "item 0 is True"),
    ([[2, 3]], [2, 3], "2 items, not 1"),
    (2, (2,), "not an int"),
    ("ab", ["a", "b"], "not a str"),
    (None, (2,), "not None"),
    ({"a": 1}, [1], "not a dict"),
    ([1], {"a": 1}, "not a list"),
    ({"a": 1}, {"b": 1}, "keys \\['b'\\], not \\['a'\\]"),
    ({"a": 1, "b": 2}, {"a": 1}, "keys"),
    ({"a": 1.0}, {"a": 1}, "\\['a'\\] is 1.0"),
    (torch.ones(3), torch.ones(1, 3), "shape \\(1, 3\\), not \\(3,\\)"),
    (torch.ones(1), torch.ones(3), "shape \\(3,\\), not \\(1,\\)"),
    (torch.tensor(1.0), torch.ones(1), "shape \\(1,\\), not \\(\\)"),
    (torch.ones(1), torch.tensor(1.0), "shape \\(\\), not \\(1,\\)"),
    (torch.empty(3, 0), torch.empty(0, 3), "shape"),
    (torch.ones(2, dtype=f64), torch.ones(2), "dtype torch.float32, not torch.float64"),
    (torch.ones(2), torch.ones(2, dtype=torch.int64), "dtype torch.int64, not torch.float32"),
    (torch.ones(2).bool(), torch.ones(2, dtype=torch.uint8), "dtype"),
    (np.ones(2), torch.ones(2), "dtype torch.float32, not torch.float64"),
    (np.ones(2), np.float32([1, 1]), "dtype torch.float32, not torch.float64"),
    ([1.0, 1.0], torch.ones(2), "tensor of shape \\(2,\\), not a list"),
    (1.0, torch.tensor(1.0), "tensor of shape \\(\\), not a float"),
    (torch.tensor([1.0, nan]), torch.tensor([1.0, 2.0]), "worst at \\[1\\]: nan instead of 2"),
    (torch.tensor([1.0, 2.0]), torch.tensor([1.0, nan]), "worst at \\[1\\]"),
    (torch.tensor([inf]), torch.tensor([-inf]), "1 of 1"),
    (torch.tensor([1 + 1j]), torch.tensor([1 - 1j]), "1 of 1"),
    ([torch.ones(2), 3], [torch.zeros(2), 3], "item 0"),
]


@pytest.mark.parametrize(("answer", "expected", "words"), WRONG)
def test_an_unequal_answer_is_refused(answer: Any, expected: Any, words: str) -> None:
    """The reason is what comes first of type, shape, dtype and value."""
    with pytest.raises(CheckFailure, match=f"(?s){words}"):
        assert_equal(received(answer), expected)


CLOSE = [
    (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0])),
    (torch.tensor([1.0, 2.0]) * (1 + 4 * eps), torch.tensor([1.0, 2.0])),
    (torch.tensor([1.0, 2.0], dtype=f64), torch.tensor([1.0, 2.0])),
    (np.float32([1, 2]), [1.0, 2.0]),
    (1 + 1e-7, 1.0),
    (np.float32(0.1), 0.1),
    (torch.tensor(0.1), 0.1),
    (1, torch.tensor(1.0)),
    (torch.tensor([nan, inf, -inf, 1.0]), torch.tensor([nan, inf, -inf, 1.0])),
    (torch.tensor([-0.0]), torch.tensor([0.0])),
    (torch.tensor([1e-9, 1.0]), torch.tensor([0.0, 1.0])),
    (torch.ones(2, 3).T, torch.ones(3, 2)),
    (torch.empty(0, 3), torch.empty(0, 3)),
]


@pytest.mark.parametrize(("answer", "expected"), CLOSE)
def test_a_close_answer_is_accepted_in_every_form(answer: Any, expected: Any) -> None:
    """Rounding loses no point, nor does float64, a NumPy array, or a number for no dimensions."""
    assert_close(received(answer), expected)


FAR = [
    (torch.tensor([1.0, 2.0001]), torch.tensor([1.0, 2.0]), "1 of 2 elements differ"),
    (1.0001, 1.0, "expected 1.0"),
    (torch.tensor(1.0001), 1.0, "expected 1.0"),
    (nan, 1.0, "expected 1.0"),
    (inf, 1.0, "expected 1.0"),
    (1.0, inf, "expected"),
    (-inf, inf, "expected"),
    (1.0, nan, "expected"),
    (True, 1.0, "a number, not a bool"),
    (None, 1.0, "a number, not None"),
    ("1", 1.0, "a number, not a str"),
    ([1.0], 1.0, "a number, not a list"),
    ([1.0, 2.0], torch.tensor([1.0, 2.0]), "tensor of shape \\(2,\\), not a list"),
    (1.0, torch.ones(2), "tensor of shape \\(2,\\), not a float"),
    (torch.ones(1), 1.0, "shape \\(\\), not \\(1,\\)"),
    (torch.tensor(1.0), torch.ones(2), "shape \\(2,\\), not \\(\\)"),
    (torch.ones(1, 2), torch.ones(2), "shape \\(2,\\), not \\(1, 2\\)"),
    (torch.ones(2, 1), torch.ones(2, 2), "shape \\(2, 2\\), not \\(2, 1\\)"),
    (torch.ones(2, dtype=torch.int64), torch.ones(2), "dtype.*not torch.int64"),
    (torch.ones(2).bool(), torch.ones(2), "dtype.*not torch.bool"),
    (torch.tensor([1.0, nan]), torch.tensor([1.0, 2.0]), "worst at \\[1\\]: nan instead of 2"),
    (torch.tensor([inf, 1.0]), torch.tensor([2.0, 1.0]), "worst at \\[0\\]: inf"),
    (torch.tensor([3.0, inf]), torch.tensor([inf, inf]), "worst at \\[0\\]: 3 instead of inf"),
]


@pytest.mark.parametrize(("answer", "expected", "words"), FAR)
def test_a_far_answer_is_refused(answer: Any, expected: Any, words: str) -> None:
    """The reason is what comes first of type, shape, dtype and value."""
    with pytest.raises(CheckFailure, match=f"(?s){words}"):
        assert_close(received(answer), expected)


class TestTheTolerance:
    @pytest.mark.parametrize("dtype", [torch.float16, f32, f64])
    def test_is_four_times_the_bound_of_a_sum(self, dtype: torch.dtype) -> None:
        """For many terms it is 4·n·u, u being half of eps."""
        n = 10**6
        u = torch.finfo(dtype).eps / 2
        assert tolerance(dtype, n) == pytest.approx(4 * n * u, rel=1e-4)

    def test_of_one_term_is_twelve_eps(self) -> None:
        """Ten for elementwise steps, two for the term."""
        assert tolerance(f32) == 12 * eps

    @pytest.mark.parametrize("error", [0.9, 1.1])
    @pytest.mark.parametrize("dtype", [f32, f64])
    def test_is_the_edge(self, dtype: torch.dtype, error: float) -> None:
        """What is within it passes, what is beyond it fails: relative to twice the one element."""
        answer = torch.tensor(1.0 + error * 2 * tolerance(dtype), dtype=dtype)
        if error < 1:
            assert_close(answer, 1.0, dtype=dtype)
        else:
            assert "allowed difference" in problem_with(
                lambda: assert_close(answer, 1.0, dtype=dtype)
            )

    @pytest.mark.parametrize("order", [1, -1])
    def test_allows_every_order_of_summation(self, order: int) -> None:
        """Numbers that were added up one by one, forwards or backwards, come out right."""
        numbers = torch.randn(5000, generator=torch.Generator().manual_seed(0))
        total = torch.zeros(())
        for number in numbers.tolist()[::order]:
            total = total + number
        exact = numbers.double().sum()
        scale = float(numbers.double().abs().sum())
        assert_close(total, exact, terms=5000, scale=scale)

    def test_grows_with_the_terms(self) -> None:
        """More terms allow a larger error, and only then."""
        answer = torch.tensor(1.0 + 100 * eps)
        assert_close(answer, 1.0, terms=50)
        with pytest.raises(CheckFailure):
            assert_close(answer, 1.0)

    def test_is_relative_to_the_largest_element_unless_scale_is_given(self) -> None:
        """Without `scale` a small element may err as much as a large one."""
        answer, expected = torch.tensor([1e3, 1e-5]), torch.tensor([1e3, 0.0])
        assert_close(answer, expected)
        with pytest.raises(CheckFailure, match=r"worst at \[1\]"):
            assert_close(answer, expected, scale=0)

    def test_of_a_float64_answer_is_tighter(self) -> None:
        """An error that float32 would excuse is none of float64's."""
        with pytest.raises(CheckFailure):
            assert_close(torch.tensor([1 + 1e-7], dtype=f64), torch.tensor([1.0]))


class TestTheDtypeOfACloseAnswer:
    def test_has_to_be_the_one_asked_for(self) -> None:
        """The message names both."""
        answer = torch.ones(2)
        assert_close(answer, answer, dtype=f32)
        problem = problem_with(lambda: assert_close(answer, answer, dtype=f64))
        assert problem == "expected dtype torch.float64, not torch.float32"

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_is_half_only_where_asked_for(self, dtype: torch.dtype) -> None:
        """A wrong answer can't hide in the rounding of a dtype that nobody asked for."""
        rounded = torch.tensor([0.1, 0.2]).to(dtype)
        assert_close(rounded, torch.tensor([0.1, 0.2]), dtype=dtype)
        problem = problem_with(lambda: assert_close(rounded, torch.tensor([0.11, 0.2])))
        assert str(dtype) in problem


class TestTheMessage:
    def test_has_the_number_of_wrong_elements_and_the_worst(self) -> None:
        """Count, index, both values and, where it is small, all that was expected."""
        expected = torch.zeros(2, 3)
        answer = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, -5.0]])
        problem = problem_with(lambda: assert_equal(answer, expected))
        assert "expected torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])" in problem
        assert "2 of 6 elements differ; the worst at [1, 2]: -5 instead of 0" in problem

    @pytest.mark.parametrize("odd", [nan, inf, -inf])
    def test_takes_what_is_no_number_for_the_worst(self, odd: float) -> None:
        """However far off the others are."""
        problem = problem_with(lambda: assert_close(torch.tensor([1e6, odd]), torch.ones(2)))
        assert f"the worst at [1]: {odd} instead of 1" in problem

    def test_of_a_large_tensor_has_the_worst_element_only(self) -> None:
        """What would fill the screen is left out."""
        answer = torch.zeros(100)
        answer[7] = 1
        problem = problem_with(lambda: assert_close(answer, torch.zeros(100)))
        assert "torch.tensor" not in problem
        assert "1 of 100 elements differ; the worst at [7]: 1 instead of 0" in problem

    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            (torch.tensor([12345678]), torch.tensor([12345679])),
            (torch.tensor([2**60]), torch.tensor([2**60 + 1])),
            (torch.tensor([0.123456789123], dtype=f64), torch.tensor([0.12345678], dtype=f64)),
        ],
    )
    def test_has_digits_enough_to_see_the_difference(
        self, answer: torch.Tensor, expected: torch.Tensor
    ) -> None:
        """The two numbers never look the same."""
        problem = problem_with(lambda: assert_equal(answer, expected))
        one, other = problem.split("]: ")[-1].split(" instead of ")
        assert (eval(one), eval(other)) == (answer.item(), expected.item())
        assert one != other

    def test_knows_the_very_value_that_is_wrong(self) -> None:
        """By it the call that returned it is found."""
        answer = torch.zeros(2)
        for call in (assert_equal, assert_close):
            with pytest.raises(CheckFailure) as caught:
                call(answer, torch.ones(2))
            assert caught.value.actual is answer


def raising(*bases: str) -> Any:
    def call() -> None:
        raise StudentRaised(Raised(bases[0], list(bases), "message"))

    return call


class TestAssertRaises:
    def test_accepts_the_exception_and_what_derives_from_it(self) -> None:
        """A subclass, the student's own too, is the exception."""
        bases = ("BadBatch", "ValueError", "Exception", "BaseException")
        assert_raises(ValueError, raising(*bases[1:]))
        assert_raises(ValueError, raising(*bases))

    def test_refuses_another_exception(self) -> None:
        """A TypeError is no ValueError, nor is a base class one."""
        for name in ("TypeError", "Exception"):
            problem = problem_with(lambda: assert_raises(ValueError, raising(name)))  # noqa: B023
            assert problem == "expected ValueError"

    def test_refuses_an_answer(self) -> None:
        """The answer that came instead is known."""
        answer = [1]
        with pytest.raises(CheckFailure, match="expected ValueError") as caught:
            assert_raises(ValueError, lambda: answer)
        assert caught.value.actual is answer

    def test_lets_through_that_there_is_no_answer(self) -> None:
        """What is not implemented, or ran out of time, has not raised."""

        def call() -> None:
            raise CheckStopped("missing", "`f` is not implemented yet")

        with pytest.raises(CheckStopped):
            assert_raises(BaseException, call)


def test_assert_that_says_the_problem() -> None:
    """A law that holds says nothing, one that doesn't says its sentence."""
    assert_that(True, "no")
    assert problem_with(lambda: assert_that(False, "the sum is 3, not 1")) == "the sum is 3, not 1"


def test_an_int_beyond_all_floats_is_a_wrong_answer() -> None:
    with pytest.raises(CheckFailure, match="expected 2"):
        assert_close(10**400, 2.0)
    with pytest.raises(CheckFailure):
        assert_close(-(10**400), 2.0)

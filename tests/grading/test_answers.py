"""Whether two answers are the same: in every form that an answer can have."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from autograder.grading.answers import same_answer
from autograder.sandbox.runner import Missing, Raised, Returned, Unsendable, Where

NAN, INF = math.nan, math.inf
EPS = torch.finfo(torch.float32).eps


def same(one: Any, other: Any, right: Any = None) -> bool:
    """Whether two returned values are the same answer; both ways round, where nothing is right."""
    known = None if right is None else Returned(right)
    found = same_answer(Returned(one), Returned(other), known)
    if right is None:
        assert same_answer(Returned(other), Returned(one)) is found
    return found


def tensor(*values: float, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.tensor(values, dtype=dtype)


class TestForms:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ((1, 2), [1, 2]),
            ([(1, 2), (3,)], ([1, 2], [3])),
            ((), []),
            (torch.tensor(3), 3),
            (torch.tensor(0.5), 0.5),
            (torch.tensor(0.5, dtype=torch.float64), 0.5),
            (torch.tensor(True), True),
            (np.int32(3), 3),
            (np.float32(0.5), 0.5),
            (np.bool_(True), True),
            (np.array(3), 3),
            (np.array([1.0, 2.0], dtype=np.float32), tensor(1, 2)),
            (np.array([[1, 2]]), torch.tensor([[1, 2]])),
            ([np.array([1.0]), torch.tensor(2)], (tensor(1, dtype=torch.float64), 2)),
            ({"a": (1, 2), "b": np.int64(3)}, {"b": torch.tensor(3), "a": [1, 2]}),
            ({"a": {"b": [tensor(1)]}}, {"a": {"b": (tensor(1),)}}),
        ],
    )
    def test_what_means_the_same_is_the_same(self, one: Any, other: Any) -> None:
        assert same(one, other)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (True, 1),
            (False, 0),
            (1, 1.0),
            (torch.tensor(1), 1.0),
            (torch.tensor(True), 1),
            ("1", 1),
            (b"a", "a"),
            (None, 0),
            (None, []),
            ([], {}),
            ([1, 2], tensor(1, 2)),
            ([1], 1),
            (tensor(1), 1.0),  # one dimension is not none
            (tensor(1), torch.tensor(1.0)),
            ([1, 2], [1, 2, 3]),
            ([1, 2], [2, 1]),
            ([[1], [2]], [[1, 2]]),
            ({"a": 1}, {"b": 1}),
            ({"a": 1}, {"a": 1, "b": 2}),
            ({"a": 1}, {"a": 2}),
            (torch.float32, torch.float64),
        ],
    )
    def test_what_means_something_else_is_not(self, one: Any, other: Any) -> None:
        assert not same(one, other)

    @pytest.mark.parametrize("value", [None, "a", b"a", "", 10**40, -1, True, torch.float32])
    def test_plain_values_are_compared_as_they_are(self, value: Any) -> None:
        assert same(value, value)
        assert not same(value, [value])
        assert not same(value, "another")


class TestTensors:
    def test_shapes_have_to_agree(self) -> None:
        assert not same(torch.zeros(2, 3), torch.zeros(3, 2))
        assert not same(torch.zeros(1, 3), torch.zeros(3))
        assert not same(torch.zeros(0), torch.zeros(0, 2))
        assert same(torch.zeros(0, 2), torch.zeros(0, 2))

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (torch.float32, torch.float64),
            (torch.float32, torch.float16),
            (torch.int32, torch.int64),
            (torch.bool, torch.uint8),
            (torch.int64, torch.float32),
        ],
    )
    def test_dtypes_have_to_agree(self, one: torch.dtype, other: torch.dtype) -> None:
        assert not same(torch.ones(3, dtype=one), torch.ones(3, dtype=other))
        assert same(torch.ones(3, dtype=one), torch.ones(3, dtype=one))

    def test_integers_have_to_agree_exactly(self) -> None:
        large = torch.tensor([2**62, 0])
        assert same(large, large.clone())
        assert not same(large, large + torch.tensor([1, 0]))

    @pytest.mark.parametrize("dtype", [torch.complex64, torch.bool, torch.uint8])
    def test_every_kind_of_element_can_be_compared(self, dtype: torch.dtype) -> None:
        assert same(torch.ones(2, dtype=dtype), torch.ones(2, dtype=dtype))
        assert not same(torch.ones(2, dtype=dtype), torch.zeros(2, dtype=dtype))

    @pytest.mark.parametrize(
        "name", ["uint16", "uint32", "uint64", "int8", "float16", "complex128"]
    )
    def test_every_array_that_crosses_the_wire_can_be_compared(self, name: str) -> None:
        assert same(np.ones(2, dtype=name), np.ones(2, dtype=name))
        assert not same(np.ones(2, dtype=name), np.zeros(2, dtype=name))

    def test_the_layout_says_nothing(self) -> None:
        values = torch.arange(6.0).reshape(2, 3)
        assert same(values.T.contiguous().T, values)


class TestRounding:
    def test_the_order_of_a_sum_makes_no_other_answer(self) -> None:
        values = torch.randn(1000, generator=torch.Generator().manual_seed(0))
        backwards = torch.stack([values.flip(0).cumsum(0)[-1], values.sum() * (1 + 3 * EPS)])
        assert same(torch.stack([values.sum(), values.sum()]), backwards)

    @pytest.mark.parametrize("value", [1.0, 1e-20, 1e20])
    def test_errors_are_relative(self, value: float) -> None:
        assert same(tensor(value), tensor(value * (1 + 100 * EPS)))
        assert not same(tensor(value), tensor(value * 1.001))
        assert same(value, value * (1 + 5 * EPS))
        assert not same(value, value * (1 + 50 * EPS))

    def test_the_largest_element_sets_the_scale(self) -> None:
        """Where terms cancel, an element near zero is rounded as its neighbours are."""
        assert same(tensor(1000, 1e-4), tensor(1000, 2e-4))
        assert not same(tensor(1, 1e-4), tensor(1, 2e-4))

    def test_double_precision_is_held_to_its_own(self) -> None:
        assert same(tensor(1, dtype=torch.float64), tensor(1 + 1e-15, dtype=torch.float64))
        assert not same(tensor(1, dtype=torch.float64), tensor(1 + 1e-9, dtype=torch.float64))

    def test_a_number_may_have_been_computed_in_single_precision(self) -> None:
        assert same(0.1, float(torch.tensor(0.1)))
        assert same(torch.tensor(0.1), 0.1)

    def test_zero_is_close_to_zero_only(self) -> None:
        assert same(0.0, -0.0)
        assert same(torch.zeros(3), -torch.zeros(3))
        assert not same(0.0, 1e-30)


class TestNotFinite:
    @pytest.mark.parametrize("form", [float, torch.tensor, np.float64, lambda x: tensor(x, 1.0)])
    def test_nan_and_infinities_are_themselves(self, form: Any) -> None:
        for value in (NAN, INF, -INF):
            assert same(form(value), form(value))
        assert not same(form(NAN), form(INF))
        assert not same(form(INF), form(-INF))
        assert not same(form(INF), form(1.0))
        assert not same(form(NAN), form(0.0))
        assert not same(form(INF), form(torch.finfo(torch.float32).max))

    def test_they_have_to_be_in_the_same_places(self) -> None:
        assert same(tensor(NAN, 1, INF), tensor(NAN, 1, INF))
        assert not same(tensor(NAN, 1, INF), tensor(1, NAN, INF))

    def test_the_finite_elements_beside_them_count(self) -> None:
        assert not same(tensor(NAN, 1), tensor(NAN, 2))
        assert not same(tensor(INF, 1), tensor(INF, 2))  # infinity excuses no difference


class TestFarFromRight:
    """Two ways to make one mistake round differently: a hundredth of its distance is allowed."""

    @pytest.mark.parametrize("form", [float, torch.tensor, lambda x: tensor(x, x), lambda x: [x]])
    def test_a_hundredth_of_the_way_to_the_right_answer_is_allowed(self, form: Any) -> None:
        assert same(form(3.0 + 0.019), form(3.0), right=form(1.0))
        assert not same(form(3.0 + 0.021), form(3.0), right=form(1.0))
        assert not same(form(3.0 + 0.019), form(3.0))

    def test_the_second_answers_distance_counts_and_not_the_firsts(self) -> None:
        assert not same(2.0, 1.0, right=1.0)
        assert not same(100.0, 1.0, right=1.0)
        assert not same(1.0, 1.0001, right=1.0)  # the right answer is not a mistake's

    def test_it_is_for_floats_only(self) -> None:
        assert not same(1001, 1000, right=0)
        assert not same(torch.tensor([1001]), torch.tensor([1000]), right=torch.tensor([0]))

    @pytest.mark.parametrize("right", [[1.0], {"a": 1.0}, "one", tensor(1, 1, 1), 1])
    def test_a_right_answer_of_another_form_allows_nothing(self, right: Any) -> None:
        assert same(tensor(3, 3), tensor(3, 3), right=right)
        assert not same(tensor(3.01, 3), tensor(3, 3), right=right)
        assert not same(3.01, 3.0, right=right)
        assert not same([3.01, 3.0], [3.0, 3.0], right=right)
        assert not same({"b": 3.01}, {"b": 3.0}, right=right)

    @pytest.mark.parametrize("right", [NAN, INF, -INF])
    def test_a_right_answer_that_is_not_finite_allows_nothing(self, right: float) -> None:
        assert not same(3.01, 3.0, right=right)
        assert not same(tensor(3.01, 1), tensor(3, 1), right=tensor(right, 1))

    def test_each_item_has_its_own_right_answer(self) -> None:
        assert same({"a": [3.01, 1.0]}, {"a": (3.0, 1.0)}, right={"a": [1.0, 1.0]})
        assert not same({"a": [3.01, 1.01]}, {"a": (3.0, 1.0)}, right={"a": [1.0, 1.0]})

    def test_what_the_right_code_did_not_return_allows_nothing(self) -> None:
        raised = Raised("ValueError", ["ValueError"], "")
        assert not same_answer(Returned(3.01), Returned(3.0), raised)
        assert same_answer(Returned(3.0), Returned(3.0), raised)


class TestOtherAnswers:
    def test_exceptions_are_the_same_where_their_types_are(self) -> None:
        """Two people say what is wrong in words of their own."""
        one = Raised("ValueError", ["ValueError", "Exception"], "n < 0")
        assert same_answer(one, Raised("ValueError", ["ValueError"], "negative"))
        assert not same_answer(one, Raised("TypeError", ["TypeError"], "n < 0"))

    def test_exceptions_of_python_by_what_they_say_too(self):
        """One AttributeError is not another; what a student's own `raise` says may be anything."""

        def error(attribute: str, line: int, *, direct: bool = False) -> Raised:
            message = f"'SGD' object has no attribute '{attribute}'"
            where = Where("optimizers.py", line, "SGD.step", f"self.{attribute}", direct)
            return Raised("AttributeError", ["AttributeError"], message, where)

        assert same_answer(error("n", 3), error("n", 7))
        assert same_answer(error("t12", 3), error("t3", 3))
        assert not same_answer(error("n", 3), error("zero_", 3))
        assert same_answer(error("n", 3, direct=True), error("zero_", 3, direct=True))
        assert same_answer(error("n", 3, direct=True), error("zero_", 3))

    def test_an_exception_is_no_value(self) -> None:
        raised = Raised("ValueError", ["ValueError"], "")
        assert not same_answer(raised, Returned(None))
        assert not same_answer(Returned("ValueError"), raised)

    def test_what_can_not_be_sent_is_the_same_where_it_is_called_the_same(self) -> None:
        assert same_answer(Unsendable("a set"), Unsendable("a set"))
        assert not same_answer(Unsendable("a set"), Unsendable("a function"))
        assert not same_answer(Unsendable("a set"), Returned("a set"))

    def test_what_is_missing_is_no_answer(self) -> None:
        assert not same_answer(Missing("double"), Missing("double"))
        assert not same_answer(Missing("double"), Returned(None))
        assert not same_answer(Returned(None), Missing("double"))

    def test_what_was_done_to_the_arguments_is_a_claim(self) -> None:
        assert same_answer(Returned(1, ["argument 1"]), Returned(1))

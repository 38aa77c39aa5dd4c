"""What is printed of a value can be pasted into an interpreter and gives that value again."""

from __future__ import annotations

import math
from collections import namedtuple
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.checks.formatting import WHOLE, remember_recipe, show, show_call
from autograder.checks.strategies import tensors
from autograder.sandbox.runner import Call

nan, inf = math.nan, math.inf
thorough = settings(deadline=None, derandomize=True, max_examples=150)

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
INTS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
DTYPES = (*FLOATS, *INTS, torch.bool, torch.complex64, torch.complex128)


def pasted(source: str, **names: Any) -> Any:
    """What an interpreter makes of `source`."""
    return eval(source, {"torch": torch, "np": np, **names})


def same(one: Any, other: Any) -> bool:
    """Equal in type, dtype, shape and every element; nan is equal to nan."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        alike = one.dtype == other.dtype and one.shape == other.shape
        return alike and torch.equal(one.isnan(), other.isnan()) and same_elements(one, other)
    if isinstance(one, np.ndarray):
        alike = one.dtype == other.dtype and one.shape == other.shape
        return alike and np.array_equal(one, other, equal_nan=one.dtype.kind in "fc")
    if isinstance(one, torch.Generator):
        return one.initial_seed() == other.initial_seed()
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return one == other or (one != one and other != other)


def same_elements(one: torch.Tensor, other: torch.Tensor) -> bool:
    return bool(((one == other) | one.isnan()).all())


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**2000), 2**2000)
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=20)
    | st.sampled_from(DTYPES)
    | st.integers(0, 2**63).map(lambda seed: torch.Generator().manual_seed(seed))
)
small_tensors = tensors(
    st.lists(st.integers(0, 4), max_size=3).map(tuple),
    dtype=st.sampled_from((*FLOATS, *INTS, torch.bool)),
)
values = st.recursive(
    scalars | small_tensors,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)


@thorough
@given(value=scalars)
def test_a_scalar_can_be_pasted(value: Any) -> None:
    """Numbers, nan, inf, strings, bytes, dtypes and generators."""
    assert same(pasted(show(value)), value)


@thorough
@given(args=st.lists(values, max_size=3), kwargs=st.dictionaries(st.sampled_from("abc"), values))
def test_a_call_can_be_pasted(args: list[Any], kwargs: dict[str, Any]) -> None:
    """Every argument arrives as it was, positional or named, on one line or on several."""
    source = show_call(Call("f", tuple(args), kwargs))
    given_args, given_kwargs = pasted(source, f=lambda *a, **k: (list(a), k))
    assert same(given_args, args)
    assert same(given_kwargs, kwargs)


@thorough
@given(tensor=tensors(st.lists(st.integers(0, 4), max_size=3).map(tuple),
                      dtype=st.sampled_from(FLOATS + INTS)))  # fmt: skip
def test_a_small_tensor_can_be_pasted(tensor: torch.Tensor) -> None:
    """In every dtype and memory layout, strides included."""
    again = pasted(show(tensor))
    assert same(again, tensor)
    assert again.stride() == tensor.stride()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_tensor_of_every_dtype_can_be_pasted(dtype: torch.dtype) -> None:
    """With the values that are hard to write."""
    hard = [0.0, 1.0, 0.1, -1 / 3, nan, inf, -inf, 1e-7, 3e38]
    kept = hard if dtype.is_floating_point or dtype.is_complex else [0, 1, 100]
    tensor = torch.tensor(kept, dtype=torch.complex128 if dtype.is_complex else None).to(dtype)
    assert same(pasted(show(tensor)), tensor)


UNUSUAL = [
    torch.tensor(1.5),
    torch.tensor(nan, dtype=torch.float64),
    torch.tensor([complex(nan, 1), complex(1, inf), 1 + 2j]),
    torch.empty(0, 3),
    torch.empty(2, 0, dtype=torch.int64),
    torch.arange(6).reshape(2, 3).T,
    torch.arange(12).reshape(3, 4)[:, ::2],
    torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1),
    torch.ones(3, 1).expand(3, 4),
    torch.tensor(2.0).expand(2, 3),
    torch.arange(6).reshape(2, 3).T.unsqueeze(1).expand(3, 4, 2),
    torch.arange(5).unfold(0, 3, 1),
    torch.ones(2, requires_grad=True).detach(),
    torch.tensor([1 + 2j]).conj().resolve_conj(),
    torch.randn(8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1)),
    torch.randn(8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).T,
    np.array([nan, inf, 1.0]),
    np.array([0.1, 1 / 3], dtype=np.float32),
    np.array(3.0),
    np.array([True, False]),
    np.array([[1, 2]], dtype=np.uint8),
    np.array([complex(nan, 1)]),
    np.empty((0, 3)),
    np.empty((2, 0), dtype=np.int32),
    (1,),
    (),
    [[], ()],
    {"a b": None},
    -(2**4000),
    "'\"\n\\ é \ud800",
]


@pytest.mark.parametrize("value", UNUSUAL, ids=lambda value: show(value)[:40])
def test_an_unusual_value_can_be_pasted(value: Any) -> None:
    """Views, empties, nan inside of arrays, tuples of one, ints of a thousand digits."""
    assert same(pasted(show(value)), value)


def test_a_numpy_scalar_is_shown_as_it_crosses() -> None:
    """The student's function gets the plain number."""
    assert show(np.float32(nan)) == 'float("nan")'
    assert show(np.int64(3)) == "3"


def test_a_named_tuple_is_shown_as_it_crosses() -> None:
    """The student's function gets a plain tuple."""
    assert show(namedtuple("Pair", "a b")(1, 2.0)) == "(1, 2.0)"


def test_floats_have_the_digits_that_identify_them() -> None:
    """A float32 is not shown with the digits of a float64."""
    assert show(torch.tensor([0.1, 0.2])) == "torch.tensor([0.1, 0.2])"
    assert show(torch.tensor([0.1], dtype=torch.float64)) == (
        "torch.tensor([0.1], dtype=torch.float64)"
    )


class TestALargeTensor:
    def test_is_shown_as_what_draws_it_again(self) -> None:
        """The expression stands for more elements than are printed."""
        recipe = "torch.zeros((13, 5))"
        tensor = remember_recipe(torch.zeros(13, 5), recipe)
        assert show(tensor) == recipe
        assert show_call(Call("f", (tensor,))) == f"f({recipe})"

    def test_is_printed_where_it_is_small_after_all(self) -> None:
        """Up to a limit the elements themselves are more use."""
        assert WHOLE == 64
        tensor = remember_recipe(torch.zeros(2), "torch.zeros(2)")
        assert show(tensor) == "torch.tensor([0.0, 0.0])"

    def test_loses_its_expression_when_modified(self) -> None:
        """What no longer draws these values is not shown."""
        tensor = remember_recipe(torch.zeros(65), "torch.zeros(65)")
        tensor[0] = 1
        assert show(tensor) == "<tensor of shape (65,), torch.float32>"

    def test_without_an_expression_is_described(self) -> None:
        """Shape and dtype have to do."""
        assert show(torch.zeros(65)) == "<tensor of shape (65,), torch.float32>"
        assert show(np.zeros((13, 5))) == "<NumPy array of shape (13, 5), dtype float64>"


class TestWhatAnAnswerCanDoToItsMessage:
    @pytest.mark.parametrize(
        "value",
        [[0] * 10**5, "x" * 10**7, b"x" * 10**7, 2**16383, {"k" * 10**5: 1}, ["y" * 10**6] * 3],
        ids=["list", "str", "bytes", "int", "key", "nested"],
    )
    def test_is_bounded(self, value: Any) -> None:
        """However large an answer is, its message is short and says that it is cut."""
        text = show(value)
        assert len(text) < 3000
        assert text.endswith(" …")
        assert len(show_call(Call("f", (value,), {"a": value}))) < 20_000

    def test_an_int_too_long_for_python_to_print_is_shown(self) -> None:
        """Python refuses to write ints of more than 4300 digits in decimal."""
        assert pasted(show_call(Call("f", (2**16383,))), f=lambda n: n) == 2**16383


class TestACall:
    def test_stands_on_one_line_where_it_fits(self) -> None:
        """Positional arguments, then named ones."""
        call = Call("conv_out_size", (5,), {"kernel": 3, "stride": 2})
        assert show_call(call) == "conv_out_size(5, kernel=3, stride=2)"

    def test_stands_on_several_where_it_does_not(self) -> None:
        """An argument each."""
        source = show_call(Call("f", (list(range(20)),), {"other": list(range(20))}))
        assert [line[:9] for line in source.splitlines()] == ["f(", "    [0, 1", "    other", ")"]

    def test_of_a_probe_says_so(self) -> None:
        """A probe is no function of the student's."""
        assert show_call(Call("drive", (), probe=True)) == "probe.drive()"

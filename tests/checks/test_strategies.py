"""Structure shrinks, contents come from a seed, and the layout never changes a value."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import find, given, settings
from hypothesis import strategies as st

from autograder.checks.formatting import show
from autograder.checks.strategies import (
    Layout,
    _contents,
    _lay_out,
    dims,
    generators,
    seeds,
    tensors,
)

thorough = settings(deadline=None, derandomize=True, max_examples=150)
quickly = settings(deadline=None, derandomize=True, database=None, max_examples=1000)

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
INTS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
shapes = st.lists(st.integers(0, 12), max_size=3).map(tuple)


class TestDims:
    @thorough
    @given(data=st.data(), count=st.integers(1, 4), low=st.integers(0, 5))
    def test_are_distinct_and_in_range(self, data: st.DataObject, count: int, low: int) -> None:
        """No two sizes are equal, so that a swapped axis shows."""
        sizes = data.draw(dims(count, low, low + 4))
        assert len(sizes) == len(set(sizes)) == count
        assert all(low <= size <= low + 4 for size in sizes)

    def test_shrink_to_the_smallest(self) -> None:
        """The simplest sizes are low, low + 1, and so on, in some order."""
        assert sorted(find(dims(3, 2, 9), lambda _: True, settings=quickly)) == [2, 3, 4]

    @thorough
    @given(data=st.data())
    def test_that_do_not_fit_are_refused(self, data: st.DataObject) -> None:
        """Four distinct sizes are not found among three."""
        with pytest.raises(ValueError, match=r"4 distinct sizes don't fit into 1\.\.3"):
            data.draw(dims(4, 1, 3))


class TestTensors:
    @thorough
    @given(data=st.data(), shape=shapes, dtype=st.sampled_from((*FLOATS, *INTS, torch.bool)))
    def test_have_the_shape_and_dtype_asked_for(
        self, data: st.DataObject, shape: tuple[int, ...], dtype: torch.dtype
    ) -> None:
        """Whatever the layout; both may be strategies."""
        assert data.draw(tensors(shape, dtype=dtype)).shape == shape
        drawn = data.draw(tensors(st.just(shape), dtype=st.just(dtype)))
        assert (tuple(drawn.shape), drawn.dtype) == (shape, dtype)

    @thorough
    @given(tensor=tensors(shapes, dtype=st.sampled_from((*FLOATS, *INTS, torch.bool))))
    def test_are_drawn_again_by_the_expression_that_is_shown(self, tensor: torch.Tensor) -> None:
        """Values, dtype and strides come out the same."""
        again = eval(show(tensor), {"torch": torch})
        assert again.dtype == tensor.dtype
        assert torch.equal(again, tensor)
        assert tensor.numel() == 0 or again.stride() == tensor.stride()

    @pytest.mark.parametrize("kinds", [{}, {"high": 9}, {"dtype": torch.int64}])
    def test_large_ones_have_an_expression(self, kinds: dict[str, Any]) -> None:
        """It is not only small tensors that can be pasted."""

        @thorough
        @given(tensor=tensors((13, 7), **kinds))
        def holds(tensor: torch.Tensor) -> None:
            source = show(tensor)
            assert "manual_seed" in source
            assert torch.equal(eval(source, {"torch": torch}), tensor)

        holds()

    @thorough
    @given(seed=seeds(), bounds=st.sampled_from([(None, None), (-9, 9)]))
    def test_of_float32_and_float64_hold_the_same_numbers(
        self, seed: int, bounds: tuple[int | None, int | None]
    ) -> None:
        """A seed gives the same contents in both, rounded to the narrower."""
        single, _ = _contents((2, 3), torch.float32, seed, *bounds)
        double, _ = _contents((2, 3), torch.float64, seed, *bounds)
        assert torch.equal(single, double.float())
        assert double.unique().numel() > 1

    def test_come_in_every_layout(self) -> None:
        """Contiguous, transposed and strided ones are all drawn."""
        layouts = set()

        @thorough
        @given(tensor=tensors((2, 5)))
        def see(tensor: torch.Tensor) -> None:
            layouts.add((tensor.is_contiguous(), tensor.mT.is_contiguous()))

        see()
        assert layouts == {(True, False), (False, True), (False, False)}

    @pytest.mark.parametrize("layout", ["contiguous", "transposed", "strided"])
    def test_hold_the_same_values_in_every_layout(self, layout: Layout) -> None:
        """A layout changes the strides and nothing else."""
        plain = torch.arange(24).reshape(2, 3, 4)
        laid_out, suffix = _lay_out(plain, layout)
        assert torch.equal(laid_out, plain)
        assert laid_out.is_contiguous() == (layout == "contiguous")
        assert eval(f"plain{suffix}").stride() == laid_out.stride()

    @thorough
    @given(tensor=tensors((3, 4), layouts=False))
    def test_are_contiguous_where_no_layouts_are_wanted(self, tensor: torch.Tensor) -> None:
        """`layouts=False` draws the plain layout only."""
        assert tensor.is_contiguous()

    @thorough
    @given(data=st.data(), dtype=st.sampled_from((*FLOATS, *INTS)))
    def test_keep_to_their_bounds(self, data: st.DataObject, dtype: torch.dtype) -> None:
        """Integers between low and high, both included, in floating-point dtypes too."""
        tensor = data.draw(tensors((40,), dtype=dtype, low=2, high=5))
        assert set(tensor.tolist()) <= {2, 3, 4, 5}
        assert 2 in tensor
        assert 5 in tensor

    def test_shrink_to_a_contiguous_one_of_seed_0(self) -> None:
        """The simplest tensor is the plainest."""
        tensor = find(tensors(dims(2)), lambda _: True, settings=quickly)
        assert sorted(tensor.shape) == [1, 2]
        zero = torch.Generator().manual_seed(0)
        contents = torch.randn(tuple(tensor.shape), generator=zero, dtype=torch.float64).float()
        assert torch.equal(tensor, contents)
        assert tensor.is_contiguous()

    @thorough
    @given(data=st.data())
    def test_do_not_touch_the_global_generator(self, data: st.DataObject) -> None:
        """What the student's code draws by itself is not disturbed."""
        before = torch.get_rng_state()
        data.draw(tensors(shapes))
        assert torch.equal(torch.get_rng_state(), before)


class TestSeedsAndGenerators:
    def test_shrink_to_0(self) -> None:
        """The simplest seed is 0."""
        assert find(seeds(), lambda _: True, settings=quickly) == 0
        assert find(generators(), lambda _: True, settings=quickly).initial_seed() == 0

    @thorough
    @given(generator=generators())
    def test_a_generator_is_fresh(self, generator: torch.Generator) -> None:
        """Nothing has been drawn from it."""
        fresh = torch.Generator().manual_seed(generator.initial_seed())
        assert torch.equal(generator.get_state(), fresh.get_state())

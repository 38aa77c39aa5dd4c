"""Hidden checks of `convolution`: the reference in float64, laws of sliding windows, the edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.strategies import integers, sampled_from

from autograder.checks import (
    assert_close,
    assert_equal,
    assert_raises,
    assert_that,
    exercise,
    given,
    seeds,
    tensors,
)

FLOATS = sampled_from([torch.float32, torch.float64])
INTEGERS = sampled_from([torch.int64, torch.int32, torch.uint8])
# -0.3 and 0.1 are not exact in float32
VALUES = sampled_from([0.0, 1.0, -0.3, 0.1, 100.0, -torch.inf, torch.inf])

# of a pooling; where nothing fits, a division that truncates finds room for one window
STRIDES = sampled_from([None, 1, 2, 3])

# --- what is drawn: structure that fits, of every kind ---------------------------------------


def pairs(low: int, high: int) -> st.SearchStrategy[int | tuple[int, int]]:
    """An int, which means both axes, or a number for each."""
    return integers(low, high) | st.tuples(integers(low, high), integers(low, high))


def both(value: int | tuple[int, int]) -> tuple[int, int]:
    """(vertical, horizontal)."""
    return (value, value) if isinstance(value, int) else value


@st.composite
def images(draw: st.DrawFn) -> torch.Tensor:
    """A small batch of small images."""
    shape = [draw(integers(1, most)) for most in (3, 3, 7, 7)]
    return draw(tensors(shape, dtype=draw(FLOATS)))


@st.composite
def conv_calls(
    draw: st.DrawFn, axes: int, *, more: int = 6, bias: bool = True
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """(x, weight, bias) and (stride, padding, dilation) of a convolution that fits.

    Over two axes the options are pairs. `more` is how many pixels an image may have beyond those
    that it needs.
    """
    kernel, stride, padding, dilation = (
        draw(st.tuples(*[integers(*bounds)] * axes)) for bounds in ((1, 4), (1, 4), (0, 5), (1, 3))
    )
    sizes = []
    for k, p, d in zip(kernel, padding, dilation, strict=True):
        smallest = max(1, d * (k - 1) + 1 - 2 * p)
        sizes.append(draw(integers(smallest, smallest + more)))
    n, c, o = draw(st.tuples(integers(1, 3), integers(1, 3), integers(1, 4)))
    dtype = draw(FLOATS)
    x = draw(tensors((n, c, *sizes), dtype=dtype))
    weight = draw(tensors((o, c, *kernel), dtype=dtype))
    b = draw(tensors((o,), dtype=dtype)) if bias else None
    options = (stride, padding, dilation)
    return (x, weight, b), options if axes == 2 else tuple(one for (one,) in options)


@st.composite
def pool_calls(draw: st.DrawFn, dtype: Any = FLOATS, **contents: int) -> tuple[Any, ...]:
    """(x, kernel, stride, padding) of a pooling that fits, the last three as pairs."""
    kernel = draw(st.tuples(integers(1, 5), integers(1, 5)))
    padding = tuple(draw(integers(0, k // 2)) for k in kernel)
    stride = draw(st.tuples(integers(1, 4), integers(1, 4)))
    sizes = []
    for k, p in zip(kernel, padding, strict=True):
        smallest = max(1, k - 2 * p)
        sizes.append(draw(integers(smallest, smallest + 6)))
    shape = (draw(integers(1, 3)), draw(integers(1, 3)), *sizes)
    return draw(tensors(shape, dtype=dtype, **contents)), kernel, stride, padding


@st.composite
def im2col_calls(draw: st.DrawFn, dtype: Any = FLOATS, **contents: int) -> tuple[Any, ...]:
    """(x, kernel, stride, padding) of an unfolding that fits, the last three as pairs."""
    kernel = draw(st.tuples(integers(1, 4), integers(1, 4)))
    padding = draw(st.tuples(integers(0, 4), integers(0, 4)))
    stride = draw(st.tuples(integers(1, 4), integers(1, 4)))
    sizes = []
    for k, p in zip(kernel, padding, strict=True):
        smallest = max(1, k - 2 * p)
        sizes.append(draw(integers(smallest, smallest + 5)))
    shape = (draw(integers(1, 3)), draw(integers(1, 3)), *sizes)
    return draw(tensors(shape, dtype=dtype, **contents)), kernel, stride, padding


def layouts(axes: int) -> st.SearchStrategy[str | int]:
    """How a tensor lies in memory: expanded along one of its axes, or channels last."""
    return sampled_from([*range(axes + 2), "channels last"])


def laid_out(x: torch.Tensor, layout: str | int) -> torch.Tensor:
    """`x` with its channels last in memory, or its first slice along an axis, repeated by stride 0.

    In the second case all of the axis is one and the same memory, as `expand` makes it.
    """
    if layout == "channels last":
        return x.movedim(1, -1).contiguous().movedim(-1, 1)
    return x.narrow(layout, 0, 1).contiguous().expand(x.shape)


# --- the size of rounding errors -------------------------------------------------------------


def reach(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> float:
    """How large an output can be: ‖x‖·‖w‖ by Cauchy and Schwarz, and the bias.

    Products cancel, and rounding errors are relative to what cancelled. The error of a
    convolution by FFT is relative to this product as well.
    """
    norms = x.double().flatten(1).norm(dim=1).max() * weight.double().flatten(1).norm(dim=1).max()
    return float(norms + (0 if bias is None else bias.double().abs().max()))


def terms(weight: torch.Tensor) -> int:
    """How many numbers are added up for one output: C·kh·kw products and the bias."""
    return weight[0].numel() + 1


def heap(x: torch.Tensor, kernel: tuple[int, int]) -> float:
    """How large a mean can be that is taken of sums over a whole plane of x (summed areas)."""
    return float(x.double().abs().sum(dim=(2, 3)).max()) / (kernel[0] * kernel[1])


# --- what came back --------------------------------------------------------------------------


def values(answer: Any, like: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """The answer in float64, once it is known to have the shape of `like` and its dtype."""
    assert_that(isinstance(answer, torch.Tensor | np.ndarray), "expected a tensor", answer)
    got = torch.as_tensor(answer)
    shapes = tuple(got.shape), tuple(like.shape)
    assert_that(shapes[0] == shapes[1], f"expected shape {shapes[1]}, not {shapes[0]}", answer)
    assert_that(got.dtype == dtype, f"expected dtype {dtype}, not {got.dtype}", answer)
    return got.double()


def assert_right_if_any(call: Callable[[], Any], expected: torch.Tensor, **closeness: Any) -> None:
    """``call()`` raises, or has the right values in whatever dtype: never wrong ones in silence."""
    answers = []

    def attempt() -> Any:
        answers.append(call())
        return answers[0]

    try:
        assert_raises(Exception, attempt)
    except AssertionError:
        if not answers:
            raise
    for answer in answers:
        assert_that(isinstance(answer, torch.Tensor | np.ndarray), "expected a tensor", answer)
        got = torch.as_tensor(answer)
        plain = got.dtype in (torch.float32, torch.float64)
        assert_close(answer if plain else got.double(), expected, **closeness)


# --- pad2d -----------------------------------------------------------------------------------


@exercise("pad2d", weight=2)
@given(x=images(), padding=pairs(0, 6), value=VALUES)
def test_frame_matches_the_reference(student, reference, x, padding, value):
    """A frame of any value and any width, on each axis its own, on both of its ends."""
    expected = reference.pad2d(x, padding, value)
    assert_equal(student.pad2d(x, padding, value), expected)


@exercise("pad2d", weight=0.5)
@given(
    x=tensors((2, 1, 2, 3), dtype=FLOATS),
    inner=st.tuples(integers(0, 3), integers(0, 3)),
    outer=st.tuples(integers(0, 3), integers(0, 3)),
    value=sampled_from([0.0, 1.0, -0.25]),
)
def test_frames_add_up(student, reference, x, inner, outer, value):
    """A frame around a frame is as good as one that is as wide as both."""
    framed = student.pad2d(x, inner, value)
    assert_that(isinstance(framed, torch.Tensor), "expected a tensor", framed)
    expected = reference.pad2d(x, (inner[0] + outer[0], inner[1] + outer[1]), value)
    assert_equal(student.pad2d(framed, outer, value), expected)


@exercise("pad2d", weight=0.5)
@given(
    x=tensors((2, 3, 4, 5), dtype=FLOATS, layouts=False),
    layout=layouts(2),
    padding=pairs(0, 2),
    value=VALUES,
)
def test_frame_is_new(student, reference, x, layout, padding, value):
    """The input stays as it was, and it doesn't matter how it lies in memory."""
    x = laid_out(x, layout)
    assert_equal(student.again.pad2d(x, padding, value), reference.pad2d(x, padding, value))


@exercise("pad2d", weight=0.75)
@given(
    x=tensors((1, 2, 3, 4), dtype=FLOATS),
    padding=sampled_from([-1, -3, (-1, 0), (0, -1), (2, -1), (-1, 2), (-2, -2)]),
)
def test_frame_is_not_negative(student, x, padding):
    """A padding below 0 raises ValueError, on either axis."""
    assert_raises(ValueError, lambda: student.pad2d(x, padding))


@exercise("pad2d", weight=0.25)
@given(x=tensors((1, 2, 2, 3), dtype=INTEGERS), padding=pairs(0, 2), value=sampled_from([0.0, 7.0]))
def test_frame_around_whole_numbers(student, reference, x, padding, value):
    """An integer image raises, or gets its frame; the values are right then."""
    expected = reference.pad2d(x.double(), padding, value)
    assert_right_if_any(lambda: student.pad2d(x, padding, value), expected)


# --- conv1d ----------------------------------------------------------------------------------


@exercise("conv1d", weight=3)
@given(call=conv_calls(axes=1, more=12))
def test_signal_matches_the_reference(student, reference, call):
    """The output is the formula's for any structure, with the dtype of the input."""
    (x, weight, bias), options = call
    expected = reference.conv1d(x.double(), weight.double(), bias.double(), *options)
    answer = student.conv1d(x, weight, bias, *options)
    assert_close(answer, expected, dtype=x.dtype, terms=terms(weight), scale=reach(x, weight, bias))


@exercise("conv1d", weight=0.5)
@given(call=conv_calls(axes=1, bias=False), steps=integers(1, 3), seed=seeds())
def test_shifted_signal_gives_shifted_output(student, reference, call, steps, seed):
    """A signal that starts `steps` strides later has the same outputs, `steps` places earlier."""
    (x, weight, _), (stride, _, dilation) = call
    before = torch.randn(
        *x.shape[:2],
        steps * stride + dilation * (weight.shape[-1] - 1),
        generator=torch.Generator().manual_seed(seed),
        dtype=torch.float64,
    )
    x = torch.cat([before.to(x.dtype), x], dim=-1)
    options = {"stride": stride, "dilation": dilation}
    like = reference.conv1d(x, weight, **options)
    whole = values(student.conv1d(x, weight, **options), like, x.dtype)
    later = student.conv1d(x[..., steps * stride :], weight, **options)
    wanted = whole[..., steps:]
    assert_close(later, wanted, dtype=x.dtype, terms=terms(weight), scale=reach(x, weight))


@exercise("conv1d", weight=0.5)
@given(call=conv_calls(axes=1), factor=sampled_from([-2.0, 0.5, 4.0]), seed=seeds())
def test_signals_enter_linearly(student, reference, call, factor, seed):
    """Sums and multiples of signals have sums and multiples of outputs; the bias comes on top."""
    (x, weight, bias), options = call
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(x.shape, generator=generator, dtype=torch.float64).to(x.dtype)
    like = reference.conv1d(x, weight, None, *options)
    of_x = values(student.conv1d(x, weight, None, *options), like, x.dtype)
    of_z = values(student.conv1d(z, weight, bias, *options), like, x.dtype)
    mixed = student.conv1d(factor * x + z, weight, bias, *options)
    # the errors of the answers add up to twice one's bound; `tolerance` has room for four
    size = reach(abs(factor) * x.abs() + z.abs(), weight, bias)
    expected = factor * of_x + of_z
    assert_close(mixed, expected, dtype=x.dtype, terms=terms(weight), scale=size)


@exercise("conv1d", weight=0.75)
@given(call=conv_calls(axes=1), layout=layouts(1), of_weight=layouts(1))
def test_signal_may_lie_anyhow(student, reference, call, layout, of_weight):
    """Expanded or transposed inputs give what contiguous ones do, and stay as they were."""
    (x, weight, bias), options = call
    x, weight, bias = laid_out(x, layout), laid_out(weight, of_weight), bias[:1].expand(bias.shape)
    expected = reference.conv1d(x.double(), weight.double(), bias.double(), *options)
    answer = student.again.conv1d(x, weight, bias, *options)
    assert_close(answer, expected, dtype=x.dtype, terms=terms(weight), scale=reach(x, weight, bias))


@exercise("conv1d", weight=1)
@given(
    k=integers(2, 4),
    dilation=integers(1, 3),
    padding=integers(0, 3),
    stride=integers(1, 3),
    dtype=FLOATS,
)
def test_kernel_fits_the_padded_signal(student, reference, k, dilation, padding, stride, dtype):
    """A kernel that spans all of the padded signal has one output; with a sample less it raises."""
    span = dilation * (k - 1) + 1
    padding = min(padding, (span - 2) // 2)  # at least two samples are no padding
    x = torch.ones(1, 1, span - 2 * padding, dtype=dtype)
    weight = torch.ones(1, 1, k, dtype=dtype)
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    expected = reference.conv1d(x.double(), weight.double(), **options)
    answer = student.conv1d(x, weight, **options)
    assert_close(answer, expected, dtype=dtype, terms=terms(weight), scale=reach(x, weight))
    assert_raises(ValueError, lambda: student.conv1d(x[..., 1:], weight, **options))


@exercise("conv1d", weight=1)
@given(
    wrong=sampled_from(
        [{"stride": 0}, {"stride": -1}, {"padding": -1}, {"dilation": 0}, {"dilation": -2}]
    ),
    dtype=FLOATS,
)
def test_signal_options_out_of_range_raise(student, wrong, dtype):
    """A stride or dilation below 1, or a padding below 0, raises ValueError."""
    x, weight = torch.ones(1, 2, 9, dtype=dtype), torch.ones(1, 2, 3, dtype=dtype)
    right = {"stride": 2, "padding": 1, "dilation": 2}
    assert_raises(ValueError, lambda: student.conv1d(x, weight, **right | wrong))


@exercise("conv1d", weight=0.25)
@given(
    x=tensors((1, 2, 6), dtype=INTEGERS, low=0, high=200),
    weight=tensors((2, 2, 3), low=-3, high=3),
    padding=integers(0, 2),
)
def test_signal_of_whole_numbers(student, reference, x, weight, padding):
    """An integer signal raises, or is convolved; the values are right then."""
    weight = weight / 4
    expected = reference.conv1d(x.double(), weight.double(), None, 1, padding)
    closeness = {"terms": terms(weight), "scale": reach(x, weight)}
    assert_right_if_any(lambda: student.conv1d(x, weight, padding=padding), expected, **closeness)


# --- conv2d ----------------------------------------------------------------------------------


@exercise("conv2d", weight=3)
@given(call=conv_calls(axes=2))
def test_image_matches_the_reference(student, reference, call):
    """The output is the formula's for any structure, with the dtype of the input."""
    (x, weight, bias), options = call
    expected = reference.conv2d(x.double(), weight.double(), bias.double(), *options)
    answer = student.conv2d(x, weight, bias, *options)
    assert_close(answer, expected, dtype=x.dtype, terms=terms(weight), scale=reach(x, weight, bias))


@exercise("conv2d", weight=0.5)
@given(
    x=tensors((2, 1, 5, 6), dtype=FLOATS),
    weight=tensors((2, 1, 2, 3), layouts=False),
    stride=integers(1, 3),
    padding=integers(0, 3),
    dilation=integers(1, 2),
)
def test_an_int_means_both_axes(student, reference, x, weight, stride, padding, dilation):
    """One int for stride, padding or dilation is the pair of it twice."""
    weight = weight.to(x.dtype)
    options = [(number,) * 2 for number in (stride, padding, dilation)]
    expected = reference.conv2d(x.double(), weight.double(), None, *options)
    answer = student.conv2d(x, weight, stride=stride, padding=padding, dilation=dilation)
    assert_close(answer, expected, dtype=x.dtype, terms=terms(weight), scale=reach(x, weight))


@exercise("conv2d", weight=0.5)
@given(call=conv_calls(axes=2))
def test_transposed_image_gives_transposed_output(student, reference, call):
    """Image, kernel and options with height and width swapped have the same output, swapped."""
    (x, weight, bias), options = call
    like = reference.conv2d(x, weight, bias, *options)
    upright = values(student.conv2d(x, weight, bias, *options), like, x.dtype)
    answer = student.conv2d(x.mT, weight.mT, bias, *(pair[::-1] for pair in options))
    size = reach(x, weight, bias)
    assert_close(answer, upright.mT, dtype=x.dtype, terms=2 * terms(weight), scale=size)


@exercise("conv2d", weight=0.5)
@given(
    call=conv_calls(axes=2, more=3, bias=False),
    steps=st.tuples(integers(0, 2), integers(0, 2)),
)
def test_shifted_image_gives_shifted_output(student, reference, call, steps):
    """An image that moves by one stride moves the output by one pixel."""
    (x, weight, _), (stride, _, dilation) = call
    spans = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
    down, right = steps[0] * stride[0], steps[1] * stride[1]
    larger = (*x.shape[:2], x.shape[2] + spans[0] + down, x.shape[3] + spans[1] + right)
    scene = torch.zeros(larger, dtype=x.dtype)
    scene[:, :, down : down + x.shape[2], right : right + x.shape[3]] = x
    options = {"stride": stride, "dilation": dilation}
    like = reference.conv2d(scene, weight, **options)
    whole = values(student.conv2d(scene, weight, **options), like, x.dtype)
    answer = student.conv2d(scene[:, :, down:, right:], weight, **options)
    wanted = whole[:, :, steps[0] :, steps[1] :]
    size = reach(scene, weight)
    assert_close(answer, wanted, dtype=x.dtype, terms=terms(weight), scale=size)


@exercise("conv2d", weight=0.5)
@given(call=conv_calls(axes=2), factor=sampled_from([-2.0, 0.5, 4.0]), seed=seeds())
def test_images_enter_linearly(student, reference, call, factor, seed):
    """Sums and multiples of images have sums and multiples of outputs; the bias comes on top."""
    (x, weight, bias), options = call
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(x.shape, generator=generator, dtype=torch.float64).to(x.dtype)
    like = reference.conv2d(x, weight, None, *options)
    of_x = values(student.conv2d(x, weight, None, *options), like, x.dtype)
    of_z = values(student.conv2d(z, weight, bias, *options), like, x.dtype)
    mixed = student.conv2d(factor * x + z, weight, bias, *options)
    # the errors of the answers add up to twice one's bound; `tolerance` has room for four
    size = reach(abs(factor) * x.abs() + z.abs(), weight, bias)
    expected = factor * of_x + of_z
    assert_close(mixed, expected, dtype=x.dtype, terms=terms(weight), scale=size)


@exercise("conv2d", weight=0.5)
@given(call=conv_calls(axes=2), seed=seeds())
def test_channels_have_no_order(student, reference, call, seed):
    """Reordered input channels change nothing; reordered kernels reorder the output channels."""
    (x, weight, bias), options = call
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(x.shape[1], generator=generator)
    out = torch.randperm(len(weight), generator=generator)
    like = reference.conv2d(x, weight, bias, *options)
    straight = values(student.conv2d(x, weight, bias, *options), like, x.dtype)
    answer = student.conv2d(x[:, order], weight[out][:, order], bias[out], *options)
    size = reach(x, weight, bias)
    assert_close(answer, straight[:, out], dtype=x.dtype, terms=2 * terms(weight), scale=size)


@exercise("conv2d", weight=0.5)
@given(call=conv_calls(axes=2))
def test_each_image_by_itself(student, reference, call):
    """An image has the same output in a batch and alone, as a batch of one."""
    (x, weight, bias), options = call
    like = reference.conv2d(x, weight, bias, *options)
    batch = values(student.conv2d(x, weight, bias, *options), like, x.dtype)
    alone = student.conv2d(x[-1:], weight, bias, *options)
    size = reach(x, weight, bias)
    assert_close(alone, batch[-1:], dtype=x.dtype, terms=2 * terms(weight), scale=size)


@exercise("conv2d", weight=0.75)
@given(call=conv_calls(axes=2), layout=layouts(2), of_weight=layouts(2))
def test_image_may_lie_anyhow(student, reference, call, layout, of_weight):
    """Expanded or transposed inputs give what contiguous ones do, and stay as they were."""
    (x, weight, bias), options = call
    x, weight, bias = laid_out(x, layout), laid_out(weight, of_weight), bias[:1].expand(bias.shape)
    expected = reference.conv2d(x.double(), weight.double(), bias.double(), *options)
    answer = student.again.conv2d(x, weight, bias, *options)
    assert_close(answer, expected, dtype=x.dtype, terms=terms(weight), scale=reach(x, weight, bias))


@exercise("conv2d", weight=1)
@given(
    kernel=st.tuples(integers(2, 3), integers(2, 3)),
    dilation=st.tuples(integers(1, 2), integers(1, 2)),
    axis=integers(0, 1),
    padding=integers(0, 1),
    stride=integers(1, 3),
    dtype=FLOATS,
)
def test_kernel_fits_the_padded_image(
    student, reference, kernel, dilation, axis, padding, stride, dtype
):
    """A kernel as large as the padded image has one output; with a row or column less it raises."""
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    paddings = tuple(min(padding, (span - 2) // 2) for span in spans)  # two pixels are no padding
    size = [span - 2 * p for span, p in zip(spans, paddings, strict=True)]
    x, weight = torch.ones(1, 1, *size, dtype=dtype), torch.ones(1, 1, *kernel, dtype=dtype)
    options = {"stride": stride, "padding": paddings, "dilation": dilation}
    expected = reference.conv2d(x.double(), weight.double(), **options)
    answer = student.conv2d(x, weight, **options)
    assert_close(answer, expected, dtype=dtype, terms=terms(weight), scale=reach(x, weight))
    smaller = x.narrow(axis + 2, 0, size[axis] - 1)
    assert_raises(ValueError, lambda: student.conv2d(smaller, weight, **options))


@exercise("conv2d", weight=1)
@given(
    wrong=sampled_from(
        [
            {"stride": 0},
            {"stride": (1, 0)},
            {"stride": (0, 2)},
            {"stride": (-1, -1)},
            {"padding": -1},
            {"padding": (0, -1)},
            {"padding": (-1, 1)},
            {"dilation": 0},
            {"dilation": (2, 0)},
            {"dilation": (0, 1)},
            {"dilation": -1},
        ]
    ),
    dtype=FLOATS,
)
def test_image_options_out_of_range_raise(student, wrong, dtype):
    """A stride or dilation below 1, or a padding below 0, raises ValueError, on either axis."""
    x, weight = torch.ones(1, 2, 8, 9, dtype=dtype), torch.ones(1, 2, 2, 3, dtype=dtype)
    right = {"stride": (1, 2), "padding": (1, 2), "dilation": (2, 1)}
    assert_raises(ValueError, lambda: student.conv2d(x, weight, **right | wrong))


@exercise("conv2d", weight=0.25)
@given(
    x=tensors((1, 2, 3, 4), dtype=INTEGERS, low=0, high=200),
    weight=tensors((2, 2, 2, 3), low=-3, high=3),
    padding=integers(0, 2),
)
def test_image_of_whole_numbers(student, reference, x, weight, padding):
    """An integer image raises, or is convolved; the values are right then."""
    weight = weight / 4
    expected = reference.conv2d(x.double(), weight.double(), None, 1, padding)
    closeness = {"terms": terms(weight), "scale": reach(x, weight)}
    assert_right_if_any(lambda: student.conv2d(x, weight, padding=padding), expected, **closeness)


# --- max_pool2d ------------------------------------------------------------------------------


@exercise("max_pool2d", weight=3)
@given(call=pool_calls(), shift=sampled_from([0.0, -5.0]), factor=sampled_from([1.0, 1e12]))
def test_maxima_match_the_reference(student, reference, call, shift, factor):
    """The output is the largest pixel of each window, for any structure, also far below zero."""
    x, *options = call
    x = factor * (x + shift)
    assert_equal(student.max_pool2d(x, *options), reference.max_pool2d(x, *options))


@exercise("max_pool2d", weight=1.5)
@given(kernel=pairs(1, 4), padding=integers(0, 1), options=sampled_from([{}, {"stride": None}]))
def test_windows_lie_side_by_side(student, reference, kernel, padding, options):
    """Without a stride, or with None, it is the kernel, on each axis its own."""
    padding = min(padding, *(k // 2 for k in both(kernel)))
    x = torch.arange(2.0 * 3 * 9 * 10).sin().reshape(2, 3, 9, 10)
    expected = reference.max_pool2d(x, kernel, both(kernel), padding)
    assert_equal(student.max_pool2d(x, kernel, padding=padding, **options), expected)


@exercise("max_pool2d", weight=0.5)
@given(call=pool_calls(low=-99, high=99), offset=sampled_from([-500.0, -100.0, 100.0]))
def test_order_is_all_that_counts(student, reference, call, offset):
    """A pixel value that is doubled and moved by an offset for all pixels is so in the maxima."""
    x, *options = call
    like = reference.max_pool2d(x, *options)
    maxima = values(student.max_pool2d(x, *options), like, x.dtype)
    # whole numbers: no rounding
    expected = (2 * maxima + offset).to(x.dtype)
    assert_equal(student.max_pool2d(2 * x + offset, *options), expected)


@exercise("max_pool2d", weight=0.5)
@given(call=pool_calls())
def test_maxima_of_rows_then_of_columns(student, reference, call):
    """Pooling along one axis and then along the other is as good as both at once."""
    x, (kh, kw), (sh, sw), (ph, pw) = call
    rows = student.max_pool2d(x, (1, kw), (1, sw), (0, pw))
    assert_that(isinstance(rows, torch.Tensor), "expected a tensor", rows)
    expected = reference.max_pool2d(x, (kh, kw), (sh, sw), (ph, pw))
    assert_equal(student.max_pool2d(rows, (kh, 1), (sh, 1), (ph, 0)), expected)


@exercise("max_pool2d", weight=0.5)
@given(call=pool_calls())
def test_maxima_of_each_channel_by_itself(student, reference, call):
    """Channels and images don't see each other: as images of one channel they give the same."""
    x, *options = call
    expected = reference.max_pool2d(x, *options)
    planes = x.flatten(0, 1).unsqueeze(1)
    assert_equal(student.max_pool2d(planes, *options), expected.flatten(0, 1).unsqueeze(1))


@exercise("max_pool2d", weight=0.75)
@given(call=pool_calls(), layout=layouts(2))
def test_maxima_of_any_layout(student, reference, call, layout):
    """An expanded or transposed input gives what a contiguous one does, and stays as it was."""
    x, *options = call
    x = laid_out(x, layout)
    assert_equal(student.again.max_pool2d(x, *options), reference.max_pool2d(x, *options))


@exercise("max_pool2d", weight=1)
@given(
    kernel=st.tuples(integers(2, 7), integers(2, 7)),
    axis=integers(0, 1),
    padded=st.booleans(),
    stride=STRIDES,
    dtype=FLOATS,
)
def test_window_of_maxima_fits(student, reference, kernel, axis, padded, stride, dtype):
    """A window as large as the padded image has one maximum; with a row or column less it raises.

    Padding may be half the kernel, rounded down; a pixel more raises ValueError.
    """
    half = tuple(k // 2 for k in kernel)
    padding = tuple((k - 1) // 2 for k in kernel) if padded else (0, 0)
    size = [k - 2 * p for k, p in zip(kernel, padding, strict=True)]
    x = -torch.arange(1.0, size[0] * size[1] + 1, dtype=dtype).reshape(1, 1, *size)
    one = torch.tensor([[[[-1.0]]]], dtype=dtype)
    assert_equal(student.max_pool2d(x, kernel, stride, padding), one)
    if size[axis] > 1:  # there is an image that is smaller
        smaller = x.narrow(axis + 2, 0, size[axis] - 1)
        assert_raises(ValueError, lambda: student.max_pool2d(smaller, kernel, stride, padding))
    large = torch.ones(1, 1, 9, 9, dtype=dtype)
    expected = reference.max_pool2d(large, kernel, 1, half)
    assert_equal(student.max_pool2d(large, kernel, 1, half), expected)
    beyond = tuple(h + (i == axis) for i, h in enumerate(half))
    assert_raises(ValueError, lambda: student.max_pool2d(large, kernel, 1, beyond))


POOLINGS_OUT_OF_RANGE = [
    {"kernel": 0},
    {"kernel": (0, 3)},
    {"kernel": (2, -1)},
    {"stride": 0},
    {"stride": (2, 0)},
    {"stride": (0, 2)},
    {"stride": (-1, -2)},
    {"padding": -1},
    {"padding": (1, -1)},
    {"padding": (-1, 0)},
]


@exercise("max_pool2d", weight=1)
@given(wrong=sampled_from(POOLINGS_OUT_OF_RANGE), dtype=FLOATS)
def test_max_pooling_out_of_range_raises(student, wrong, dtype):
    """A kernel or stride below 1, or a padding below 0, raises ValueError, on either axis."""
    x = torch.ones(1, 2, 8, 9, dtype=dtype)
    right = {"kernel": (2, 3), "stride": (1, 2), "padding": 0}
    assert_raises(ValueError, lambda: student.max_pool2d(x, **right | wrong))


@exercise("max_pool2d", weight=0.25)
@given(call=pool_calls(INTEGERS.filter(lambda dtype: dtype.is_signed), low=-9, high=-1))
def test_maxima_of_whole_numbers(student, reference, call):
    """An integer image raises, or is pooled; the values are right then, negative ones too."""
    x, *options = call
    expected = reference.max_pool2d(x.double(), *options)
    assert_right_if_any(lambda: student.max_pool2d(x, *options), expected)


# --- avg_pool2d ------------------------------------------------------------------------------


@exercise("avg_pool2d", weight=3)
@given(call=pool_calls())
def test_means_match_the_reference(student, reference, call):
    """The output is each window's sum over its whole area, for any structure."""
    x, kernel, *options = call
    expected = reference.avg_pool2d(x.double(), kernel, *options)
    answer = student.avg_pool2d(x, kernel, *options)
    kh, kw = kernel
    assert_close(answer, expected, dtype=x.dtype, terms=kh * kw, scale=heap(x, kernel))


@exercise("avg_pool2d", weight=1.5)
@given(kernel=pairs(1, 4), padding=integers(0, 1), options=sampled_from([{}, {"stride": None}]))
def test_mean_windows_lie_side_by_side(student, reference, kernel, padding, options):
    """Without a stride, or with None, it is the kernel, on each axis its own."""
    padding = min(padding, *(k // 2 for k in both(kernel)))
    # whole numbers: their sums don't round
    x = (torch.arange(2.0 * 3 * 9 * 10) * 7 % 19 - 9).reshape(2, 3, 9, 10)
    expected = reference.avg_pool2d(x.double(), kernel, both(kernel), padding)
    answer = student.avg_pool2d(x, kernel, padding=padding, **options)
    assert_close(answer, expected, dtype=torch.float32, terms=both(kernel)[0] * both(kernel)[1])


@exercise("avg_pool2d", weight=0.5)
@given(
    kernel=st.tuples(integers(1, 4), integers(1, 4)),
    count=st.tuples(integers(1, 3), integers(1, 3)),
    seed=seeds(),
    dtype=FLOATS,
)
def test_sum_is_kept(student, kernel, count, seed, dtype):
    """Where the windows cover the image without overlap, means times area add up to its sum."""
    (kh, kw), (rows, columns) = kernel, count
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(1, 9, (2, 3, kh * rows, kw * columns), generator=generator).to(dtype)
    like = torch.empty(2, 3, rows, columns)
    means = values(student.avg_pool2d(x, kernel), like, dtype)
    total = (means * (kh * kw)).sum(dim=(2, 3)).to(dtype)
    expected = x.double().sum(dim=(2, 3))
    assert_close(total, expected, dtype=dtype, terms=kh * kw)


@exercise("avg_pool2d", weight=0.5)
@given(call=pool_calls())
def test_means_of_each_channel_by_itself(student, reference, call):
    """Channels and images don't see each other, and rows can be averaged before columns."""
    x, (kh, kw), (sh, sw), (ph, pw) = call
    expected = reference.avg_pool2d(x.double(), (kh, kw), (sh, sw), (ph, pw))
    planes = x.flatten(0, 1).unsqueeze(1)
    expected = expected.flatten(0, 1).unsqueeze(1)
    rows = student.avg_pool2d(planes, (1, kw), (1, sw), (0, pw))
    assert_that(isinstance(rows, torch.Tensor), "expected a tensor", rows)
    answer = student.avg_pool2d(rows, (kh, 1), (sh, 1), (ph, 0))
    scale = heap(x, (kh, kw))
    assert_close(answer, expected, dtype=x.dtype, terms=kh + kw, scale=scale)


@exercise("avg_pool2d", weight=0.75)
@given(call=pool_calls(), layout=layouts(2))
def test_means_of_any_layout(student, reference, call, layout):
    """An expanded or transposed input gives what a contiguous one does, and stays as it was."""
    x, (kh, kw), *options = call
    x = laid_out(x, layout)
    expected = reference.avg_pool2d(x.double(), (kh, kw), *options)
    answer = student.again.avg_pool2d(x, (kh, kw), *options)
    assert_close(answer, expected, dtype=x.dtype, terms=kh * kw, scale=heap(x, (kh, kw)))


@exercise("avg_pool2d", weight=1)
@given(
    kernel=st.tuples(integers(2, 7), integers(2, 7)),
    axis=integers(0, 1),
    padded=st.booleans(),
    stride=STRIDES,
    dtype=FLOATS,
)
def test_window_of_means_fits(student, reference, kernel, axis, padded, stride, dtype):
    """A window as large as the padded image has one mean; with a row or column less it raises.

    Padding may be half the kernel, rounded down; a pixel more raises ValueError.
    """
    half = tuple(k // 2 for k in kernel)
    padding = tuple((k - 1) // 2 for k in kernel) if padded else (0, 0)
    size = [k - 2 * p for k, p in zip(kernel, padding, strict=True)]
    x = torch.ones(1, 1, *size, dtype=dtype)
    options = {"dtype": dtype, "terms": kernel[0] * kernel[1]}
    one = reference.avg_pool2d(x.double(), kernel, stride, padding)
    assert_close(student.avg_pool2d(x, kernel, stride, padding), one, **options)
    if size[axis] > 1:
        smaller = x.narrow(axis + 2, 0, size[axis] - 1)
        assert_raises(ValueError, lambda: student.avg_pool2d(smaller, kernel, stride, padding))
    large = torch.ones(1, 1, 9, 9, dtype=dtype)
    expected = reference.avg_pool2d(large.double(), kernel, 1, half)
    answer = student.avg_pool2d(large, kernel, 1, half)
    assert_close(answer, expected, **options, scale=heap(large, kernel))
    beyond = tuple(h + (i == axis) for i, h in enumerate(half))
    assert_raises(ValueError, lambda: student.avg_pool2d(large, kernel, 1, beyond))


@exercise("avg_pool2d", weight=0.75)
@given(wrong=sampled_from(POOLINGS_OUT_OF_RANGE), dtype=FLOATS)
def test_avg_pooling_out_of_range_raises(student, wrong, dtype):
    """A kernel or stride below 1, or a padding below 0, raises ValueError, on either axis."""
    x = torch.ones(1, 2, 8, 9, dtype=dtype)
    right = {"kernel": (2, 3), "stride": (1, 2), "padding": 0}
    assert_raises(ValueError, lambda: student.avg_pool2d(x, **right | wrong))


@exercise("avg_pool2d", weight=0.25)
@given(
    x=tensors((1, 2, 4, 6), dtype=INTEGERS, low=0, high=200),
    kernel=st.tuples(sampled_from([1, 2, 4]), sampled_from([1, 2, 4])),
)
def test_means_of_whole_numbers(student, reference, x, kernel):
    """An integer image raises, or is averaged; the means are right then, not cut off."""
    expected = reference.avg_pool2d(x.double(), kernel)
    closeness = {"terms": kernel[0] * kernel[1], "scale": heap(x, kernel)}
    assert_right_if_any(lambda: student.avg_pool2d(x, kernel), expected, **closeness)


# --- im2col ----------------------------------------------------------------------------------


@exercise("im2col", weight=3)
@given(call=im2col_calls())
def test_columns_match_the_reference(student, reference, call):
    """Element (c, i, j) of window (h, w) is where the formula has it, for any structure."""
    x, *options = call
    assert_equal(student.im2col(x, *options), reference.im2col(x, *options))


@exercise("im2col", weight=0.5)
@given(
    x=tensors((2, 2, 5, 7), dtype=FLOATS),
    kernel=integers(1, 3),
    stride=integers(1, 3),
    padding=integers(0, 3),
)
def test_an_int_means_both_axes_of_a_window(student, reference, x, kernel, stride, padding):
    """One int for kernel, stride or padding is the pair of it twice."""
    expected = reference.im2col(x, (kernel,) * 2, (stride,) * 2, (padding,) * 2)
    answer = student.im2col(x, kernel, stride=stride, padding=padding)
    assert_equal(answer, expected)


@exercise("im2col", weight=0.5)
@given(call=im2col_calls(), kernels=integers(1, 3), seed=seeds())
def test_convolution_is_a_matrix_product(student, reference, call, kernels, seed):
    """The kernels as rows, times the columns, are the convolution."""
    x, kernel, stride, padding = call
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(kernels, x.shape[1], *kernel, generator=generator, dtype=torch.float64)
    like = reference.im2col(x, kernel, stride, padding)
    columns = values(student.im2col(x, kernel, stride, padding), like, x.dtype)
    expected = reference.conv2d(x.double(), weight, None, stride, padding).flatten(2)
    product = weight.flatten(1) @ columns
    scale = reach(x, weight)
    assert_close(product, expected, dtype=torch.float64, terms=terms(weight), scale=scale)


@exercise("im2col", weight=0.75)
@given(call=im2col_calls(), layout=layouts(2))
def test_columns_of_any_layout(student, reference, call, layout):
    """An expanded or transposed input gives what a contiguous one does, and stays as it was."""
    x, *options = call
    x = laid_out(x, layout)
    assert_equal(student.again.im2col(x, *options), reference.im2col(x, *options))


@exercise("im2col", weight=1)
@given(
    kernel=st.tuples(integers(2, 4), integers(2, 4)),
    axis=integers(0, 1),
    padding=integers(0, 1),
    stride=integers(1, 3),
    dtype=FLOATS,
)
def test_window_fits_the_padded_image(student, reference, kernel, axis, padding, stride, dtype):
    """A window as large as the padded image is one column; with a row or column less it raises."""
    paddings = tuple(min(padding, (k - 2) // 2) for k in kernel)  # two pixels are no padding
    size = [k - 2 * p for k, p in zip(kernel, paddings, strict=True)]
    x = torch.arange(1.0, size[0] * size[1] + 1, dtype=dtype).reshape(1, 1, *size)
    expected = reference.im2col(x, kernel, stride, paddings)
    assert_equal(student.im2col(x, kernel, stride, paddings), expected)
    smaller = x.narrow(axis + 2, 0, size[axis] - 1)
    assert_raises(ValueError, lambda: student.im2col(smaller, kernel, stride, paddings))


@exercise("im2col", weight=0.75)
@given(wrong=sampled_from(POOLINGS_OUT_OF_RANGE), dtype=FLOATS)
def test_columns_out_of_range_raise(student, wrong, dtype):
    """A kernel or stride below 1, or a padding below 0, raises ValueError, on either axis."""
    x = torch.ones(1, 2, 8, 9, dtype=dtype)
    right = {"kernel": (2, 3), "stride": (1, 2), "padding": 0}
    assert_raises(ValueError, lambda: student.im2col(x, **right | wrong))


@exercise("im2col", weight=0.25)
@given(call=im2col_calls(INTEGERS))
def test_columns_of_whole_numbers(student, reference, call):
    """An integer image raises, or is unfolded; the values are right then."""
    x, *options = call
    expected = reference.im2col(x.double(), *options)
    assert_right_if_any(lambda: student.im2col(x, *options), expected)

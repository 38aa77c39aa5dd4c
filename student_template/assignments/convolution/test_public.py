"""Public checks of `convolution`: PyTorch's own operators, and laws that can be seen by eye.

What is forbidden to your code is the oracle here: these calls run in the check, not in yours.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from hypothesis.strategies import booleans, integers, sampled_from

from autograder.checks import assert_close, assert_equal, exercise, given, tensors

FLOATS = sampled_from([torch.float32, torch.float64])


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
    shape = [draw(integers(1, most)) for most in (3, 3, 5, 5)]
    return draw(tensors(shape, dtype=draw(FLOATS)))


@st.composite
def conv_calls(draw: st.DrawFn, axes: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """(x, weight, bias) and the options of a convolution that fits, over one axis or two.

    What is left out keeps its default.
    """
    some = pairs if axes == 2 else integers
    options = draw(
        st.fixed_dictionaries(
            {}, optional={"stride": some(1, 3), "padding": some(0, 4), "dilation": some(1, 3)}
        )
    )
    kernel = draw(st.tuples(*[integers(1, 3)] * axes))
    padding, dilation = both(options.get("padding", 0)), both(options.get("dilation", 1))
    sizes = []
    for k, p, d in zip(kernel, padding, dilation, strict=False):
        smallest = max(1, d * (k - 1) + 1 - 2 * p)
        sizes.append(draw(integers(smallest, smallest + 5)))
    n, c, o = draw(st.tuples(integers(1, 3), integers(1, 3), integers(1, 3)))
    dtype = draw(FLOATS)
    x = draw(tensors((n, c, *sizes), dtype=dtype))
    weight = draw(tensors((o, c, *kernel), dtype=dtype))
    bias = draw(st.none() | tensors((o,), dtype=dtype))
    return (x, weight, bias), options


@st.composite
def pool_calls(draw: st.DrawFn) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """(x, kernel) and the options of a pooling that fits; what is left out keeps its default."""
    kernel = draw(pairs(1, 4))
    kh, kw = both(kernel)
    paddings = st.tuples(integers(0, kh // 2), integers(0, kw // 2))
    if isinstance(kernel, int):
        paddings |= integers(0, kernel // 2)
    options = draw(st.fixed_dictionaries({}, optional={"stride": pairs(1, 3), "padding": paddings}))
    sizes = [
        draw(integers(max(1, k - 2 * p), k + 5))
        for k, p in zip((kh, kw), both(options.get("padding", 0)), strict=True)
    ]
    shape = (draw(integers(1, 3)), draw(integers(1, 3)), *sizes)
    return (draw(tensors(shape, dtype=draw(FLOATS))), kernel), options


@st.composite
def im2col_calls(draw: st.DrawFn) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """(x, kernel) and the options of an unfolding that fits; what is left out keeps its default."""
    kernel = draw(pairs(1, 3))
    options = draw(
        st.fixed_dictionaries({}, optional={"stride": pairs(1, 3), "padding": pairs(0, 3)})
    )
    sizes = [
        draw(integers(max(1, k - 2 * p), k + 4))
        for k, p in zip(both(kernel), both(options.get("padding", 0)), strict=True)
    ]
    shape = (draw(integers(1, 3)), draw(integers(1, 3)), *sizes)
    return (draw(tensors(shape, dtype=draw(FLOATS))), kernel), options


def image(*rows: list[float]) -> torch.Tensor:
    """A batch of one image with one channel."""
    return torch.tensor([[list(rows)]], dtype=torch.float32)


# --- the size of rounding errors -------------------------------------------------------------


def double(tensor: torch.Tensor | None) -> torch.Tensor | None:
    """The same numbers in float64, in which the oracle computes."""
    return None if tensor is None else tensor.double()


def reach(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> float:
    """How large an output can be: ‖x‖·‖w‖ by Cauchy and Schwarz, and the bias.

    Products cancel, and rounding errors are relative to what cancelled. The error of a
    convolution by FFT is relative to this product as well.
    """
    norms = x.double().flatten(1).norm(dim=1).max() * weight.double().flatten(1).norm(dim=1).max()
    return float(norms + (0 if bias is None else bias.double().abs().max()))


def terms(weight: torch.Tensor) -> int:
    """How many numbers are added up for one output: C·kh·kw products and the bias."""
    return weight[0].numel() + 1


def heap(x: torch.Tensor, kernel: int | tuple[int, int]) -> float:
    """How large a mean can be that is taken of sums over a whole plane of x (summed areas)."""
    kh, kw = both(kernel)
    return float(x.double().abs().sum(dim=(2, 3)).max()) / (kh * kw)


# --- pad2d -----------------------------------------------------------------------------------


@exercise("pad2d", weight=3)
@given(
    x=images(),
    padding=pairs(0, 3),
    options=st.fixed_dictionaries(
        {}, optional={"value": sampled_from([0.0, 1.0, -2.5, -torch.inf])}
    ),
)
def test_frame_matches_pytorch(student, x, padding, options):
    """The padded image is that of PyTorch's F.pad, with the same frame on opposite sides."""
    ph, pw = both(padding)
    expected = F.pad(x, (pw, pw, ph, ph), **options)
    assert_equal(student.pad2d(x, padding, **options), expected)


@exercise("pad2d", weight=1)
def test_first_number_is_rows(student):
    """The first number of a pair adds rows above and below, the second columns on both sides."""
    x = image([1, 2], [3, 4])
    rows = image([0, 0], [1, 2], [3, 4], [0, 0])
    assert_equal(student.pad2d(x, (1, 0)), rows)
    columns = image([9, 9, 1, 2, 9, 9], [9, 9, 3, 4, 9, 9])
    assert_equal(student.pad2d(x, (0, 2), value=9.0), columns)


@exercise("pad2d", weight=0)
def test_pad2d_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.pad2d(torch.ones(1, 1, 2, 2), 1)


# --- conv1d ----------------------------------------------------------------------------------


@exercise("conv1d", weight=3)
@given(call=conv_calls(axes=1))
def test_signal_matches_pytorch(student, call):
    """The output equals that of PyTorch's F.conv1d, whatever the stride, padding and dilation."""
    (x, weight, bias), options = call
    expected = F.conv1d(x.double(), weight.double(), double(bias), **options)
    answer = student.conv1d(x, weight, bias, **options)
    assert_close(answer, expected, dtype=x.dtype, terms=terms(weight), scale=reach(x, weight, bias))


@exercise("conv1d", weight=1.5)
@given(
    element=integers(0, 2),
    stride=integers(1, 3),
    padding=integers(0, 4),
    dilation=integers(1, 2),
    length=integers(5, 9),
)
def test_single_one_in_the_kernel_picks(student, element, stride, padding, dilation, length):
    """A kernel whose only one is at place i picks every s-th sample, from i·d of the padded x."""
    x = torch.arange(1.0, length + 1).reshape(1, 1, length)
    weight = torch.zeros(1, 1, 3)
    weight[0, 0, element] = 1
    padded = [0.0] * padding + x.flatten().tolist() + [0.0] * padding
    windows = range(0, len(padded) - 2 * dilation, stride)
    expected = torch.tensor([[[padded[start + element * dilation] for start in windows]]])
    answer = student.conv1d(x, weight, None, stride, padding, dilation)
    assert_close(answer, expected, dtype=torch.float32, terms=4, scale=float(x.norm()))


@exercise("conv1d", weight=1)
def test_signal_by_hand(student):
    """The kernel (1, 0, −1) takes from each sample the one two places further on."""
    x = torch.tensor([[[1.0, 4.0, 9.0, 16.0, 25.0]]])
    weight = torch.tensor([[[1.0, 0.0, -1.0]]])
    options = {"dtype": torch.float32, "terms": 4, "scale": 50}
    assert_close(student.conv1d(x, weight), torch.tensor([[[-8.0, -12.0, -16.0]]]), **options)
    # two equal input channels: everything twice, but the bias once
    both_channels = x.repeat(1, 2, 1), weight.repeat(1, 2, 1)
    expected = torch.tensor([[[-6.0, -14.0, -22.0]]])
    assert_close(student.conv1d(*both_channels, torch.tensor([10.0])), expected, **options)


@exercise("conv1d", weight=0)
def test_conv1d_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    layer = torch.ones(1, 1, 4), torch.ones(1, 1, 2), torch.ones(1)
    student.portable.conv1d(*layer, stride=2, padding=1)


# --- conv2d ----------------------------------------------------------------------------------


@exercise("conv2d", weight=3)
@given(call=conv_calls(axes=2))
def test_image_matches_pytorch(student, call):
    """The output equals that of PyTorch's F.conv2d, whatever the pairs, square or not."""
    (x, weight, bias), options = call
    expected = F.conv2d(x.double(), weight.double(), double(bias), **options)
    answer = student.conv2d(x, weight, bias, **options)
    assert_close(answer, expected, dtype=x.dtype, terms=terms(weight), scale=reach(x, weight, bias))


@exercise("conv2d", weight=1.5)
@given(
    element=st.tuples(integers(0, 1), integers(0, 2)),
    stride=st.tuples(integers(1, 3), integers(1, 3)),
    padding=st.tuples(integers(0, 3), integers(0, 3)),
    dilation=st.tuples(integers(1, 2), integers(1, 2)),
    size=st.tuples(integers(3, 6), integers(5, 8)),
)
def test_single_one_in_the_kernel_moves_the_image(
    student, element, stride, padding, dilation, size
):
    """A kernel whose only one is at (i, j) shows every s-th pixel, from (i·d, j·e) on."""
    x = torch.arange(1.0, size[0] * size[1] + 1).reshape(1, 1, *size)
    weight = torch.zeros(1, 1, 2, 3)
    weight[0, 0, element[0], element[1]] = 1
    padded = torch.zeros(size[0] + 2 * padding[0], size[1] + 2 * padding[1])
    padded[padding[0] : padding[0] + size[0], padding[1] : padding[1] + size[1]] = x[0, 0]
    rows = [r + element[0] * dilation[0] for r in range(0, len(padded) - dilation[0], stride[0])]
    last = padded.shape[1] - 2 * dilation[1]
    columns = [c + element[1] * dilation[1] for c in range(0, last, stride[1])]
    expected = padded[rows][:, columns][None, None]
    answer = student.conv2d(x, weight, None, stride, padding, dilation)
    assert_close(answer, expected, dtype=torch.float32, terms=6, scale=float(x.norm()))


@exercise("conv2d", weight=1)
def test_image_by_hand(student):
    """The handout's example: an edge is found, channels are added up, the bias is added once."""
    x = image([1, 1, 5, 5], [1, 1, 5, 5], [1, 1, 5, 9])
    weight = image([-1, 1], [-2, 2])
    options = {"dtype": torch.float32, "terms": 9, "scale": 60}
    assert_close(student.conv2d(x, weight), image([0, 12, 0], [0, 12, 8]), **options)
    assert_close(student.conv2d(x, weight, stride=(1, 2)), image([0, 0], [0, 8]), **options)
    two = torch.cat([x, 2 * x], dim=1), torch.cat([weight, weight], dim=1)
    expected = image([0.5, 36.5, 0.5], [0.5, 36.5, 24.5])
    assert_close(student.conv2d(*two, torch.tensor([0.5])), expected, **options)


@exercise("conv2d", weight=0)
def test_conv2d_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    layer = torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2), torch.ones(1)
    student.portable.conv2d(*layer, stride=2, padding=1)


# --- max_pool2d ------------------------------------------------------------------------------


@exercise("max_pool2d", weight=3)
@given(call=pool_calls())
def test_maxima_match_pytorch(student, call):
    """The output equals that of PyTorch's F.max_pool2d, whatever the pairs, square or not."""
    (x, kernel), options = call
    assert_equal(student.max_pool2d(x, kernel, **options), F.max_pool2d(x, kernel, **options))


@exercise("max_pool2d", weight=2)
@given(call=pool_calls(), below=sampled_from([1.0, 1e3, 1e12, 1e30]))
def test_padding_never_wins(student, call, below):
    """Where all pixels are negative, however large, so are all maxima, at the border too."""
    (x, kernel), options = call
    x = -below * (x.abs() + 1)
    assert_equal(student.max_pool2d(x, kernel, **options), F.max_pool2d(x, kernel, **options))


@exercise("max_pool2d", weight=1)
def test_maxima_by_hand(student):
    """Windows lie side by side by default; pixels left over at the end are seen by none."""
    x = image([1, 3, 2, 9], [4, 2, 1, 9], [7, 0, -1, 9], [8, 8, 8, 8], [9, 9, 9, 9])
    assert_equal(student.max_pool2d(x, 2), image([4, 9], [8, 9]))
    assert_equal(student.max_pool2d(x, (2, 3)), image([4], [8]))
    assert_equal(student.max_pool2d(x[:, :, :3], 2, stride=1), image([4, 3, 9], [7, 2, 9]))
    assert_equal(student.max_pool2d(-x[:, :, :2], 2, padding=1), image([-1, -2, -9], [-4, -1, -9]))


@exercise("max_pool2d", weight=0)
def test_max_pool2d_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.max_pool2d(torch.ones(1, 1, 4, 4), 2, padding=1)


# --- avg_pool2d ------------------------------------------------------------------------------


@exercise("avg_pool2d", weight=3)
@given(call=pool_calls())
def test_means_match_pytorch(student, call):
    """The output equals that of PyTorch's F.avg_pool2d, which counts the padding as zeros."""
    (x, kernel), options = call
    kh, kw = both(kernel)
    expected = F.avg_pool2d(x.double(), kernel, **options)
    answer = student.avg_pool2d(x, kernel, **options)
    assert_close(answer, expected, dtype=x.dtype, terms=kh * kw, scale=heap(x, kernel))


@exercise("avg_pool2d", weight=1)
def test_means_by_hand(student):
    """The sum of a window is divided by its whole area, also where a part of it is padding."""
    x = image([4, 8, 12], [12, 16, 20])
    options = {"dtype": torch.float32, "terms": 4, "scale": 36}
    assert_close(student.avg_pool2d(x, 2), image([10]), **options)
    assert_close(student.avg_pool2d(x, (2, 1), stride=1), image([8, 12, 16]), **options)
    expected = image([1, 5], [3, 9])
    assert_close(student.avg_pool2d(x, 2, padding=1), expected, **options)


@exercise("avg_pool2d", weight=0)
def test_avg_pool2d_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.avg_pool2d(torch.ones(1, 1, 4, 4), 2, padding=1)


# --- im2col ----------------------------------------------------------------------------------


@exercise("im2col", weight=3)
@given(call=im2col_calls())
def test_columns_match_pytorch(student, call):
    """The columns equal those of PyTorch's F.unfold, element for element."""
    (x, kernel), options = call
    expected = F.unfold(x, kernel, **options)
    assert_equal(student.im2col(x, kernel, **options), expected)


@exercise("im2col", weight=1)
@given(channels=integers(1, 2), flipped=booleans())
def test_each_window_is_a_column(student, channels, flipped):
    """Column t holds window t, channel by channel and row by row."""
    x = torch.arange(1.0, 12 * channels + 1).reshape(1, channels, 3, 4)
    x = -x if flipped else x
    # windows of 2 by 3: two places from top to bottom, two from left to right
    places = [(0, 0), (0, 1), (1, 0), (1, 1)]
    windows = [x[0, :, r : r + 2, c : c + 3].flatten() for r, c in places]
    assert_equal(student.im2col(x, (2, 3)), torch.stack(windows, dim=1)[None])


@exercise("im2col", weight=0)
def test_im2col_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.im2col(torch.ones(1, 1, 4, 4), 2, padding=1)

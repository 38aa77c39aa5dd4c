"""Hidden checks of `shapes`: laws of the arithmetic, the reference, and what has to raise."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import booleans, integers

from autograder.checks import assert_equal, assert_raises, exercise, given


@st.composite
def conv_arguments(draw: st.DrawFn) -> tuple[int, int, int, int, int]:
    """(n, kernel, stride, padding, dilation) of a convolution that fits."""
    kernel, stride = draw(integers(1, 7)), draw(integers(1, 6))
    padding, dilation = draw(integers(0, 5)), draw(integers(1, 5))
    smallest = max(1, dilation * (kernel - 1) + 1 - 2 * padding)
    return draw(integers(smallest, smallest + 40)), kernel, stride, padding, dilation


@st.composite
def pool_arguments(draw: st.DrawFn) -> tuple[int, int, int, int, bool]:
    """(n, kernel, stride, padding, ceil_mode) of a pooling that fits."""
    kernel, stride = draw(integers(1, 7)), draw(integers(1, 9))
    padding = draw(integers(0, kernel // 2))
    smallest = max(1, kernel - 2 * padding)
    n = draw(integers(smallest, smallest + 40))
    return n, kernel, stride, padding, draw(booleans())


@st.composite
def window_layers(draw: st.DrawFn) -> dict[str, Any]:
    """A `conv` or `pool`; what is left out keeps its default."""
    kernel = draw(integers(1, 5))
    options = {"stride": integers(1, 4)}
    if draw(booleans()):
        layer = {"kind": "pool", "kernel": kernel}
        options["padding"] = integers(0, kernel // 2)
    else:
        layer = {"kind": "conv", "out": draw(integers(1, 16)), "kernel": kernel}
        options |= {"padding": integers(0, 3), "dilation": integers(1, 3)}
    return layer | draw(st.fixed_dictionaries({}, optional=options))


def plain_layers() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Up to two layers that change no shape."""
    kinds = st.sampled_from(["relu", "batchnorm", "dropout"])
    return st.lists(kinds.map(lambda kind: {"kind": kind}), max_size=2)


def convolutional() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Layers of which up to three have windows."""
    windows = st.lists(st.tuples(window_layers(), plain_layers()), min_size=1, max_size=3)
    return windows.map(lambda pairs: [one for layer, others in pairs for one in (layer, *others)])


@st.composite
def dense_networks(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Layers for flat input, which flatten leaves as it is."""
    flatten = st.sampled_from([[], [{"kind": "flatten"}]])
    layers = draw(flatten)
    for out in draw(st.lists(integers(1, 99), min_size=1, max_size=3)):
        layers = [*layers, {"kind": "dense", "out": out}, *draw(plain_layers()), *draw(flatten)]
    return layers


# Every three of `window_layers` fit into 325 pixels: two poolings by 5 in front of a convolution
# whose kernel spans 13.
IMAGES = st.tuples(integers(1, 3), integers(325, 350), integers(325, 350))


def assert_left_alone(student: Any, function: str, layers: list[Any], more: str = "") -> None:
    """A function reads a list of layers and does not change it."""
    lines = [f"from shapes import {function}", f"layers = {layers}"]
    [after] = student.program([*lines, f"{function}(layers{more})", "print(layers)"])
    assert_equal(after, layers)


# --- conv_out_size -------------------------------------------------------------------------


@exercise("conv_out_size", weight=2)
@given(arguments=conv_arguments())
def test_matches_the_formula(student, reference, arguments):
    """The size is the formula's, whatever the five arguments are."""
    assert_equal(student.conv_out_size(*arguments), reference.conv_out_size(*arguments))


@exercise("conv_out_size", weight=1)
@given(arguments=conv_arguments())
def test_padding_is_a_larger_input(student, arguments):
    """Padding p is as good as an input of n + 2p pixels without padding."""
    n, kernel, stride, padding, dilation = arguments
    padded = student.conv_out_size(n, kernel, stride, padding, dilation)
    larger = student.conv_out_size(n + 2 * padding, kernel, stride=stride, dilation=dilation)
    assert_equal(padded, larger)
    assert_equal(larger, (n + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1)


@exercise("conv_out_size", weight=2)
@given(kernel=integers(1, 6), dilation=integers(1, 4), stride=integers(1, 4))
def test_kernel_has_to_fit(student, kernel, dilation, stride):
    """A kernel that spans all of the input gives one output; with a pixel less it raises."""
    span = dilation * (kernel - 1) + 1
    assert_equal(student.conv_out_size(span, kernel, stride, dilation=dilation), 1)
    if span > 1:
        assert_raises(
            ValueError,
            lambda: student.conv_out_size(span - 1, kernel, stride, dilation=dilation),
        )
    if span > 3:
        assert_equal(student.conv_out_size(span - 2, kernel, stride, 1, dilation), 1)
        assert_raises(
            ValueError, lambda: student.conv_out_size(span - 3, kernel, stride, 1, dilation)
        )


@exercise("conv_out_size", weight=1)
@given(
    wrong=st.sampled_from(["n", "kernel", "stride", "dilation", "padding"]), below=integers(0, 3)
)
def test_arguments_out_of_range_raise(student, wrong, below):
    """A size, kernel, stride or dilation below 1, or a padding below 0, raises ValueError."""
    right = {"n": 9, "kernel": 3, "stride": 2, "padding": 1, "dilation": 2}
    value = -1 - below if wrong == "padding" else -below
    assert_equal(student.conv_out_size(**right), 4)
    assert_raises(ValueError, lambda: student.conv_out_size(**right | {wrong: value}))
    # with room to spare, so that it can't be raised because nothing fits
    roomy = right | {"kernel": 1, "padding": 4}
    assert_raises(ValueError, lambda: student.conv_out_size(**roomy | {wrong: value}))


# --- pool_out_size -------------------------------------------------------------------------


@exercise("pool_out_size", weight=2)
@given(arguments=pool_arguments())
def test_matches_the_rule(student, reference, arguments):
    """The size is PyTorch's, with and without ceil mode."""
    assert_equal(student.pool_out_size(*arguments), reference.pool_out_size(*arguments))


@exercise("pool_out_size", weight=1.5)
@given(windows=integers(1, 9), rest=integers(0, 6), kernel=integers(1, 7))
def test_stride_defaults_to_the_kernel(student, windows, rest, kernel):
    """Without a stride, windows lie side by side; what is left over counts in ceil mode only."""
    rest %= kernel
    n = windows * kernel + rest
    assert_equal(student.pool_out_size(n, kernel), windows)
    assert_equal(student.pool_out_size(n, kernel, None), windows)
    assert_equal(student.pool_out_size(n, kernel, ceil_mode=True), windows + (rest > 0))


@exercise("pool_out_size", weight=1)
@given(kernel=integers(1, 7), stride=integers(1, 7), padding=integers(0, 3))
def test_last_window_starts_inside(student, kernel, stride, padding):
    """In ceil mode the last window starts before the right padding, and no window is missing."""
    padding = min(padding, kernel // 2)
    for n in range(max(1, kernel - 2 * padding), kernel + 2 * stride):
        size = student.pool_out_size(n, kernel, stride, padding=padding, ceil_mode=True)
        starts = range(0, n + padding, stride)
        # a window follows another one only where that one leaves pixels of the padded input over
        counted = [start for start in starts if start - stride + kernel < n + 2 * padding]
        assert_equal(size, max(1, len(counted)))


@exercise("pool_out_size", weight=1)
@given(half=integers(1, 4), odd=booleans(), n=integers(9, 20), ceil_mode=booleans())
def test_padding_of_half_the_kernel_at_most(student, reference, half, odd, n, ceil_mode):
    """Padding may be half the kernel, rounded down; more raises ValueError, as in PyTorch."""
    kernel = 2 * half + odd
    expected = reference.pool_out_size(n, kernel, 1, half, ceil_mode)
    assert_equal(student.pool_out_size(n, kernel, 1, half, ceil_mode), expected)
    assert_raises(ValueError, lambda: student.pool_out_size(n, kernel, 1, half + 1, ceil_mode))


@exercise("pool_out_size", weight=1)
@given(
    wrong=st.sampled_from(["n", "kernel", "stride", "padding"]),
    below=integers(0, 3),
    kernel=integers(2, 5),
)
def test_window_out_of_range_raises(student, wrong, below, kernel):
    """Sizes and strides below 1, padding below 0, or a kernel that doesn't fit raise ValueError."""
    right = {"n": kernel, "kernel": kernel, "stride": 2, "padding": 0}
    value = -1 - below if wrong == "padding" else -below
    assert_equal(student.pool_out_size(**right), 1)
    assert_raises(ValueError, lambda: student.pool_out_size(**right | {wrong: value}))
    # with room to spare, so that it can't be raised because nothing fits
    assert_raises(ValueError, lambda: student.pool_out_size(**right | {"n": 20, wrong: value}))
    half = kernel // 2
    assert_raises(ValueError, lambda: student.pool_out_size(0, 2 * half, 1, half))
    assert_raises(ValueError, lambda: student.pool_out_size(**right | {"n": kernel - 1}))


# --- same_padding --------------------------------------------------------------------------


@exercise("same_padding", weight=2)
@given(half=integers(0, 9), dilation=integers(1, 6))
def test_half_of_what_the_kernel_takes(student, half, dilation):
    """Stride 1 takes d(k−1) pixels away; the padding gives them back, half at each end."""
    assert_equal(student.same_padding(2 * half + 1), half)
    assert_equal(student.same_padding(2 * half + 1, dilation), half * dilation)


@exercise("same_padding", weight=1.5)
@given(half=integers(1, 6), dilation=integers(1, 6))
def test_the_span_decides_between_odd_and_even(student, half, dilation):
    """An even kernel raises ValueError unless dilation makes it span an odd number of pixels."""
    assert_equal(student.same_padding(2 * half, 2 * dilation), dilation * (2 * half - 1))
    assert_raises(ValueError, lambda: student.same_padding(2 * half, 2 * dilation - 1))
    assert_raises(ValueError, lambda: student.same_padding(2 * half))


@exercise("same_padding", weight=1)
@given(below=integers(0, 4), odd=integers(0, 3).map(lambda i: 2 * i + 1))
def test_kernel_and_dilation_start_at_1(student, below, odd):
    """A kernel or dilation below 1 raises ValueError; a kernel of 1 needs no padding."""
    assert_equal(student.same_padding(1, odd), 0)
    assert_raises(ValueError, lambda: student.same_padding(-below))
    assert_raises(ValueError, lambda: student.same_padding(odd, dilation=-below))


# --- conv_params ---------------------------------------------------------------------------


@exercise("conv_params", weight=2)
@given(
    fan=st.tuples(integers(1, 64), integers(1, 64)),
    groups=integers(1, 8),
    kernel=integers(1, 11) | st.tuples(integers(1, 11), integers(1, 11)),
    bias=booleans(),
)
def test_counts_as_the_reference_does(student, reference, fan, groups, kernel, bias):
    """Each output channel holds one weight for each pixel and channel it sees, and one bias."""
    arguments = (fan[0] * groups, fan[1] * groups, kernel, bias, groups)
    assert_equal(student.conv_params(*arguments), reference.conv_params(*arguments))


@exercise("conv_params", weight=1)
@given(channels=integers(1, 12), times=integers(1, 4), kh=integers(1, 7), kw=integers(1, 7))
def test_depthwise_sees_one_channel(student, channels, times, kh, kw):
    """With as many groups as input channels, an output channel holds one kernel and one bias."""
    out = channels * times
    number = student.conv_params(channels, out, (kh, kw), groups=channels)
    assert_equal(number, out * (kh * kw + 1))
    number = student.conv_params(channels, out, (kh, kw), bias=False, groups=channels)
    assert_equal(number, out * kh * kw)


@exercise("conv_params", weight=1)
@given(in_channels=integers(1, 20), out_channels=integers(1, 20), kernel=integers(1, 7))
def test_a_bias_for_each_output_channel(student, in_channels, out_channels, kernel):
    """With a bias, the default, there is one parameter more for each output channel."""
    weights = in_channels * out_channels * kernel**2
    assert_equal(student.conv_params(in_channels, out_channels, kernel, False), weights)
    assert_equal(student.conv_params(in_channels, out_channels, kernel), weights + out_channels)
    square = (kernel, kernel)
    assert_equal(student.conv_params(in_channels, out_channels, square), weights + out_channels)


@exercise("conv_params", weight=1)
@given(
    wrong=st.sampled_from(
        [
            {"in_channels": 0},
            {"in_channels": -2},
            {"out_channels": 0},
            {"out_channels": -1},
            {"kernel": 0},
            {"kernel": -3},
            {"kernel": (0, 4)},
            {"kernel": (3, 0)},
            {"kernel": (-3, -4)},
        ]
    )
)
def test_channels_and_kernel_start_at_1(student, wrong):
    """Channels or a kernel below 1 raise ValueError."""
    right = {"in_channels": 2, "out_channels": 3, "kernel": (3, 4)}
    assert_equal(student.conv_params(**right), 75)
    assert_raises(ValueError, lambda: student.conv_params(**right | wrong))


# --- dense_params --------------------------------------------------------------------------


@exercise("dense_params", weight=2)
@given(n_in=integers(1, 4000), n_out=integers(1, 4000), bias=booleans())
def test_a_weight_for_each_pair(student, reference, n_in, n_out, bias):
    """Each output holds one weight for each input, and one bias where there are biases."""
    expected = reference.dense_params(n_in, n_out, bias)
    assert_equal(student.dense_params(n_in, n_out, bias), expected)


@exercise("dense_params", weight=1.5)
@given(n_in=integers(1, 99), n_out=integers(1, 99))
def test_a_bias_for_each_output(student, n_in, n_out):
    """With biases, the default, there is one parameter more for each output."""
    assert_equal(student.dense_params(n_in, n_out, bias=False), n_in * n_out)
    assert_equal(student.dense_params(n_in, n_out), n_in * n_out + n_out)


@exercise("dense_params", weight=1)
@given(wrong=st.sampled_from(["n_in", "n_out"]), below=integers(0, 3), bias=booleans())
def test_features_start_at_1(student, wrong, below, bias):
    """A number of features below 1 raises ValueError."""
    right = {"n_in": 4, "n_out": 3, "bias": bias}
    assert_equal(student.dense_params(**right), 15 if bias else 12)
    assert_raises(ValueError, lambda: student.dense_params(**right | {wrong: -below}))


# --- trace_shapes --------------------------------------------------------------------------


@exercise("trace_shapes", weight=2)
@given(layers=convolutional(), shape=IMAGES)
def test_images_match_the_reference(student, reference, layers, shape):
    """Convolutions and poolings change an image's shape as their formulas say, on both axes."""
    assert_equal(student.trace_shapes(layers, shape), reference.trace_shapes(layers, shape))


@exercise("trace_shapes", weight=1)
@given(layers=dense_networks(), features=integers(1, 999))
def test_flat_input_needs_no_flatten(student, reference, layers, features):
    """A network of dense layers takes flat input, and each layer's size is its `out`."""
    expected = reference.trace_shapes(layers, (features,))
    assert_equal(student.trace_shapes(layers, (features,)), expected)


@exercise("trace_shapes", weight=1)
@given(layers=convolutional(), shape=IMAGES, tail=dense_networks())
def test_flatten_leaves_one_dimension(student, reference, layers, shape, tail):
    """Flatten multiplies channels, height and width into one number, as dense layers need it."""
    network = [*layers, {"kind": "flatten"}, *tail]
    assert_equal(student.trace_shapes(network, shape), reference.trace_shapes(network, shape))


@exercise("trace_shapes", weight=1)
@given(layers=convolutional(), shape=IMAGES)
def test_layers_are_not_changed(student, reference, layers, shape):
    """The list is after the call what it was before, and gives the same shapes again."""
    expected = reference.trace_shapes(layers, shape)
    assert_equal(student.again.trace_shapes(layers, shape), expected)
    assert_left_alone(student, "trace_shapes", layers, f", {shape}")


@exercise("trace_shapes", weight=1)
@given(
    kernel=integers(2, 5),
    axis=integers(0, 1),
    kind=st.sampled_from(["conv", "pool"]),
    options=st.fixed_dictionaries({}, optional={"stride": integers(1, 3)}),
)
def test_layers_have_to_fit(student, kernel, axis, kind, options):
    """A kernel that is larger than the padded image on either axis raises ValueError."""
    layer = {"kind": kind, "kernel": kernel} | ({"out": 2} if kind == "conv" else {}) | options
    size = [kernel, kernel]
    channels = 2 if kind == "conv" else 1
    assert_equal(student.trace_shapes([layer], (1, *size)), [(channels, 1, 1)])
    size[axis] -= 1
    assert_raises(ValueError, lambda: student.trace_shapes([layer], (1, *size)))


@exercise("trace_shapes", weight=1)
@given(layers=plain_layers(), kind=st.sampled_from(["attention", "upsample", "lstm", ""]))
def test_unknown_kinds_raise(student, layers, kind):
    """A kind of layer that is none of the seven raises ValueError."""
    shape = (1, 8, 8)
    assert_equal(student.trace_shapes(layers, shape), [shape] * len(layers))
    wrong = {"kind": kind, "out": 2, "kernel": 2}
    assert_raises(ValueError, lambda: student.trace_shapes([*layers, wrong], shape))


@exercise("trace_shapes", weight=1)
@given(shape=st.tuples(integers(1, 3), integers(1, 3), integers(1, 3)), out=integers(1, 9))
def test_dense_needs_flat_input(student, shape, out):
    """A dense layer on an image raises ValueError, even on one of a single pixel."""
    dense = {"kind": "dense", "out": out}
    flat = shape[0] * shape[1] * shape[2]
    assert_equal(student.trace_shapes([{"kind": "flatten"}, dense], shape), [(flat,), (out,)])
    assert_raises(ValueError, lambda: student.trace_shapes([dense], shape))


@exercise("trace_shapes", weight=1)
@given(
    wrong=st.sampled_from(
        [
            {"kind": "conv", "out": 0, "kernel": 3},
            {"kind": "conv", "out": 2, "kernel": 0},
            {"kind": "conv", "out": 2, "kernel": 3, "stride": 0},
            {"kind": "conv", "out": 2, "kernel": 3, "padding": -1},
            {"kind": "conv", "out": 2, "kernel": 3, "dilation": 0},
            {"kind": "conv", "out": 2, "kernel": 3, "stride": -1},
            {"kind": "pool", "kernel": 0},
            {"kind": "pool", "kernel": 3, "stride": 0},
            {"kind": "pool", "kernel": 2, "padding": -1},
            {"kind": "pool", "kernel": 2, "padding": 2},
            {"kind": "pool", "kernel": 3, "padding": 2},
            {"kind": "dense", "out": 0},
        ]
    ),
    half=integers(1, 4),
)
def test_layers_out_of_range_raise(student, wrong, half):
    """Out, kernel, stride or dilation below 1, or padding out of its range, raises ValueError."""
    right = {"kind": "pool", "kernel": 2 * half, "padding": half, "stride": 3}
    assert_equal(student.trace_shapes([right], (1, 9, 12)), [(1, 4, 5)])
    before = [right, {"kind": "flatten"}] if wrong["kind"] == "dense" else [right]
    assert_raises(ValueError, lambda: student.trace_shapes([*before, wrong], (1, 27, 27)))


# --- receptive_field -----------------------------------------------------------------------


@exercise("receptive_field", weight=2)
@given(layers=convolutional())
def test_field_matches_the_reference(student, reference, layers):
    """Each window widens the field by its span, in steps of all the strides before it."""
    assert_equal(student.receptive_field(layers), reference.receptive_field(layers))


@exercise("receptive_field", weight=1)
@given(layers=convolutional(), tail=dense_networks())
def test_other_layers_leave_the_field(student, reference, layers, tail):
    """Neither other kinds of layers nor padding change the field."""
    windows = [layer for layer in layers if layer["kind"] in ("conv", "pool")]
    bare = [{name: n for name, n in layer.items() if name != "padding"} for layer in windows]
    network = [*layers, {"kind": "flatten"}, *tail]
    assert_equal(student.receptive_field(network), reference.receptive_field(bare))


@exercise("receptive_field", weight=1)
@given(depth=integers(1, 5), kernel=integers(1, 5), stride=integers(1, 3), pooled=booleans())
def test_strides_multiply(student, depth, kernel, stride, pooled):
    """In a stack of equal layers the field grows by (kernel − 1)·strideⁱ with each of them."""
    layer = {"kind": "pool"} if pooled else {"kind": "conv", "out": 8}
    layers = [layer | {"kernel": kernel, "stride": stride}] * depth
    widened = sum((kernel - 1) * stride**i for i in range(depth))
    assert_equal(student.receptive_field(layers), 1 + widened)


@exercise("receptive_field", weight=1)
@given(kernel=integers(1, 7), dilation=integers(1, 5), pool=integers(1, 4))
def test_dilation_and_pooling_widen(student, kernel, dilation, pool):
    """A dilated kernel spans d(k−1) + 1 pixels, and a pooling before it spreads them apart."""
    conv = {"kind": "conv", "out": 4, "kernel": kernel, "dilation": dilation}
    before = {"kind": "pool", "kernel": pool}
    span = dilation * (kernel - 1) + 1
    assert_equal(student.receptive_field([conv]), span)
    assert_equal(student.receptive_field([before, conv]), pool * span)
    assert_equal(student.receptive_field([conv, before]), span + pool - 1)


@exercise("receptive_field", weight=0.5)
@given(layers=convolutional())
def test_layers_are_only_read(student, reference, layers):
    """The list is after the call what it was before, and gives the same field again."""
    expected = reference.receptive_field(layers)
    assert_equal(student.again.receptive_field(layers), expected)
    assert_left_alone(student, "receptive_field", layers)


@exercise("receptive_field", weight=0.5)
@given(
    case=st.sampled_from(
        [
            ("conv", "kernel"),
            ("conv", "stride"),
            ("conv", "dilation"),
            ("pool", "kernel"),
            ("pool", "stride"),
        ]
    ),
    below=integers(0, 2),
)
def test_kernels_and_strides_start_at_1(student, case, below):
    """A kernel, stride or dilation below 1 raises ValueError."""
    kind, wrong = case
    right = {"kind": kind, "kernel": 3, "stride": 2} | ({"out": 2} if kind == "conv" else {})
    assert_equal(student.receptive_field([right, right]), 7)
    assert_raises(ValueError, lambda: student.receptive_field([right, right | {wrong: -below}]))

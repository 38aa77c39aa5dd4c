"""Public checks of `shapes`: PyTorch's own layers say what is right."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from hypothesis.strategies import booleans, integers

from autograder.checks import assert_equal, assert_raises, assert_that, exercise, given

S0_CNN = [
    {"kind": "conv", "out": 32, "kernel": 3},
    {"kind": "relu"},
    {"kind": "conv", "out": 64, "kernel": 3},
    {"kind": "relu"},
    {"kind": "pool", "kernel": 2},
    {"kind": "dropout"},
    {"kind": "flatten"},
    {"kind": "dense", "out": 128},
    {"kind": "relu"},
    {"kind": "dropout"},
    {"kind": "dense", "out": 10},
]


def count(layer: torch.nn.Module) -> int:
    """The number of learnable parameters that a layer of PyTorch's holds."""
    return sum(parameter.numel() for parameter in layer.parameters())


@st.composite
def conv_arguments(draw: st.DrawFn) -> dict[str, int]:
    """Arguments of a convolution that fits; what is left out keeps its default."""
    kernel = draw(integers(1, 5))
    options = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "stride": integers(1, 4),
                "padding": integers(0, 3),
                "dilation": integers(1, 4),
            },
        )
    )
    span = options.get("dilation", 1) * (kernel - 1) + 1
    smallest = max(1, span - 2 * options.get("padding", 0))
    return {"n": draw(integers(smallest, smallest + 12)), "kernel": kernel, **options}


@st.composite
def pool_arguments(draw: st.DrawFn) -> dict[str, Any]:
    """Arguments of a pooling that fits; what is left out keeps its default."""
    kernel = draw(integers(1, 5))
    options = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "stride": integers(1, 6),
                "padding": integers(0, kernel // 2),
                "ceil_mode": booleans(),
            },
        )
    )
    smallest = max(1, kernel - 2 * options.get("padding", 0))
    return {"n": draw(integers(smallest, smallest + 12)), "kernel": kernel, **options}


@st.composite
def window_layers(draw: st.DrawFn, size: int) -> dict[str, Any]:
    """A `conv` or `pool` that fits into `size` pixels; what is left out keeps its default."""
    kernel = draw(integers(1, min(4, size)))
    if draw(booleans()):
        optional = {"stride": integers(1, 3), "padding": integers(0, kernel // 2)}
        layer = st.fixed_dictionaries(
            {"kind": st.just("pool"), "kernel": st.just(kernel)}, optional=optional
        )
    else:
        widest = (size - 1) // (kernel - 1) if kernel > 1 else 3
        optional = {
            "stride": integers(1, 3),
            "padding": integers(0, 2),
            "dilation": integers(1, min(3, widest)),
        }
        layer = st.fixed_dictionaries(
            {"kind": st.just("conv"), "out": integers(1, 5), "kernel": st.just(kernel)},
            optional=optional,
        )
    return draw(layer)


def plain_layers(*kinds: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Up to two layers that leave the shape as it is."""
    return st.lists(st.sampled_from(kinds).map(lambda kind: {"kind": kind}), max_size=2)


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[dict[str, Any]], tuple[int, int, int]]:
    """A small network that fits its input: layers and input shape."""
    shape = draw(integers(1, 3)), draw(integers(3, 24)), draw(integers(3, 24))
    x = torch.zeros(1, *shape)
    layers: list[dict[str, Any]] = []
    for _ in range(draw(integers(1, 4))):
        layers.append(draw(window_layers(size=min(x.shape[2:]))))
        x = torch_layer(layers[-1], x)
        layers += draw(plain_layers("relu", "batchnorm", "dropout"))
    if draw(booleans()):
        layers.append({"kind": "flatten"})
        for out in draw(st.lists(integers(1, 9), max_size=2)):
            layers.append({"kind": "dense", "out": out})
            layers += draw(plain_layers("relu", "dropout"))
    return layers, shape


@st.composite
def stacks(draw: st.DrawFn) -> list[dict[str, Any]]:
    """One to three layers with windows, and others between and behind them."""
    layers = draw(plain_layers("relu", "dropout"))
    for layer in draw(st.lists(window_layers(size=12), min_size=1, max_size=3)):
        layers += [layer, *draw(plain_layers("relu", "batchnorm", "dropout"))]
    return layers + draw(st.sampled_from([[], [{"kind": "flatten"}, {"kind": "dense", "out": 3}]]))


def torch_layer(layer: dict[str, Any], x: torch.Tensor) -> torch.Tensor:
    """What PyTorch's own layer makes of `x`."""
    options = {name: n for name, n in layer.items() if name not in ("kind", "out", "kernel")}
    if layer["kind"] == "conv":
        weight = torch.zeros(layer["out"], x.shape[1], layer["kernel"], layer["kernel"])
        return F.conv2d(x, weight, **options)
    if layer["kind"] == "pool":
        return F.max_pool2d(x, layer["kernel"], **options)
    if layer["kind"] == "flatten":
        return x.flatten(start_dim=1)
    if layer["kind"] == "dense":
        return F.linear(x, torch.zeros(layer["out"], x.shape[1]))
    return x


def pixels_seen(layers: list[dict[str, Any]], size: int) -> int:
    """From the first to the last of `size` pixels on which PyTorch's first output depends."""
    x = torch.ones(1, 1, size, dtype=torch.float64, requires_grad=True)
    y = x
    for layer in layers:
        options = {name: layer[name] for name in ("stride", "dilation") if name in layer}
        if layer["kind"] == "conv":
            y = F.conv1d(y, torch.ones(1, 1, layer["kernel"], dtype=torch.float64), **options)
        elif layer["kind"] == "pool":
            y = F.avg_pool1d(y, layer["kernel"], **options)
    (gradient,) = torch.autograd.grad(y[0, 0, 0], x)
    seen = gradient.flatten().nonzero()
    return int(seen.max() - seen.min()) + 1


def whole(value: Any) -> bool:
    """Whether `value` is an int, or a tensor or array that holds a single one."""
    if isinstance(value, torch.Tensor | np.ndarray):
        return value.ndim == 0 and isinstance(value.item(), int)
    return isinstance(value, int) and not isinstance(value, bool)


# --- conv_out_size -------------------------------------------------------------------------


@exercise("conv_out_size", weight=3)
@given(arguments=conv_arguments())
def test_matches_pytorch_convolution(student, arguments):
    """The size equals that of the tensor PyTorch's own convolution returns."""
    options = {name: value for name, value in arguments.items() if name not in ("n", "kernel")}
    x = torch.zeros(1, 1, arguments["n"])
    size = F.conv1d(x, torch.zeros(1, 1, arguments["kernel"]), **options).shape[-1]
    assert_equal(student.conv_out_size(**arguments), size)


@exercise("conv_out_size", weight=1)
def test_sizes_of_the_course_notes(student):
    """28 pixels become 26 and 24 under kernels of 3, and stay 28 where the padding is right."""
    assert_equal(student.conv_out_size(28, 3), 26)
    assert_equal(student.conv_out_size(26, 3), 24)
    assert_equal(student.conv_out_size(28, 3, padding=1), 28)
    assert_equal(student.conv_out_size(28, 5, padding=2), 28)
    assert_equal(student.conv_out_size(10, 3, 2, 1, 2), 4)


# --- pool_out_size -------------------------------------------------------------------------


@exercise("pool_out_size", weight=3)
@given(arguments=pool_arguments())
def test_matches_pytorch_pooling(student, arguments):
    """The size equals that of the tensor PyTorch's own pooling returns."""
    options = {name: value for name, value in arguments.items() if name not in ("n", "kernel")}
    x = torch.zeros(1, 1, arguments["n"])
    size = F.max_pool1d(x, arguments["kernel"], **options).shape[-1]
    assert_equal(student.pool_out_size(**arguments), size)


@exercise("pool_out_size", weight=1.5)
def test_last_window_in_the_right_padding_is_dropped(student):
    """In ceil mode a last window counts unless it starts in the right padding."""
    assert_equal(student.pool_out_size(24, 2), 12)
    assert_equal(student.pool_out_size(5, 2), 2)
    assert_equal(student.pool_out_size(5, 2, ceil_mode=True), 3)
    assert_equal(student.pool_out_size(3, 2, 2, 1, True), 2)


# --- same_padding --------------------------------------------------------------------------


@exercise("same_padding", weight=2)
@given(kernel=st.sampled_from([1, 3, 5, 7]), dilation=integers(1, 4), n=integers(1, 20))
def test_size_stays(student, kernel, dilation, n):
    """With this padding PyTorch's convolution of stride 1 returns as many pixels as it gets."""
    padding = student.same_padding(kernel, dilation=dilation)
    assert_that(whole(padding), f"expected an int, not {padding!r}", padding)
    assert_that(0 <= padding <= 1000, f"{padding} is no padding for a kernel of {kernel}", padding)
    x, weight = torch.zeros(1, 1, n + 50), torch.zeros(1, 1, kernel)
    size = F.conv1d(x, weight, padding=int(padding), dilation=dilation).shape[-1]
    assert_that(size == n + 50, f"{n + 50} pixels become {size} with this padding", padding)


@exercise("same_padding", weight=1)
def test_even_kernel_has_no_padding(student):
    """A kernel of 4 has no such padding, one of 3 or 5 has."""
    assert_equal(student.same_padding(3), 1)
    assert_equal(student.same_padding(5), 2)
    assert_raises(ValueError, lambda: student.same_padding(4))


# --- conv_params and dense_params ----------------------------------------------------------


@exercise("conv_params", weight=3)
@given(
    in_channels=integers(1, 6),
    out_channels=integers(1, 6),
    kernel=integers(1, 5) | st.tuples(integers(1, 5), integers(1, 5)),
    options=st.fixed_dictionaries({}, optional={"bias": booleans(), "groups": integers(1, 3)}),
)
def test_counts_what_pytorch_convolution_holds(student, in_channels, out_channels, kernel, options):
    """The number equals that of the parameters in PyTorch's own `nn.Conv2d`."""
    groups = options.get("groups", 1)
    channels = in_channels * groups, out_channels * groups
    layer = torch.nn.Conv2d(*channels, kernel, device="meta", **options)
    assert_equal(student.conv_params(*channels, kernel, **options), count(layer))


@exercise("dense_params", weight=3)
@given(
    n_in=integers(1, 40),
    n_out=integers(1, 40),
    options=st.fixed_dictionaries({}, optional={"bias": booleans()}),
)
def test_counts_what_pytorch_linear_holds(student, n_in, n_out, options):
    """The number equals that of the parameters in PyTorch's own `nn.Linear`."""
    layer = torch.nn.Linear(n_in, n_out, device="meta", **options)
    assert_equal(student.dense_params(n_in, n_out, **options), count(layer))


@exercise("conv_params", weight=1)
def test_convolutions_of_the_course_notes(student):
    """The convolutions of S0, S3 and S4 hold 320 and 18,496, 40 and 296, 416 and 12,832."""
    assert_equal(student.conv_params(1, 32, 3), 320)
    assert_equal(student.conv_params(32, 64, (3, 3)), 18_496)
    assert_equal(student.conv_params(1, 4, 3), 40)
    assert_equal(student.conv_params(4, 8, 3), 296)
    assert_equal(student.conv_params(1, 16, kernel=5), 416)
    assert_equal(student.conv_params(16, 32, kernel=5), 12_832)


@exercise("dense_params", weight=1)
def test_dense_networks_of_the_course_notes(student):
    """S2's 784-512-512-10 network holds 669,706 parameters, S0's dense layers 1,181,066."""
    widths = [784, 512, 512, 10]
    layers = [student.dense_params(*pair) for pair in pairwise(widths)]
    for layer, expected in zip(layers, [401_920, 262_656, 5_130], strict=True):
        assert_equal(layer, expected)
    assert_equal(student.dense_params(9216, 128), 1_179_776)
    assert_equal(student.dense_params(128, 10, bias=True), 1_290)


# --- trace_shapes --------------------------------------------------------------------------


@exercise("trace_shapes", weight=4)
@given(network=networks())
def test_follows_a_tensor_through_pytorch(student, network):
    """The shapes are those that a tensor takes on its way through PyTorch's own layers."""
    layers, shape = network
    x, expected = torch.zeros(1, *shape), []
    for layer in layers:
        x = torch_layer(layer, x)
        expected.append(tuple(x.shape[1:]))
    assert_equal(student.trace_shapes(layers, shape), expected)


@exercise("trace_shapes", weight=2)
def test_network_of_the_course_notes(student):
    """S0's network goes through 32×26×26, 64×24×24, 64×12×12 and 9216 to 10; options count."""
    after_first, after_second = (32, 26, 26), (64, 24, 24)
    pooled, flat, hidden = (64, 12, 12), (9216,), (128,)
    expected = [*[after_first] * 2, *[after_second] * 2, *[pooled] * 2, flat, *[hidden] * 3, (10,)]
    assert_equal(student.trace_shapes(S0_CNN, (1, 28, 28)), expected)
    conv = {"kind": "conv", "out": 8, "kernel": 3, "stride": 2, "padding": 1, "dilation": 2}
    pool = {"kind": "pool", "kernel": 3, "stride": 2, "padding": 1}
    assert_equal(student.trace_shapes([conv, pool], (3, 20, 28)), [(8, 9, 13), (8, 5, 7)])


# --- receptive_field -----------------------------------------------------------------------


@exercise("receptive_field", weight=3)
@given(layers=stacks())
def test_matches_where_pytorch_gradients_reach(student, layers):
    """The field is as wide as the stretch of pixels on which an output of PyTorch's depends."""
    assert_equal(student.receptive_field(layers), pixels_seen(layers, size=256))


@exercise("receptive_field", weight=1)
def test_field_of_the_course_notes(student):
    """After two kernels of 3 and a pooling of 2, an output of S0's network sees 6 pixels."""
    assert_equal(student.receptive_field(S0_CNN[:1]), 3)
    assert_equal(student.receptive_field(S0_CNN[:3]), 5)
    assert_equal(student.receptive_field(S0_CNN), 6)

"""Public checks of stage `backprop`: PyTorch's autograd, finite differences, and laws."""

import numpy as np
import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from hypothesis.strategies import integers, sampled_from

from autograder.checks import (
    assert_close,
    assert_equal,
    assert_that,
    dims,
    exercise,
    given,
    tensors,
)

FLOATS = sampled_from([torch.float32, torch.float64])
SHAPES = sampled_from([(), (1,), (4,), (2, 3), (3, 1, 2)])


# --- what is drawn ---------------------------------------------------------------------------


@st.composite
def linear_cases(draw):
    """Arguments of `linear_backward`; no two of N, D and M are equal."""
    n, d, m = draw(dims(3, 1, 6))
    dtype = draw(FLOATS)
    return {
        "dout": draw(tensors((n, m), dtype=dtype)),
        "x": draw(tensors((n, d), dtype=dtype)),
        "weight": draw(tensors((m, d), dtype=dtype)),
    }


@st.composite
def loss_cases(draw):
    """Arguments of `softmax_cross_entropy_backward`."""
    n, k = draw(dims(2, 1, 6))
    return {
        "logits": draw(tensors((n, k), dtype=draw(FLOATS))),
        "targets": draw(tensors((n,), dtype=torch.int64, low=0, high=k - 1)),
    }


@st.composite
def conv_cases(draw, strided=True):
    """Arguments of `conv2d_backward` for images that are rarely square; the kernel fits."""
    n, c, o = draw(integers(1, 2)), draw(integers(1, 3)), draw(integers(1, 3))
    kernel = draw(integers(1, 3)), draw(integers(1, 3))
    options = {}
    if strided:
        sizes = {"stride": integers(1, 3), "padding": integers(0, 3)}
        given_ones = draw(sampled_from([("stride", "padding"), ("stride",), ("padding",)]))
        options = {
            name: draw(sizes[name] | st.tuples(sizes[name], sizes[name])) for name in given_ones
        }
    p, q = pair(options.get("padding", 0))
    height = draw(integers(0, 3)) + max(1, kernel[0] - 2 * p)
    width = draw(integers(0, 3)) + max(1, kernel[1] - 2 * q)
    dtype = draw(FLOATS)
    x = draw(tensors((n, c, height, width), dtype=dtype))
    weight = draw(tensors((o, c, *kernel), dtype=dtype))
    dout = draw(tensors(F.conv2d(x, weight, **options).shape, dtype=dtype))
    return {"dout": dout, "x": x, "weight": weight, **options}


@st.composite
def pool_cases(draw, strides=None):
    """Arguments of `max_pool2d_backward` for images without two equal pixels."""
    kernel = draw(integers(1, 3)), draw(integers(1, 3))
    options = {} if strides is None else {"stride": draw(strides)}
    height, width = (draw(integers(0, 4)) + k for k in kernel)
    dtype = draw(FLOATS)
    shape = draw(integers(1, 2)), draw(integers(1, 2)), height, width
    x = draw(tensors(shape, dtype=dtype).filter(lambda x: len(x.unique()) == x.numel()))
    dout = draw(tensors(F.max_pool2d(x, kernel, **options).shape, dtype=dtype))
    square = kernel[0] == kernel[1] and draw(st.booleans())
    return {"dout": dout, "x": x, "kernel": kernel[0] if square else kernel, **options}


@st.composite
def networks(draw):
    """Arguments of `mlp_loss_and_grads`.

    x, 4·W1 and 8·b1 are whole numbers, the last ones odd: z is exact in every dtype and never 0.
    """
    n, d, h, k = draw(integers(1, 4)), *draw(dims(3, 2, 5))
    kind = draw(FLOATS)
    params = {
        "W1": draw(tensors((h, d), dtype=kind, low=-3, high=3)) / 4,
        "b1": draw(tensors((h,), dtype=kind, low=-2, high=3)) / 4 - 1 / 8,
        "W2": draw(tensors((k, h), dtype=kind)),
        "b2": draw(tensors((k,), dtype=kind)),
    }
    x = draw(tensors((n, d), dtype=kind, low=-2, high=2))
    targets = draw(tensors((n,), dtype=torch.int64, low=0, high=k - 1))
    return {"params": params, "x": x, "targets": targets}


# --- what is right ---------------------------------------------------------------------------


def pair(size):
    """An int means both."""
    return (size, size) if isinstance(size, int) else size


def autograd(function, inputs, dout=None):
    """The gradients of ``function(*inputs)`` by PyTorch's autograd, in float64."""
    leaves = [x.detach().double().requires_grad_() for x in inputs]
    return torch.autograd.grad(function(*leaves), leaves, None if dout is None else dout.double())


def linear_gradients(dout, x, weight):
    """The gradients (dx, dweight, dbias) of PyTorch's dense layer."""
    return autograd(F.linear, [x, weight, torch.zeros(len(weight))], dout)


def conv_gradients(dout, x, weight, **options):
    """The gradients (dx, dweight, dbias) of PyTorch's convolution."""
    bias = torch.zeros(len(weight))
    return autograd(lambda *layer: F.conv2d(*layer, **options), [x, weight, bias], dout)


def layer_sizes(dout, x, weight, **_):
    """How large the terms are that add up to dx, dweight and dbias, of a layer of either kind.

    By Cauchy and Schwarz, the terms of an element of dx have a sum of at most
    Σ_o ‖dout[n, o]‖·‖weight[o, c]‖, likewise those of dweight. Where terms cancel, errors are
    relative to these; an FFT spreads its errors over the whole image, also where dx is 0.
    """
    parts = (part.double().reshape(*part.shape[:2], -1) for part in (dout, x, weight))
    d, a, w = (part.norm(dim=2) for part in parts)
    bias = dout.double().abs().transpose(0, 1).flatten(1).sum(dim=1)
    return [float(size.max()) for size in (d @ w, d.T @ a, bias)]


def mlp_loss(x, targets, w1, b1, w2, b2):
    """The loss of the network, in PyTorch's words."""
    return F.cross_entropy(F.linear(F.linear(x, w1, b1).relu(), w2, b2), targets)


# --- how answers are judged ------------------------------------------------------------------


def loss_and_grads(answer):
    """The loss and the dict of gradients, as a tuple or a list."""
    is_two = isinstance(answer, list | tuple) and len(answer) == 2
    assert_that(is_two and isinstance(answer[1], dict), "expected (loss, grads)", answer)
    missing = {"W1", "b1", "W2", "b2"} - answer[1].keys()
    assert_that(not missing, f"grads lacks {sorted(missing)}", answer)
    return answer


def assert_named(name, actual, expected, **options):
    """`assert_close`, and a failure says which part of an answer it speaks of."""
    try:
        assert_close(actual, expected, **options)
    except AssertionError as error:
        error.problem = f"{name}: {error.problem}"
        raise


def assert_layer(answer, expected, case):
    """The three gradients of a layer are the `expected` ones, as far as these are given."""
    is_three = isinstance(answer, list | tuple) and len(answer) == 3
    assert_that(is_three, "expected three gradients, (dx, dweight, dbias)", answer)
    dout, weight = case["dout"], case["weight"]
    of_dx, of_others = weight[:, 0].numel(), dout[:, 0].numel()  # how many terms
    parts = {"dx": of_dx, "dweight": of_others, "dbias": of_others}.items()
    each = zip(parts, answer, expected, layer_sizes(**case), strict=False)
    for (name, terms), ours, theirs, size in each:
        assert_named(name, ours, theirs, dtype=dout.dtype, terms=terms, scale=size)


def plain(answer, like):
    """The answer in float64; before, that it is a floating-point tensor of the right shape."""
    shape = tuple(like.shape)
    is_tensor = isinstance(answer, torch.Tensor | np.ndarray) and tuple(answer.shape) == shape
    assert_that(is_tensor, f"expected a tensor of shape {shape}", answer)
    ours = torch.as_tensor(answer)
    assert_that(ours.is_floating_point(), "expected floating-point numbers", answer)
    return ours.double()


# --- numerical_gradient ----------------------------------------------------------------------

FUNCTIONS = {
    "linear": lambda x, w: (w * x).sum(),
    "squares": lambda x, w: (w * x * x).sum(),
    "sines": lambda x, w: (w * x.sin()).sum(),
    "square of a sum": lambda x, w: (w * x).sum() ** 2,
    "log of a sum": lambda x, w: (w * w * x.exp() + 1).sum().log(),
}


@exercise("numerical_gradient", weight=2)
@given(
    function=sampled_from([*FUNCTIONS]),
    data=SHAPES.flatmap(lambda shape: tensors((2, *shape), dtype=torch.float64, layouts=False)),
    as_float=st.booleans(),
)
def test_numerical_gradient_matches_autograd(student, function, data, as_float):
    """With the default step the slopes are autograd's, but for the rounding of f."""
    x, w = data
    (expected,) = autograd(lambda x: FUNCTIONS[function](x, w), [x])
    # The terms f(x ± eps)/(2·eps) cancel. Rounding x ± eps and adding up the n ≤ 6 terms of f errs
    # by at most (n + 5)·u·S, u = eps(float64)/2, where S bounds the sum of the terms' magnitudes
    # and of |x·f′|: relative to S/eps that is less than half of what `tolerance` allows. The
    # truncation error eps²·f‴/6 is far below; one-sided differences err by eps·f″/2, far more.
    size = 1 + float((w.abs() * (1 + x.abs()) ** 2).sum())
    size = size**2 if function == "square of a sum" else size
    answer = student.probe.numerical_gradient(function, x, w, as_float=as_float)
    assert_close(answer, expected, dtype=torch.float64, scale=size / 1e-6)


@exercise("numerical_gradient", weight=2)
@given(
    x=tensors(SHAPES, dtype=torch.float64, low=-4, high=4, layouts=False),
    eps=sampled_from([0.5, 0.25, 1.0]),
    as_float=st.booleans(),
)
def test_difference_is_central(student, x, eps, as_float):
    """For f = Σx³ and a large step, central differences are 3x² + eps²; one-sided, 3x·eps more."""
    w = torch.ones(x.shape, dtype=torch.float64)
    answer = student.probe.numerical_gradient("cubes", x, w, as_float=as_float, eps=eps)
    # sums of cubes of halves and quarters are exact; the division by 2·eps is too
    assert_close(answer, 3 * x**2 + eps**2, dtype=torch.float64)


@exercise("numerical_gradient", weight=2)
@given(x=tensors(SHAPES, dtype=torch.float64))
def test_x_is_restored(student, x):
    """x may be non-contiguous, and after the call it is what it was, bit for bit.

    Adding eps and taking it away again is not enough: both sums are rounded.
    """
    w = torch.ones(x.shape, dtype=torch.float64)
    answer, after = student.probe.numerical_gradient_and_x("squares", x, w)
    size = 1 + float(((1 + x.abs()) ** 2).sum())  # as above
    assert_close(answer, 2 * x, dtype=torch.float64, scale=size / 1e-6)
    assert_equal({"x after the call": after}, {"x after the call": x})


@exercise("numerical_gradient", weight=0)
def test_numerical_gradient_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    x = torch.ones(2, dtype=torch.float64)
    student.probe.portable.numerical_gradient("squares", x, weights=x)


# --- linear_backward -------------------------------------------------------------------------


@exercise("linear_backward", weight=2)
@given(case=linear_cases())
def test_linear_matches_autograd(student, case):
    """The three gradients are autograd's, in shape, dtype and value."""
    assert_layer(student.linear_backward(**case), linear_gradients(**case), case)


@exercise("linear_backward", weight=1)
@given(dtype=FLOATS)
def test_linear_by_hand(student, dtype):
    """Two samples of one feature: dweight and dbias add up what each sample says."""
    numbers = {"dout": [[1], [2]], "x": [[3], [4]], "weight": [[5]]}
    case = {name: torch.tensor(value, dtype=dtype) for name, value in numbers.items()}
    expected = [[1 * 5], [2 * 5]], [[1 * 3 + 2 * 4]], [1 + 2]
    assert_layer(student.linear_backward(**case), expected, case)


@exercise("linear_backward", weight=0)
def test_linear_backward_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.linear_backward(torch.ones(2, 4), torch.ones(2, 3), torch.ones(4, 3))


# --- relu_backward ---------------------------------------------------------------------------


@exercise("relu_backward", weight=1)
@given(data=SHAPES.flatmap(lambda shape: tensors((2, *shape), dtype=FLOATS)))
def test_relu_matches_autograd(student, data):
    """The gradient passes where the input was positive, and nowhere else."""
    dout, x = data
    (expected,) = autograd(torch.relu, [x], dout)
    assert_close(student.relu_backward(dout, x), expected, dtype=dout.dtype)


@exercise("relu_backward", weight=0)
def test_relu_backward_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.relu_backward(torch.ones(2), torch.ones(2))


# --- sigmoid_backward ------------------------------------------------------------------------


@exercise("sigmoid_backward", weight=1)
@given(data=SHAPES.flatmap(lambda shape: tensors((2, *shape), dtype=FLOATS)))
def test_sigmoid_matches_autograd(student, data):
    """The gradient is autograd's; z is what went into the sigmoid."""
    dout, z = data
    (expected,) = autograd(torch.sigmoid, [z], dout)
    # 1 − σ(z) cancels for large z: errors are relative to dout/4, where σ′ is largest
    scale = float(dout.abs().max()) / 4
    assert_close(student.sigmoid_backward(dout, z), expected, dtype=dout.dtype, scale=scale)


@exercise("sigmoid_backward", weight=0)
def test_sigmoid_backward_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.sigmoid_backward(torch.ones(2), torch.ones(2))


# --- softmax_cross_entropy_backward ----------------------------------------------------------


@exercise("softmax_cross_entropy_backward", weight=2)
@given(case=loss_cases())
def test_cross_entropy_matches_autograd(student, case):
    """The gradient is autograd's of the mean loss."""
    logits, targets = case["logits"], case["targets"]
    (expected,) = autograd(lambda z: F.cross_entropy(z, targets), [logits])
    answer = student.softmax_cross_entropy_backward(**case)
    # e^z of a rounded z errs by |z| times as much
    scale = (1 + float(logits.abs().max())) / len(logits)
    assert_close(answer, expected, dtype=logits.dtype, terms=2, scale=scale)


@exercise("softmax_cross_entropy_backward", weight=1)
@given(k=integers(1, 6), n=integers(1, 4), dtype=FLOATS)
def test_equal_logits_share_equally(student, k, n, dtype):
    """For equal logits each class has 1/K; of the mean over N, the target gets (1/K − 1)/N."""
    logits = torch.ones((n, k), dtype=dtype)
    expected = torch.full((n, k), 1 / k, dtype=torch.float64)
    expected[:, -1] -= 1
    targets = torch.full((n,), k - 1)
    answer = student.softmax_cross_entropy_backward(logits, targets)
    assert_close(answer, expected / n, dtype=dtype, terms=k, scale=1 / n)


@exercise("softmax_cross_entropy_backward", weight=0)
def test_softmax_cross_entropy_backward_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.softmax_cross_entropy_backward(torch.ones(2, 3), torch.tensor([2, 0]))


# --- conv2d_backward -------------------------------------------------------------------------


@exercise("conv2d_backward", weight=1)
@given(case=conv_cases(strided=False))
def test_convolution_matches_autograd(student, case):
    """With stride 1 and without padding, the three gradients are autograd's."""
    assert_layer(student.conv2d_backward(**case), conv_gradients(**case), case)


@exercise("conv2d_backward", weight=2)
@given(case=conv_cases())
def test_stride_and_padding_match_autograd(student, case):
    """The gradients are autograd's for every stride and padding, unequal ones too."""
    assert_layer(student.conv2d_backward(**case), conv_gradients(**case), case)


@exercise("conv2d_backward", weight=0.5)
def test_stride_by_hand(student):
    """With stride 2 no two windows overlap here, and none reaches the last pixel: it gets 0."""
    numbers = {"dout": [1, 3], "x": [1, 2, 3, 4, 5], "weight": [10, 20]}
    case = {name: torch.tensor([[[row]]]).float() for name, row in numbers.items()}
    dx = [10 * 1, 20 * 1, 10 * 3, 20 * 3, 0]
    dweight = [1 * 1 + 3 * 3, 1 * 2 + 3 * 4]
    expected = [[[dx]]], [[[dweight]]], [1 + 3]
    assert_layer(student.conv2d_backward(**case, stride=2), expected, case)


@exercise("conv2d_backward", weight=0.5)
def test_convolution_by_hand(student):
    """The handout's example, along one row: a pixel of two windows gets both their gradients."""
    numbers = {"dout": [1, 3, 5], "x": [1, 2, 3, 4], "weight": [10, 20]}
    case = {name: torch.tensor([[[row]]]).float() for name, row in numbers.items()}
    dx = [10 * 1, 20 * 1 + 10 * 3, 20 * 3 + 10 * 5, 20 * 5]
    dweight = [1 * 1 + 3 * 2 + 5 * 3, 1 * 2 + 3 * 3 + 5 * 4]
    expected = [[[dx]]], [[[dweight]]], [1 + 3 + 5]
    assert_layer(student.conv2d_backward(**case), expected, case)


@exercise("conv2d_backward", weight=0)
def test_conv2d_backward_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    dout, x, weight = torch.ones(1, 1, 2, 2), torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2)
    student.portable.conv2d_backward(dout, x, weight, stride=2, padding=1)


# --- max_pool2d_backward ---------------------------------------------------------------------


@exercise("max_pool2d_backward", weight=1.5)
@given(case=pool_cases())
def test_pooling_matches_autograd(student, case):
    """Each window's gradient goes to its maximum; the default stride is the kernel."""
    dout, x = case["dout"], case["x"]
    (expected,) = autograd(lambda x: F.max_pool2d(x, case["kernel"]), [x], dout)
    assert_close(student.max_pool2d_backward(**case), expected, dtype=dout.dtype)


@exercise("max_pool2d_backward", weight=1.5)
@given(case=pool_cases(strides=integers(1, 4) | st.tuples(integers(1, 4), integers(1, 4))))
def test_overlapping_windows_add_up(student, case):
    """The gradient is autograd's where windows overlap, and where pixels lie between them."""
    dout, x = case["dout"], case["x"]
    options = {"kernel_size": case["kernel"], "stride": case["stride"]}
    (expected,) = autograd(lambda x: F.max_pool2d(x, **options), [x], dout)
    (size,) = autograd(lambda x: F.max_pool2d(x, **options), [x], dout.abs())
    answer = student.max_pool2d_backward(**case)
    assert_close(answer, expected, dtype=dout.dtype, terms=9, scale=float(size.max()))


@exercise("max_pool2d_backward", weight=1.5)
@given(kernel=integers(1, 3), value=sampled_from([0.0, -1.0, 2.0]), dtype=FLOATS)
def test_equal_pixels_share_one_gradient(student, kernel, value, dtype):
    """In a window of equal pixels, first, last or all may win; together they get dout, once."""
    x = torch.full((1, 1, kernel, kernel), value, dtype=dtype)
    dout = torch.full((1, 1, 1, 1), 3, dtype=dtype)
    dx = plain(student.max_pool2d_backward(dout, x, kernel), like=x)
    total = dx.sum().to(dtype)
    assert_named(f"dx adds up to {float(total):.7g}", total, 3, terms=kernel * kernel)


@exercise("max_pool2d_backward", weight=0)
def test_max_pool2d_backward_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.max_pool2d_backward(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 4, 4), 2)


# --- mlp_loss_and_grads ----------------------------------------------------------------------


@exercise("mlp_loss_and_grads", weight=1)
@given(case=networks())
def test_loss_matches_pytorch(student, case):
    """The loss is the mean cross-entropy of the network's logits, and a scalar."""
    x, targets = case["x"], case["targets"]
    params = [p.double() for p in case["params"].values()]
    loss, _ = loss_and_grads(student.mlp_loss_and_grads(**case))
    h = F.linear(x.double(), *params[:2]).relu()
    # terms of the size of the logits' cancel in the loss
    size = 1 + float(F.linear(h, *[p.abs() for p in params[2:]]).max())
    expected = mlp_loss(x.double(), targets, *params)
    assert_named("loss", loss, expected, dtype=x.dtype, terms=5, scale=size)


@exercise("mlp_loss_and_grads", weight=2.5)
@given(case=networks())
def test_gradients_match_autograd(student, case):
    """The four gradients are autograd's, and stand under the names of their parameters."""
    x, targets, params = case["x"], case["targets"], case["params"]
    expected = autograd(lambda *p: mlp_loss(x.double(), targets, *p), params.values())
    _, grads = loss_and_grads(student.mlp_loss_and_grads(**case))
    # The softmax errs by the error of its logits, so by their size times the dtype's; behind it
    # come products with h and with W2 and x.
    w2, b2 = params["W2"].double(), params["b2"].double()
    h = F.linear(x.double(), params["W1"].double(), params["b1"].double()).relu()
    logits = 1 + float(F.linear(h, w2.abs(), b2.abs()).max())
    back = float(w2.abs().sum(0).max())
    inputs = float(x.abs().max())
    sizes = {"W1": back * inputs, "b1": back, "W2": float(h.max()), "b2": 1.0}
    for name, theirs in zip(params, expected, strict=True):
        scale = logits * sizes[name]
        assert_named(name, grads[name], theirs, dtype=x.dtype, terms=5, scale=scale)


@exercise("mlp_loss_and_grads", weight=0.5)
@given(dtype=FLOATS)
def test_network_by_hand(student, dtype):
    """The handout's example: one sample of class 0, and a hidden unit that is off."""
    numbers = {"W1": [[1, 1], [1, -1]], "b1": [0, 0], "W2": [[2, 1], [1, 3]], "b2": [0, 3]}
    params = {name: torch.tensor(value, dtype=dtype) for name, value in numbers.items()}
    x, targets = torch.tensor([[1, 2]], dtype=dtype), torch.tensor([0])
    loss, grads = loss_and_grads(student.mlp_loss_and_grads(params, x, targets))
    assert_named("loss", loss, torch.tensor(2.0).double().log(), dtype=dtype, scale=3)
    expected = {
        "W2": [[-1.5, 0], [1.5, 0]],
        "b2": [-0.5, 0.5],
        "W1": [[-0.5, -1], [0, 0]],
        "b1": [-0.5, 0],
    }
    for name, theirs in expected.items():
        assert_named(name, grads[name], theirs, dtype=dtype, scale=3)


@exercise("mlp_loss_and_grads", weight=0)
def test_mlp_loss_and_grads_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    sizes = {"W1": (3, 4), "b1": (3,), "W2": (5, 3), "b2": (5,)}
    params = {name: torch.ones(size) for name, size in sizes.items()}
    student.portable.mlp_loss_and_grads(params, torch.ones(2, 4), torch.tensor([4, 0]))

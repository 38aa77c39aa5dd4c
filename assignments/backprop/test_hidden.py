"""Hidden checks of stage `backprop`: against the reference in float64, laws, and edges."""

import numpy as np
import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from hypothesis.strategies import booleans, integers, sampled_from

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
SHAPES = sampled_from([(), (1,), (5,), (2, 3), (2, 1, 3), (2, 2, 1, 2)])


# --- what is drawn ---------------------------------------------------------------------------


@st.composite
def shared(draw, shape, dtype):
    """A tensor whose elements share memory along one axis, as autograd hands on y.sum()'s."""
    axis = draw(integers(0, len(shape) - 1))
    sizes = [1 if i == axis else size for i, size in enumerate(shape)]
    return draw(tensors(sizes, dtype=dtype, layouts=False)).expand(shape)


@st.composite
def linear_cases(draw):
    """Arguments of `linear_backward`, square ones too."""
    n, d, m = draw(integers(1, 5)), draw(integers(1, 4)), draw(integers(1, 4))
    dtype, expanded = draw(FLOATS), draw(booleans())
    some = shared if expanded else tensors
    return {
        "dout": draw(some((n, m), dtype=dtype)),
        "x": draw(some((n, d), dtype=dtype)),
        "weight": draw(tensors((m, d), dtype=dtype)),
    }


@st.composite
def loss_cases(draw, dtype=FLOATS, most=6):
    """Arguments of `softmax_cross_entropy_backward`."""
    n, k = draw(integers(1, most)), draw(integers(1, most))
    return {
        "logits": draw(tensors((n, k), dtype=dtype)),
        "targets": draw(tensors((n,), dtype=torch.int64, low=0, high=k - 1)),
    }


@st.composite
def conv_cases(draw, samples=(1, 2), channels=(1, 3), ints=False, content=tensors):
    """Arguments of `conv2d_backward`; the kernel fits into the padded image."""
    n, c, o = (draw(integers(*bounds)) for bounds in (samples, channels, channels))
    kernel = draw(integers(1, 4)), draw(integers(1, 4))
    s, p = draw(integers(1, 3)), draw(integers(0, 4))
    t, q = (s, p) if ints else (draw(integers(1, 3)), draw(integers(0, 4)))
    height = draw(integers(0, 3)) + max(1, kernel[0] - 2 * p)
    width = draw(integers(0, 3)) + max(1, kernel[1] - 2 * q)
    out = (height + 2 * p - kernel[0]) // s + 1, (width + 2 * q - kernel[1]) // t + 1
    dtype = draw(FLOATS)
    return {
        "dout": draw(content((n, o, *out), dtype=dtype)),
        "x": draw(content((n, c, height, width), dtype=dtype)),
        "weight": draw(tensors((o, c, *kernel), dtype=dtype)),
        "stride": s if ints else (s, t),
        "padding": p if ints else (p, q),
    }


@st.composite
def pool_cases(draw, overlap=True, **contents):
    """Arguments of `max_pool2d_backward`; without `contents` no two pixels are equal."""
    kernel = draw(integers(1, 4)), draw(integers(1, 3))
    stride = tuple(draw(integers(1 if overlap else k, 4)) for k in kernel)
    default = not overlap and draw(booleans())
    stride = kernel if default else stride
    height, width = (draw(integers(0, 4)) + k for k in kernel)
    n, c, dtype = draw(integers(1, 2)), draw(integers(1, 2)), draw(FLOATS)
    pixels = tensors((n, c, height, width), dtype=dtype, **contents)
    if not contents:
        pixels = pixels.filter(lambda x: len(x.abs().unique()) == x.numel())
    out = (height - kernel[0]) // stride[0] + 1, (width - kernel[1]) // stride[1] + 1
    return {
        "dout": draw(tensors((n, c, *out), dtype=dtype)),
        "x": draw(pixels),
        "kernel": kernel,
        "stride": None if default else stride,
    }


@st.composite
def networks(draw, dtype=FLOATS, most=5):
    """Arguments of `mlp_loss_and_grads`.

    x, 4·W1 and 8·b1 are whole numbers, the last ones odd: z is exact in every dtype and never 0.
    Some networks are so sure of themselves that a softmax without a shift overflows.
    """
    n, d, h, k = (draw(integers(1, most)) for _ in range(4))
    kind, sure = draw(dtype), draw(sampled_from([1, 1, 256]))
    params = {
        "W1": draw(tensors((h, d), dtype=kind, low=-3, high=3)) / 4,
        "b1": draw(tensors((h,), dtype=kind, low=-2, high=3)) / 4 - 1 / 8,
        "W2": sure * draw(tensors((k, h), dtype=kind)),
        "b2": sure * draw(tensors((k,), dtype=kind)),
    }
    x = draw(tensors((n, d), dtype=kind, low=-2, high=2))
    targets = draw(tensors((n,), dtype=torch.int64, low=0, high=k - 1))
    return {"params": params, "x": x, "targets": targets}


# --- what is right ---------------------------------------------------------------------------


def in_float64(value):
    """The same arguments with every floating-point tensor in float64."""
    if isinstance(value, dict):
        return {name: in_float64(part) for name, part in value.items()}
    is_float = isinstance(value, torch.Tensor) and value.is_floating_point()
    return value.double() if is_float else value


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


def mlp_sizes(params, x, targets):
    """How large the terms are in loss and gradients, where errors come from.

    The loss errs by the error of its logits, so by their size times the dtype's, and so does the
    softmax; behind it come products with h, and with W2 and x.
    """
    w1, b1, w2, b2 = (params[name].double() for name in ("W1", "b1", "W2", "b2"))
    h = F.linear(x.double(), w1, b1).relu()
    logits = 1 + float(F.linear(h, w2.abs(), b2.abs()).max())
    back = float(w2.abs().sum(0).max())
    sizes = {"W1": back * float(x.abs().max()), "b1": back, "W2": float(h.max()), "b2": 1.0}
    return logits, {name: logits * size for name, size in sizes.items()}


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


def assert_network(answer, expected, case):
    """Loss and gradients are the `expected` ones."""
    loss, grads = loss_and_grads(answer)
    dtype = case["x"].dtype
    size, sizes = mlp_sizes(**case)
    terms = max(*case["params"]["W2"].shape, *case["x"].shape)
    assert_named("loss", loss, expected[0], dtype=dtype, terms=terms, scale=size)
    for name, theirs in expected[1].items():
        assert_named(name, grads[name], theirs, dtype=dtype, terms=terms, scale=sizes[name])


def assert_cross_entropy(answer, expected, case):
    """The gradient with respect to the logits is the `expected` one."""
    n, k = case["logits"].shape
    # e^z of a rounded z errs by |z| times as much
    scale = (1 + float(case["logits"].abs().max())) / n
    assert_close(answer, expected, dtype=case["logits"].dtype, terms=k, scale=scale)


def assert_pool(answer, expected, case):
    """The gradient of a pooling is the `expected` one."""
    kh, kw = case["kernel"]
    # a pixel that wins in all of its windows gets at most this; negative terms may cancel
    scale = kh * kw * float(case["dout"].abs().max())
    assert_close(answer, expected, dtype=case["dout"].dtype, terms=kh * kw, scale=scale)


def plain(answer, like):
    """The answer in float64; before, that it is finite and has the right shape and dtype."""
    shape = tuple(like.shape)
    is_tensor = isinstance(answer, torch.Tensor | np.ndarray)
    assert_that(is_tensor, f"expected a tensor of shape {shape}", answer)
    ours = torch.as_tensor(answer)
    assert_that(ours.shape == shape, f"expected shape {shape}, not {tuple(ours.shape)}", answer)
    assert_that(ours.dtype == like.dtype, f"expected dtype {like.dtype}, not {ours.dtype}", answer)
    assert_that(bool(ours.isfinite().all()), "expected finite numbers", answer)
    return ours.double()


def answer_beside(student, function, arguments):
    """The answer of a call that has left its arguments alone."""
    answer, after = student.probe.result_and_arguments(function, **arguments)
    assert_equal(after, arguments)
    return answer


# --- numerical_gradient ----------------------------------------------------------------------


@exercise("numerical_gradient", weight=2.5)
@given(
    function=sampled_from(["linear", "squares", "cubes", "square of a sum"]),
    data=SHAPES.flatmap(lambda shape: tensors((2, *shape), dtype=torch.float64, low=-4, high=4)),
    eps=sampled_from([1.0, 0.5, 0.125, 2.0**-10]),
    as_float=booleans(),
)
def test_any_step_gives_its_own_difference(student, function, data, eps, as_float):
    """The step is the eps that was passed: the central difference of each function is exact."""
    x, w = data
    expected = {
        "linear": w,
        "squares": 2 * w * x,
        "cubes": w * (3 * x**2 + eps**2),
        "square of a sum": 2 * w * (w * x).sum(),
    }[function]
    # whole numbers and powers of two: f is exact, and so are its differences
    options = {"as_float": as_float, "eps": eps}
    answer = student.probe.numerical_gradient(function, x, w, **options)
    assert_close(answer, expected, dtype=torch.float64)


@exercise("numerical_gradient", weight=2.5)
@given(
    data=SHAPES.flatmap(lambda shape: tensors((2, *shape), dtype=torch.float64)),
    eps=sampled_from([1e-6, 1e-3, 0.1, 3.0]),
    as_float=booleans(),
)
def test_every_element_is_put_back(student, data, eps, as_float):
    """After the call x is the same, bit for bit, whatever the step."""
    x, w = data
    options = {"as_float": as_float, "eps": eps}
    answer, after = student.probe.numerical_gradient_and_x("cubes", x, w, **options)
    # as in the public check: rounding f errs by less than 12·eps(float64)·S/eps, with S for the sum
    # of the terms of f
    size = float((w.abs() * (1 + x.abs() + eps) ** 3).sum())
    expected = w * (3 * x**2 + eps**2)
    assert_close(answer, expected, dtype=torch.float64, scale=size / eps)
    assert_equal({"x after the call": after}, {"x after the call": x})


# --- linear_backward -------------------------------------------------------------------------


@exercise("linear_backward", weight=2)
@given(case=linear_cases())
def test_linear_matches_the_reference(student, reference, case):
    """The gradients are right for square weights and inputs that share memory, too."""
    expected = reference.linear_backward(**in_float64(case))
    assert_layer(student.linear_backward(**case), expected, case)


@exercise("linear_backward", weight=1)
@given(case=linear_cases(), samples=integers(1, 3))
def test_linear_batches_add_up(student, reference, case, samples):
    """Each sample has its own dx; in dweight and dbias a sample that comes twice counts twice."""
    dx, dweight, dbias = reference.linear_backward(**in_float64(case))
    expected = dx.repeat(samples, 1), samples * dweight, samples * dbias
    case |= {name: case[name].repeat(samples, 1) for name in ("dout", "x")}
    assert_layer(student.linear_backward(**case), expected, case)


@exercise("linear_backward", weight=0.5)
@given(case=linear_cases())
def test_linear_leaves_its_arguments_alone(student, reference, case):
    """dout, x and weight are the same after the call as before."""
    answer = answer_beside(student, "linear_backward", case)
    expected = reference.linear_backward(**in_float64(case))
    assert_layer(answer, expected, case)


# --- relu_backward ---------------------------------------------------------------------------


@exercise("relu_backward", weight=3)
@given(
    dout=tensors((2, 5), dtype=torch.float64),
    x=tensors((2, 5), dtype=torch.float64, low=-2, high=2),
    unit=sampled_from([0.25, 2.0**-10]),
    dtype=FLOATS,
)
def test_kink_takes_any_slope_between(student, dout, x, unit, dtype):
    """Where x is 0 the gradient is dout times anything from 0 to 1; elsewhere times 0 or 1."""
    dout, x = dout.to(dtype), (unit * x).to(dtype)
    answer = plain(student.relu_backward(dout, x), like=dout)
    # at the kink we expect what came, as far as it lies between 0 and dout
    low, high = dout.double().clamp(max=0), dout.double().clamp(min=0)
    expected = torch.where(x == 0, answer.clamp(low, high), dout.double() * (x > 0))
    assert_close(answer.to(dtype), expected, dtype=dtype)


@exercise("relu_backward", weight=0.5)
@given(
    data=SHAPES.flatmap(lambda shape: tensors((2, *shape), dtype=FLOATS)),
    factor=sampled_from([1e-30, 1e-6, 1.0, -1.0, 1e4]),
)
def test_size_of_the_input_does_not_matter(student, reference, data, factor):
    """Only the sign of x counts, be it tiny or huge; the sign of dout does not."""
    dout, x = data[0], factor * data[1]
    expected = reference.relu_backward(dout.double(), x.double())
    assert_close(student.relu_backward(dout, x), expected, dtype=dout.dtype)


@exercise("relu_backward", weight=2)
@given(data=tensors((2, 2, 3), dtype=FLOATS))
def test_relu_leaves_its_arguments_alone(student, reference, data):
    """dout and x are the same after the call as before."""
    case = {"dout": data[0], "x": data[1]}
    answer = answer_beside(student, "relu_backward", case)
    assert_close(answer, reference.relu_backward(**in_float64(case)), dtype=data.dtype)


# --- sigmoid_backward ------------------------------------------------------------------------


@exercise("sigmoid_backward", weight=2)
@given(
    data=SHAPES.flatmap(lambda shape: tensors((2, *shape), dtype=FLOATS)),
    factor=sampled_from([1.0, 3.0, -10.0, 1e3]),
)
def test_sigmoid_matches_the_reference(student, reference, data, factor):
    """dout · σ(z)(1 − σ(z)) for small z and for large, positive and negative."""
    dout, z = data[0], factor * data[1]
    expected = reference.sigmoid_backward(dout.double(), z.double())
    # 1 − σ(z) cancels for large z: errors are relative to dout/4, where σ′ is largest
    scale = float(dout.abs().max()) / 4
    assert_close(student.sigmoid_backward(dout, z), expected, dtype=dout.dtype, scale=scale)


@exercise("sigmoid_backward", weight=1)
@given(
    dout=tensors((6,), dtype=FLOATS),
    size=sampled_from([40.0, 90.0, 800.0, 1e4]),
    z=tensors((6,), dtype=torch.float64, low=-1, high=1),
)
def test_saturated_sigmoid_is_flat(student, dout, size, z):
    """Far from 0 the gradient is 0, not NaN; at 0 it is dout/4."""
    scale = float(dout.abs().max()) / 4
    answer = student.sigmoid_backward(dout, (size * z).to(dout.dtype))
    expected = dout.double() / 4 * (z == 0)  # σ′(40) = 4e-18
    assert_close(answer, expected, dtype=dout.dtype, scale=scale)


@exercise("sigmoid_backward", weight=1)
@given(data=tensors((2, 2, 3), dtype=FLOATS))
def test_sigmoid_leaves_its_arguments_alone(student, reference, data):
    """dout and z are the same after the call as before."""
    case = {"dout": data[0], "z": data[1]}
    answer = answer_beside(student, "sigmoid_backward", case)
    scale = float(data[0].abs().max()) / 4
    expected = reference.sigmoid_backward(**in_float64(case))
    assert_close(answer, expected, dtype=data.dtype, scale=scale)


# --- softmax_cross_entropy_backward ----------------------------------------------------------


@exercise("softmax_cross_entropy_backward", weight=3)
@given(case=loss_cases(), step=sampled_from([0.0, 0.0, 1.0, 50.0, 1e4]))
def test_cross_entropy_matches_the_reference(student, reference, case, step):
    """The gradient is finite and right however far the rows' logits lie apart."""
    # row 0 is left as it is, row 1 lies above, row 2 below, and so on
    rows = torch.arange(len(case["logits"])) % 3
    offset = torch.tensor([0.0, 1.0, -1.0])[rows].to(case["logits"].dtype) * step
    case |= {"logits": case["logits"] + offset[:, None]}
    expected = reference.softmax_cross_entropy_backward(**in_float64(case))
    assert_cross_entropy(student.softmax_cross_entropy_backward(**case), expected, case)


@exercise("softmax_cross_entropy_backward", weight=1)
@given(case=loss_cases(), size=sampled_from([100.0, 3e3, 1e4]))
def test_confident_logits_stay_finite(student, case, size):
    """Where one logit leads by far, the gradient is 0 if it is the target's, else ±1/N."""
    logits, targets = case["logits"], case["targets"]
    n, k = logits.shape
    leaders = logits.argmax(dim=1)
    onehot = F.one_hot(leaders, k)
    expected = (onehot.double() - F.one_hot(targets, k)) / n
    sure = (onehot * 2 - 1) * torch.tensor(size / 2, dtype=logits.dtype)
    answer = student.softmax_cross_entropy_backward(sure, targets)
    assert_close(answer, expected, dtype=logits.dtype, scale=1 / n)  # e^−100 = 4e-44 is left


@exercise("softmax_cross_entropy_backward", weight=1.5)
@given(case=loss_cases(), repeats=integers(2, 3), factor=sampled_from([1.0, 1.0, 1e3]))
def test_mean_is_over_the_batch(student, reference, case, repeats, factor):
    """Among more samples each has less to say: a batch repeated r times has gradients 1/r."""
    case |= {"logits": factor * case["logits"]}
    once = reference.softmax_cross_entropy_backward(**in_float64(case))
    case = {
        "logits": case["logits"].repeat(repeats, 1),
        "targets": case["targets"].repeat(repeats),
    }
    answer = student.softmax_cross_entropy_backward(**case)
    assert_cross_entropy(answer, once.repeat(repeats, 1) / repeats, case)


@exercise("softmax_cross_entropy_backward", weight=0.5)
@given(case=loss_cases(), which=seeds(), wrong=sampled_from([-1, 0, 1, -100, 7]))
def test_cross_entropy_refuses_a_class_that_is_none(student, reference, case, which, wrong):
    """A target below 0 (−1 and −100 too) or from K on raises ValueError."""
    expected = reference.softmax_cross_entropy_backward(**in_float64(case))
    assert_cross_entropy(student.softmax_cross_entropy_backward(**case), expected, case)
    logits, targets = case["logits"], case["targets"].clone()
    targets[which % len(targets)] = logits.shape[1] + wrong if wrong >= 0 else wrong
    assert_raises(ValueError, lambda: student.softmax_cross_entropy_backward(logits, targets))


@exercise("softmax_cross_entropy_backward", weight=0.5)
@given(case=loss_cases())
def test_cross_entropy_leaves_its_arguments_alone(student, reference, case):
    """logits and targets are the same after the call as before."""
    answer = answer_beside(student, "softmax_cross_entropy_backward", case)
    assert_cross_entropy(answer, reference.softmax_cross_entropy_backward(**in_float64(case)), case)


# --- conv2d_backward -------------------------------------------------------------------------


@exercise("conv2d_backward", weight=2)
@given(case=conv_cases())
def test_convolution_matches_the_reference(student, reference, case):
    """The gradients are right for every kernel, stride and padding, different on the two axes."""
    expected = reference.conv2d_backward(**in_float64(case))
    assert_layer(student.conv2d_backward(**case), expected, case)


@exercise("conv2d_backward", weight=1)
@given(case=conv_cases(ints=True, content=shared))
def test_ints_mean_both_axes(student, reference, case):
    """An int holds for height and width; tensors whose elements share memory are like any other."""
    expected = reference.conv2d_backward(**in_float64(case))
    assert_layer(student.conv2d_backward(**case), expected, case)


@exercise("conv2d_backward", weight=1)
@given(case=conv_cases(), element=seeds())
def test_delta_kernel_puts_each_gradient_where_it_came_from(student, case, element):
    """A kernel that is 1 in one place copies pixels; backward, each gradient returns to its own."""
    dout, x = case["dout"], case["x"]
    weight = torch.zeros(case["weight"].shape, dtype=dout.dtype)
    weight.view(-1)[element % weight.numel()] = 1
    [(o, c, i, j)] = weight.nonzero().tolist()
    expected = torch.zeros(x.shape, dtype=torch.float64)
    for h in range(dout.shape[2]):
        for w in range(dout.shape[3]):
            row = h * case["stride"][0] + i - case["padding"][0]
            column = w * case["stride"][1] + j - case["padding"][1]
            if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
                expected[:, c, row, column] += dout[:, o, h, w]
    case |= {"weight": weight}
    assert_layer(student.conv2d_backward(**case), [expected], case)


@exercise("conv2d_backward", weight=1)
@given(case=conv_cases(samples=(2, 3)))
def test_convolution_batches_add_up(student, reference, case):
    """dx of a sample does not depend on the others; dweight and dbias are sums over them."""
    rest = {name: case[name] for name in ("weight", "stride", "padding")}
    samples = zip(case["dout"].double().split(1), case["x"].double().split(1), strict=True)
    parts = [reference.conv2d_backward(dout, x, **in_float64(rest)) for dout, x in samples]
    dx, dweight, dbias = zip(*parts, strict=True)
    expected = torch.cat(dx), sum(dweight), sum(dbias)
    assert_layer(student.conv2d_backward(**case), expected, case)


@exercise("conv2d_backward", weight=1)
@given(case=conv_cases(channels=(2, 4)), seed=seeds())
def test_channels_may_be_renamed(student, reference, case, seed):
    """Channels in another order give the same gradients in that order."""
    generator = torch.Generator().manual_seed(seed)
    o, c = (torch.randperm(size, generator=generator) for size in case["weight"].shape[:2])
    renamed = case | {
        "dout": case["dout"][:, o],
        "x": case["x"][:, c],
        "weight": case["weight"][o][:, c],
    }
    dx, dweight, dbias = reference.conv2d_backward(**in_float64(case))
    expected = dx[:, c], dweight[o][:, c], dbias[o]
    assert_layer(student.conv2d_backward(**renamed), expected, renamed)


@exercise("conv2d_backward", weight=1)
@given(
    wrong=sampled_from([0, -1, (1, 0), (-1, 1)]).map(lambda stride: {"stride": stride})
    | sampled_from([-1, (0, -1), (-2, 0)]).map(lambda padding: {"padding": padding}),
    kernel=integers(1, 3),
)
def test_convolution_refuses_options_out_of_range(student, reference, wrong, kernel):
    """A stride below 1 or a padding below 0 raises ValueError."""
    sizes = {"dout": 2, "x": kernel + 1, "weight": kernel}
    case = {name: torch.ones(1, 1, size, size) for name, size in sizes.items()}
    expected = reference.conv2d_backward(**in_float64(case))
    assert_layer(student.conv2d_backward(**case, stride=1, padding=0), expected, case)
    assert_raises(ValueError, lambda: student.conv2d_backward(**case, **wrong))


@exercise("conv2d_backward", weight=0.5)
@given(case=conv_cases())
def test_convolution_leaves_its_arguments_alone(student, reference, case):
    """dout, x and weight are the same after the call as before."""
    answer = answer_beside(student, "conv2d_backward", case)
    assert_layer(answer, reference.conv2d_backward(**in_float64(case)), case)


# --- max_pool2d_backward ---------------------------------------------------------------------


@exercise("max_pool2d_backward", weight=1.5)
@given(case=pool_cases(), negative=booleans())
def test_pooling_matches_the_reference(student, reference, case, negative):
    """The gradients are right for windows that overlap or lie apart, and for negative pixels."""
    if negative:
        case |= {"x": -case["x"].abs()}
    expected = reference.max_pool2d_backward(**in_float64(case))
    assert_pool(student.max_pool2d_backward(**case), expected, case)


@exercise("max_pool2d_backward", weight=3)
@given(case=pool_cases(overlap=False, low=0, high=2))
def test_each_window_hands_out_its_gradient_once(student, case):
    """Among equal maxima it goes to the first, the last or is split; in all it is dout, once."""
    dout, x, (kh, kw) = case["dout"], case["x"], case["kernel"]
    s, t = case["stride"] or case["kernel"]
    dx = plain(student.max_pool2d_backward(**case), like=x)
    left = dx.clone()
    for h in range(dout.shape[2]):
        for w in range(dout.shape[3]):
            window = (..., slice(h * s, h * s + kh), slice(w * t, w * t + kw))
            whole = dout[:, :, h, w].double()
            assert_named(
                f"the sum of dx in the window of dout[:, :, {h}, {w}]",
                dx[window].sum(dim=(2, 3)).to(dout.dtype),
                whole,
                terms=kh * kw,
            )
            # what each pixel has of its window's gradient: from 0 to 1, and 0 if not the maximum
            share = dx[window] / whole[:, :, None, None]
            fair = (share > -1e-6) & (share < 1 + 1e-6)
            fair &= (x[window] == x[window].amax(dim=(2, 3), keepdim=True)) | (share == 0)
            message = f"dout[:, :, {h}, {w}] did not go to the maxima of its window alone"
            assert_that(bool(fair.all()), message)
            left[window] = 0
    assert_that(not left.any(), "a pixel that no window sees has a gradient")


@exercise("max_pool2d_backward", weight=1.5)
@given(case=pool_cases(low=-2, high=0))
def test_gradient_mass_is_conserved(student, case):
    """In each channel dx adds up to what dout adds up to, with equal and with negative pixels."""
    dout = case["dout"]
    dx = plain(student.max_pool2d_backward(**case), like=case["x"])
    size = float(dout.abs().sum(dim=(2, 3)).max())
    mass = dx.sum(dim=(2, 3)).to(dout.dtype)
    expected = dout.double().sum(dim=(2, 3))
    assert_named("the sum of dx in each channel", mass, expected, terms=dout.numel(), scale=size)


@exercise("max_pool2d_backward", weight=1.5)
@given(case=pool_cases(), default=booleans())
def test_ints_are_squares_and_stride_is_the_kernel(student, reference, case, default):
    """kernel and stride may be ints, and without a stride, or with None, it is the kernel."""
    x = case["x"]
    kernel = min(*case["kernel"], *x.shape[2:])
    stride = kernel if default else case["stride"][0]
    out = [(size - kernel) // stride + 1 for size in x.shape[2:]]
    dout = torch.arange(1.0, 1 + x.shape[0] * x.shape[1] * out[0] * out[1], dtype=x.dtype)
    dout = dout.view(*x.shape[:2], *out)
    expected = reference.max_pool2d_backward(dout.double(), x.double(), kernel, stride)
    answer = student.max_pool2d_backward(dout, x, kernel, None if default else stride)
    assert_close(answer, expected, dtype=x.dtype)  # sums of whole numbers


@exercise("max_pool2d_backward", weight=1)
@given(
    wrong=sampled_from([0, -1, (2, 0), (-1, 2)]).map(lambda kernel: {"kernel": kernel})
    | sampled_from([0, -2, (1, 0), (0, 1)]).map(lambda stride: {"stride": stride})
)
def test_pooling_refuses_options_out_of_range(student, wrong):
    """A kernel or stride below 1 raises ValueError."""
    right = {"dout": torch.ones(1, 1, 2, 2), "x": torch.arange(16.0).view(1, 1, 4, 4)}
    options = {"kernel": 2, "stride": 2}
    expected = [[0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0], [0, 1, 0, 1]]
    assert_close(student.max_pool2d_backward(**right, **options), [[expected]])
    assert_raises(ValueError, lambda: student.max_pool2d_backward(**right, **options | wrong))


@exercise("max_pool2d_backward", weight=0.5)
@given(case=pool_cases())
def test_pooling_leaves_its_arguments_alone(student, reference, case):
    """dout and x are the same after the call as before."""
    answer = answer_beside(student, "max_pool2d_backward", case)
    assert_pool(answer, reference.max_pool2d_backward(**in_float64(case)), case)


# --- mlp_loss_and_grads ----------------------------------------------------------------------


@exercise("mlp_loss_and_grads", weight=2)
@given(case=networks())
def test_network_matches_the_reference(student, reference, case):
    """Loss and gradients are right for every size of the layers, equal ones too."""
    expected = reference.mlp_loss_and_grads(**in_float64(case))
    assert_network(student.mlp_loss_and_grads(**case), expected, case)


@exercise("mlp_loss_and_grads", weight=1.5)
@given(case=networks(most=4), repeats=integers(2, 3))
def test_repeated_batch_changes_nothing(student, reference, case, repeats):
    """All are means over the batch: with every sample r times they are what they were."""
    expected = reference.mlp_loss_and_grads(**in_float64(case))
    case |= {"x": case["x"].repeat(repeats, 1), "targets": case["targets"].repeat(repeats)}
    assert_network(student.mlp_loss_and_grads(**case), expected, case)


@exercise("mlp_loss_and_grads", weight=1)
@given(case=networks())
def test_zero_weights_learn_only_shares(student, case):
    """With all parameters 0 the loss is ln K, and only b2 has a gradient: 1/K less the share."""
    params = {name: torch.zeros_like(p) for name, p in case["params"].items()}
    case |= {"params": params}
    n, k = len(case["x"]), len(params["b2"])
    shares = torch.bincount(case["targets"], minlength=k).double() / n
    grads = {name: torch.zeros_like(p).double() for name, p in params.items()}
    expected = torch.tensor(k).double().log(), grads | {"b2": 1 / k - shares}
    assert_network(student.mlp_loss_and_grads(**case), expected, case)


@exercise("mlp_loss_and_grads", weight=1.5)
@given(case=networks(), size=sampled_from([100.0, 1e3, 1e4]))
def test_confident_network_stays_finite(student, reference, case, size):
    """With logits of up to ±1e4, loss and gradients are finite and right."""
    case |= {"params": case["params"] | {"b2": size * case["params"]["b2"].sign()}}
    expected = reference.mlp_loss_and_grads(**in_float64(case))
    assert_network(student.mlp_loss_and_grads(**case), expected, case)


@exercise("mlp_loss_and_grads", weight=0.5)
@given(case=networks(), which=seeds(), wrong=sampled_from([-1, 0, 1, -100, 7]))
def test_network_refuses_a_class_that_is_none(student, reference, case, which, wrong):
    """A target below 0 (−1 and −100 too) or from K on raises ValueError."""
    expected = reference.mlp_loss_and_grads(**in_float64(case))
    assert_network(student.mlp_loss_and_grads(**case), expected, case)
    targets = case["targets"].clone()
    k = len(case["params"]["b2"])
    targets[which % len(targets)] = k + wrong if wrong >= 0 else wrong
    assert_raises(ValueError, lambda: student.mlp_loss_and_grads(**case | {"targets": targets}))


@exercise("mlp_loss_and_grads", weight=0.5)
@given(case=networks())
def test_network_leaves_its_arguments_alone(student, reference, case):
    """params, x and targets are the same after the call as before."""
    answer = answer_beside(student, "mlp_loss_and_grads", case)
    assert_network(answer, reference.mlp_loss_and_grads(**in_float64(case)), case)

"""Public checks of stage `activations`: PyTorch's own functions in float64, autograd, and laws.

The largest inputs are ±10,000: e to that power overflows in float32 and in float64.
"""

import math

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
    dims,
    exercise,
    given,
    tensors,
    tolerance,
)

FLOATS = sampled_from([torch.float32, torch.float64])
SHAPES = st.one_of(dims(1), dims(2), dims(3, 1, 4))
ALPHAS = sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])
EPSILONS = sampled_from([0.5, 0.1, 1.5, 2.5, 50.5])
SOME = torch.tensor([[-1.5, 0.0, 2.0]])


def numbers(shape):
    """Floating-point tensors of normal size, of whole numbers, and of very large ones."""
    return st.one_of(
        tensors(shape, dtype=FLOATS),
        tensors(shape, dtype=FLOATS, low=-3, high=3),
        tensors(shape, dtype=FLOATS, low=-120, high=120),
        tensors(shape, dtype=FLOATS, low=-10_000, high=10_000),
    )


def largest(z):
    """The largest magnitude in z, at least 1: what the rounding of a difference is relative to."""
    return max(1.0, float(z.abs().max()))


def tensor_like(answer, z):
    """The answer as a float64 tensor, once it has the shape and the dtype of z."""
    expected = f"expected a tensor of shape {tuple(z.shape)}, dtype {z.dtype}"
    assert_that(isinstance(answer, torch.Tensor | np.ndarray), expected, answer)
    tensor = torch.as_tensor(answer)
    assert_that(tensor.shape == z.shape and tensor.dtype == z.dtype, expected, answer)
    assert_that(bool(tensor.isfinite().all()), "expected finite numbers", answer)
    return tensor.double()


def assert_labels(answer, expected):
    """The labels are the expected ones in any floating-point dtype, with float32's accuracy.

    (With that of their own dtype where it is a shorter one.)
    """
    dtype = getattr(answer, "dtype", None)
    half = dtype if dtype in (torch.float16, torch.bfloat16) else None
    if isinstance(answer, torch.Tensor | np.ndarray) and dtype in (torch.float64, np.float64):
        answer = torch.as_tensor(answer).float()
    assert_close(answer, expected, dtype=half)


@st.composite
def logits_along(draw):
    """Logits, and one of their dimensions, counted from either end."""
    z = draw(numbers(SHAPES))
    return z, draw(integers(-z.dim(), z.dim() - 1))


@st.composite
def classified(draw):
    """Logits (N, K) and targets (N,)."""
    n, k = draw(dims(2, 1, 5))
    return draw(numbers((n, k))), draw(tensors((n,), dtype=torch.int64, low=0, high=k - 1))


# --- sigmoid -------------------------------------------------------------------------------


@exercise("sigmoid", weight=2)
@given(z=numbers(SHAPES))
def test_matches_pytorch_sigmoid(student, z):
    """σ(z) is what PyTorch's sigmoid gives in float64, for z up to ±10,000."""
    assert_close(student.sigmoid(z), torch.sigmoid(z.double()), dtype=z.dtype, scale=1)


@exercise("sigmoid", weight=1)
@given(dtype=FLOATS)
def test_sigmoid_by_hand(student, dtype):
    """σ(0) = 1/2, σ(ln 3) = 3/4, σ(−ln 3) = 1/4; far out it is 0 and 1, not NaN."""
    z = torch.tensor([0.0, math.log(3), -math.log(3), -10_000.0, 10_000.0], dtype=dtype)
    assert_close(student.sigmoid(z), [0.5, 0.75, 0.25, 0.0, 1.0], dtype=dtype, scale=1)


@exercise("sigmoid", weight=0)
def test_sigmoid_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.sigmoid(SOME)


# --- tanh ----------------------------------------------------------------------------------


@exercise("tanh", weight=2)
@given(z=numbers(SHAPES))
def test_matches_pytorch_tanh(student, z):
    """tanh(z) is what PyTorch's tanh gives in float64, for z up to ±10,000."""
    assert_close(student.tanh(z), torch.tanh(z.double()), dtype=z.dtype, scale=1)


@exercise("tanh", weight=1)
@given(dtype=FLOATS)
def test_tanh_by_hand(student, dtype):
    """tanh 0 = 0, tanh(ln 2) = 3/5, tanh(−ln 2) = −3/5; far out it is −1 and 1, not NaN."""
    z = torch.tensor([0.0, math.log(2), -math.log(2), -10_000.0, 10_000.0], dtype=dtype)
    assert_close(student.tanh(z), [0.0, 0.6, -0.6, -1.0, 1.0], dtype=dtype, scale=1)


@exercise("tanh", weight=0)
def test_tanh_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.tanh(SOME)


# --- relu ----------------------------------------------------------------------------------


@exercise("relu", weight=2)
@given(z=numbers(SHAPES))
def test_matches_pytorch_relu(student, z):
    """relu(z) is what PyTorch's relu gives."""
    assert_close(student.relu(z), torch.relu(z.double()), dtype=z.dtype, scale=largest(z))


@exercise("relu", weight=0.5)
@given(dtype=FLOATS)
def test_relu_by_hand(student, dtype):
    """Negative numbers become 0, positive ones stay as they are, and 0 stays 0."""
    z = torch.tensor([-10_000.0, -1.0, -0.25, 0.0, 0.25, 3.0, 10_000.0], dtype=dtype)
    assert_close(student.relu(z), [0, 0, 0, 0, 0.25, 3, 10_000], dtype=dtype, scale=1)


@exercise("relu", weight=0)
def test_relu_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.relu(SOME)


# --- leaky_relu ----------------------------------------------------------------------------


@exercise("leaky_relu", weight=2)
@given(z=numbers(SHAPES), slope=sampled_from([0.01, 0.2, 0.5, 0.75]))
def test_matches_pytorch_leaky_relu(student, z, slope):
    """leaky_relu(z, slope) is what PyTorch's leaky_relu gives."""
    expected = F.leaky_relu(z.double(), slope)
    assert_close(student.leaky_relu(z, slope), expected, dtype=z.dtype, scale=largest(z))


@exercise("leaky_relu", weight=1)
@given(dtype=FLOATS)
def test_slope_is_left_of_zero(student, dtype):
    """The slope is left of 0 and is 0.01 unless told otherwise; 0 stays 0."""
    z = torch.tensor([-100.0, -1.0, 0.0, 1.0, 100.0], dtype=dtype)
    expected = [-1, -0.01, 0, 1, 100]
    assert_close(student.leaky_relu(z), expected, dtype=dtype, scale=100)
    expected = [-50, -0.5, 0, 1, 100]
    assert_close(student.leaky_relu(z, slope=0.5), expected, dtype=dtype, scale=100)


@exercise("leaky_relu", weight=0)
def test_leaky_relu_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.leaky_relu(SOME, 0.1)


# --- softmax -------------------------------------------------------------------------------


@exercise("softmax", weight=2)
@given(arguments=logits_along())
def test_matches_pytorch_softmax(student, arguments):
    """softmax(z, dim) is what PyTorch's softmax gives in float64, for z up to ±10,000."""
    z, dim = arguments
    expected = torch.softmax(z.double(), dim)
    # an exponent of the size of z carries an error of |z|·eps, its power the same relative one
    assert_close(
        student.softmax(z, dim=dim), expected, dtype=z.dtype, terms=z.shape[dim], scale=largest(z)
    )


@exercise("softmax", weight=1)
@given(
    z=st.one_of(
        tensors(dims(2), dtype=FLOATS, low=-5, high=5),
        tensors(dims(2), dtype=FLOATS, low=-120, high=120),
    ),
    shift=sampled_from([0, 1, -1, 100, -100, 1000, -1000, 8192, -8192]),
)
def test_softmax_does_not_notice_a_shift(student, z, shift):
    """A constant added to all logits of a row changes nothing: differences are what counts."""
    expected = torch.softmax(z.double(), -1)
    shifted = z + shift  # whole numbers: exact
    scale = largest(shifted)
    assert_close(student.softmax(shifted), expected, dtype=z.dtype, terms=z.shape[-1], scale=scale)


@exercise("softmax", weight=0)
def test_softmax_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.softmax(SOME, 0)


# --- log_softmax ---------------------------------------------------------------------------


@exercise("log_softmax", weight=2)
@given(arguments=logits_along())
def test_matches_pytorch_log_softmax(student, arguments):
    """log_softmax(z, dim) is what PyTorch's gives in float64, for z up to ±10,000."""
    z, dim = arguments
    expected = torch.log_softmax(z.double(), dim)
    # z − log Σ e^z: the difference of two numbers of the size of z
    assert_close(
        student.log_softmax(z, dim=dim),
        expected,
        dtype=z.dtype,
        terms=z.shape[dim],
        scale=largest(z),
    )


@exercise("log_softmax", weight=1)
@given(z=numbers(dims(2)))
def test_log_softmax_is_idempotent(student, z):
    """Log-probabilities are logits of the same probabilities: a second log_softmax changes none."""
    once = tensor_like(student.log_softmax(z), z)
    expected = torch.log_softmax(z.double(), -1)
    twice = student.log_softmax(once.to(z.dtype))
    terms = 2 * z.shape[-1]  # two sums
    assert_close(twice, expected, dtype=z.dtype, terms=terms, scale=largest(z))


@exercise("log_softmax", weight=0)
def test_log_softmax_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.log_softmax(SOME, 0)


# --- smooth_labels -------------------------------------------------------------------------


@exercise("smooth_labels", weight=2)
@given(k=integers(1, 6), indices=tensors((5,), dtype=torch.int64, low=0, high=5), alpha=ALPHAS)
def test_labels_are_softened_one_hots(student, k, indices, alpha):
    """Labels are (1 − α) · onehot + α/K."""
    targets = indices[: 7 - k] % k
    expected = (1 - alpha) * F.one_hot(targets, k).double() + alpha / k
    assert_labels(student.smooth_labels(targets, k, alpha), expected)


@exercise("smooth_labels", weight=1)
def test_smooth_labels_by_hand(student):
    """With K = 4 and α = 0.2 the right class gets 0.85 and each other 0.05: together 1."""
    expected = [[0.05, 0.05, 0.85, 0.05], [0.85, 0.05, 0.05, 0.05]]
    assert_labels(student.smooth_labels(torch.tensor([2, 0]), 4, 0.2), expected)


@exercise("smooth_labels", weight=0)
def test_smooth_labels_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.smooth_labels(torch.tensor([2, 0]), 3, 0.1)


# --- cross_entropy -------------------------------------------------------------------------


@exercise("cross_entropy", weight=2)
@given(batch=classified(), alpha=ALPHAS)
def test_matches_pytorch_cross_entropy(student, batch, alpha):
    """The loss is what PyTorch's cross_entropy gives in float64, for logits up to ±10,000."""
    logits, targets = batch
    expected = F.cross_entropy(logits.double(), targets, label_smoothing=alpha)
    loss = student.cross_entropy(logits, targets, label_smoothing=alpha)
    scale = largest(logits)
    assert_close(loss, expected, dtype=logits.dtype, terms=logits.numel(), scale=scale)


@exercise("cross_entropy", weight=1)
@given(
    n=integers(1, 5),
    k=integers(1, 8),
    value=sampled_from([0.0, 1.0, -3.0, 1000.0, -10_000.0]),
    dtype=FLOATS,
)
def test_equal_logits_give_ln_k(student, n, k, value, dtype):
    """A model that finds all K classes equally likely has the loss ln K, whatever the targets."""
    logits = torch.full((n, k), value, dtype=dtype)
    targets = torch.arange(n) % k
    loss = student.cross_entropy(logits, targets)
    assert_close(loss, math.log(k), dtype=dtype, terms=n + k, scale=max(1.0, abs(value)))


@exercise("cross_entropy", weight=1)
@given(k=integers(2, 5), wrong=booleans(), dtype=FLOATS)
def test_a_sure_model_has_a_finite_loss(student, k, wrong, dtype):
    """Sure and right costs nothing; sure and wrong costs the whole distance, and not infinity."""
    logits = torch.full((2, k), -10_000.0, dtype=dtype)
    logits[:, 1] = 10_000
    targets = torch.tensor([0 if wrong else 1, 1])
    expected = 10_000 if wrong else 0  # the mean of 20,000 and 0
    loss = student.cross_entropy(logits, targets)
    assert_close(loss, expected, dtype=dtype, terms=2 * k, scale=1e4)


@exercise("cross_entropy", weight=0)
def test_cross_entropy_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.cross_entropy(SOME, torch.tensor([2]), 0.1)


# --- threshold_loss_slope ------------------------------------------------------------------


@exercise("threshold_loss_slope", weight=2)
@given(z=tensors(SHAPES, dtype=FLOATS, low=-4, high=4), eps=EPSILONS)
def test_is_the_central_difference(student, z, eps):
    """The slope is (H(z+ε) − H(z−ε)) / 2ε, with PyTorch's heaviside for H."""
    half = torch.tensor(0.5, dtype=torch.float64)
    right, left = (torch.heaviside(z.double() + shift, half) for shift in (eps, -eps))
    expected = (right - left) / (2 * eps)
    assert_close(student.threshold_loss_slope(z, eps), expected, dtype=z.dtype)


@exercise("threshold_loss_slope", weight=1)
@given(cells=integers(0, 6), spacing=sampled_from([0.25, 1.0, 2.0]), dtype=FLOATS)
def test_area_below_the_slope_is_one(student, cells, spacing, dtype):
    """However narrow the bump, its area is 1, the height of H's step: a needle where ε is small."""
    eps = (cells + 0.5) * spacing
    z = torch.arange(-8, 9).to(dtype) * spacing  # 2·cells + 1 of these lie inside of ±ε
    slope = student.threshold_loss_slope(z, eps)
    area = float((tensor_like(slope, z) * spacing).sum())
    close = abs(area - 1) <= tolerance(dtype, terms=len(z))
    assert_that(close, f"the area below it is {area:.9g}, not 1", slope)


@exercise("threshold_loss_slope", weight=0)
def test_threshold_loss_slope_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.threshold_loss_slope(SOME, 0.25)


# --- gradient_scale ------------------------------------------------------------------------


def as_float(answer):
    """A scalar tensor as a float: either way float32's accuracy is enough."""
    tensor = isinstance(answer, torch.Tensor) and answer.dim() == 0 and answer.is_floating_point()
    return float(answer) if tensor else answer


@exercise("gradient_scale", weight=2)
@given(
    activation=sampled_from(["sigmoid", "tanh", "relu"]),
    depth=integers(1, 12),
    quarters=integers(-12, 12).filter(bool),
)
def test_is_the_power_of_autograds_derivative(student, activation, depth, quarters):
    """It is the derivative that autograd finds at z, to the power of depth."""
    z = torch.tensor(quarters / 4, dtype=torch.float64, requires_grad=True)
    (derivative,) = torch.autograd.grad(getattr(torch, activation)(z), z)
    slope = float(derivative)
    # σ·(1 − σ) and 1 − tanh² err by some eps of 1, which is eps/slope of the slope, and the power
    # errs `depth` times as much. It may have been computed in float32.
    error = depth * slope ** (depth - 1) if slope else 0.0
    answer = student.gradient_scale(activation, depth, quarters / 4)
    assert_close(as_float(answer), slope**depth, scale=error)


@exercise("gradient_scale", weight=1)
def test_gradients_vanish_by_hand(student):
    """Ten sigmoids at 0 leave 4⁻¹⁰ of a gradient; ten ReLUs at 1 leave all of it, at −1 nothing."""
    assert_close(as_float(student.gradient_scale("sigmoid", 1, 0.0)), 0.25)
    assert_close(as_float(student.gradient_scale("sigmoid", 10, 0.0)), 0.25**10, terms=10)
    assert_close(as_float(student.gradient_scale("tanh", 10, 0.0)), 1.0, terms=10)
    assert_close(as_float(student.gradient_scale("relu", 10, 1.0)), 1.0)
    assert_equal(student.gradient_scale("relu", 10, -1.0), 0.0)
    assert_raises(ValueError, lambda: student.gradient_scale("softsign", 2, 0.5))

"""Hidden checks of stage `activations`: the reference in float64, laws that hold at ±10,000 too.

Sums of exponents are compared with the magnitude of the logits as `scale`: z − log Σ e^z, a right
way, is the difference of two numbers of that size, and its error of |z|·eps is the relative error
of a probability. Where a check shifts or scales its inputs, they are whole numbers: exact.
On integer tensors, given by mistake, a function may raise whatever it likes, or be right.
"""

import math

import numpy as np
import torch
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
    seeds,
    tensors,
    tolerance,
)

FLOATS = sampled_from([torch.float32, torch.float64])
SHAPES = st.one_of(dims(1), dims(2), dims(3, 1, 4))
INTEGERS = tensors(dims(2), dtype=torch.int64, low=-9, high=9)
# of at least two classes: with one, softmax and its logarithm are whole numbers
SCORES = tensors(dims(2), dtype=torch.int64, low=-4, high=4).filter(lambda z: z.shape[-1] > 1)
ALPHAS = sampled_from([0.0, 0.1, 0.3, 0.75, 1.0])


def whole(shape, high):
    """Whole numbers in −high..high, as floats."""
    return tensors(shape, dtype=FLOATS, low=-high, high=high)


def numbers(shape):
    """Floating-point tensors of normal size, of whole numbers, and of very large ones."""
    normal = tensors(shape, dtype=FLOATS)
    return st.one_of(normal, whole(shape, 3), whole(shape, 120), whole(shape, 10_000))


def expanded(strategy):
    """Tensors that are one row, seen several times."""
    return strategy.map(lambda z: z.expand(3, *z.shape))


ANY_LAYOUT = st.one_of(numbers(SHAPES), numbers(()), expanded(numbers(dims(1))))


@st.composite
def logits_along(draw, strategy=None):
    """Logits, and one of their dimensions, counted from either end."""
    z = draw(strategy or st.one_of(numbers(SHAPES), expanded(numbers(dims(1)))))
    return z, draw(integers(-z.dim(), z.dim() - 1))


@st.composite
def classified(draw, strategy=numbers):
    """Logits (N, K) and targets (N,)."""
    n, k = draw(dims(2, 1, 5))
    return draw(strategy((n, k))), draw(tensors((n,), dtype=torch.int64, low=0, high=k - 1))


@st.composite
def rows_at_heights(draw):
    """Logits (N, K), whole numbers, and how much each row is lifted: (N, 1)."""
    high, height = draw(sampled_from([(2, 1), (4, 9000), (120, 9000)]))
    z = draw(whole(dims(2, 2, 6), high))
    return z, draw(tensors((len(z), 1), dtype=torch.int64, low=-height, high=height))


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


def number(answer, *dtypes):
    """The answer as a float, once it is a scalar of one of the dtypes or a number."""
    if isinstance(answer, torch.Tensor | np.ndarray):
        tensor = torch.as_tensor(answer)
        fits = tensor.dim() == 0 and tensor.dtype in dtypes
    else:
        fits = isinstance(answer, int | float) and not isinstance(answer, bool)
    assert_that(fits, f"expected a scalar of dtype {' or '.join(map(str, dtypes))}", answer)
    assert_that(math.isfinite(answer), "expected a finite number", answer)
    return float(answer)


# --- sigmoid -------------------------------------------------------------------------------


@exercise("sigmoid", weight=2)
@given(z=ANY_LAYOUT)
def test_sigmoid_of_any_layout(student, reference, z):
    """σ is right for every shape and memory layout, also without dimensions or expanded."""
    expected = reference.sigmoid(z.double())
    assert_close(student.sigmoid(z), expected, dtype=z.dtype, scale=1)


@exercise("sigmoid", weight=1)
@given(z=numbers(SHAPES))
def test_sigmoid_is_symmetric(student, z):
    """σ(−z) = 1 − σ(z), for large z too."""
    right = tensor_like(student.sigmoid(z), z)
    assert_close(student.sigmoid(-z), 1 - right, dtype=z.dtype, scale=1)


@exercise("sigmoid", weight=2)
@given(z=numbers(dims(2)))
def test_sigmoid_leaves_z_alone(student, reference, z):
    """z is after the call what it was before, and a second call gives the right answer too."""
    expected = reference.sigmoid(z.double())
    assert_close(student.again.sigmoid(z), expected, dtype=z.dtype, scale=1)
    assert_equal(student.probe.arguments_after("sigmoid", z), [z])


@exercise("sigmoid", weight=0.5)
@given(z=INTEGERS)
def test_sigmoid_does_not_round_to_integers(student, reference, z):
    """An integer tensor by mistake: an exception or the right floats, never rounded ones."""
    expected = reference.sigmoid(z.double())
    assert_close(student.sigmoid(z.double()), expected, dtype=torch.float64, scale=1)
    answer = student.probe.or_refused("sigmoid", z)
    if answer is not None:
        assert_close(answer, expected, scale=1)


# --- tanh ----------------------------------------------------------------------------------


@exercise("tanh", weight=2)
@given(z=ANY_LAYOUT)
def test_tanh_of_any_layout(student, reference, z):
    """tanh is right for every shape and memory layout, also without dimensions or expanded."""
    assert_close(student.tanh(z), reference.tanh(z.double()), dtype=z.dtype, scale=1)


@exercise("tanh", weight=1)
@given(z=numbers(SHAPES))
def test_tanh_is_odd_and_doubles(student, z):
    """tanh(−z) = −tanh z, and tanh 2z = 2t / (1 + t²) with t = tanh z."""
    t = tensor_like(student.tanh(z), z)
    assert_close(student.tanh(-z), -t, dtype=z.dtype, scale=1)
    # an error of t comes in at most twice as large
    assert_close(student.tanh(2 * z), 2 * t / (1 + t * t), dtype=z.dtype, terms=5, scale=1)


@exercise("tanh", weight=2)
@given(z=numbers(dims(2)))
def test_tanh_leaves_z_alone(student, reference, z):
    """z is after the call what it was before, and a second call gives the right answer too."""
    expected = reference.tanh(z.double())
    assert_close(student.again.tanh(z), expected, dtype=z.dtype, scale=1)
    assert_equal(student.probe.arguments_after("tanh", z), [z])


@exercise("tanh", weight=0.5)
@given(z=INTEGERS)
def test_tanh_does_not_round_to_integers(student, reference, z):
    """An integer tensor by mistake: an exception or the right floats, never rounded ones."""
    expected = reference.tanh(z.double())
    assert_close(student.tanh(z.double()), expected, dtype=torch.float64, scale=1)
    answer = student.probe.or_refused("tanh", z)
    if answer is not None:
        assert_close(answer, expected, scale=1)


# --- relu ----------------------------------------------------------------------------------


@exercise("relu", weight=2)
@given(z=ANY_LAYOUT)
def test_relu_of_any_layout(student, reference, z):
    """relu is right for every shape and memory layout, also without dimensions or expanded."""
    assert_close(student.relu(z), reference.relu(z.double()), dtype=z.dtype, scale=largest(z))


@exercise("relu", weight=1)
@given(z=whole(SHAPES, 1000), factor=sampled_from([0.25, 2.0, 8.0]))
def test_relu_takes_factors_out(student, z, factor):
    """relu(c·z) = c·relu(z) for c above 0, and relu(z) − relu(−z) = z."""
    positive = tensor_like(student.relu(z), z)
    scale = largest(z)
    assert_close(student.relu(factor * z), factor * positive, dtype=z.dtype, scale=factor * scale)
    assert_close(student.relu(-z), positive - z.double(), dtype=z.dtype, scale=scale)


@exercise("relu", weight=2)
@given(z=numbers(dims(2)))
def test_relu_leaves_z_alone(student, reference, z):
    """z is after the call what it was before, and a second call gives the right answer too."""
    expected = reference.relu(z.double())
    assert_close(student.again.relu(z), expected, dtype=z.dtype, scale=largest(z))
    assert_equal(student.probe.arguments_after("relu", z), [z])


# --- leaky_relu ----------------------------------------------------------------------------


@exercise("leaky_relu", weight=2)
@given(z=ANY_LAYOUT, slope=sampled_from([0.01, 0.125, 0.3, 0.9]))
def test_leaky_relu_of_any_layout(student, reference, z, slope):
    """Each element is right for every shape and memory layout, with the slope by its name too."""
    expected = reference.leaky_relu(z.double(), slope)
    answer = student.leaky_relu(z, slope=slope)
    assert_close(answer, expected, dtype=z.dtype, scale=largest(z))


@exercise("leaky_relu", weight=1)
@given(z=numbers(SHAPES))
def test_extreme_slopes(student, z):
    """With slope 1 it is z itself, with slope 0 the ReLU."""
    scale = largest(z)
    assert_close(student.leaky_relu(z, slope=1.0), z.double(), dtype=z.dtype, scale=scale)
    expected = z.double().clamp(min=0)
    assert_close(student.leaky_relu(z, slope=0.0), expected, dtype=z.dtype, scale=scale)


@exercise("leaky_relu", weight=2)
@given(z=whole(SHAPES, 1000))
def test_slope_is_one_hundredth_by_default(student, z):
    """Without a slope, what is below 0 is divided by 100."""
    expected = torch.where(z > 0, z.double(), z.double() / 100)
    assert_close(student.leaky_relu(z), expected, dtype=z.dtype, scale=largest(z))


@exercise("leaky_relu", weight=2.5)
@given(z=numbers(dims(2)), slope=sampled_from([0.01, 0.5]))
def test_leaky_relu_leaves_z_alone(student, reference, z, slope):
    """z is after the call what it was before, and a second call gives the right answer too."""
    expected = reference.leaky_relu(z.double(), slope)
    answer = student.again.leaky_relu(z, slope)
    assert_close(answer, expected, dtype=z.dtype, scale=largest(z))
    assert_equal(student.probe.arguments_after("leaky_relu", z, slope), [z, slope])


@exercise("leaky_relu", weight=0.5)
@given(z=INTEGERS, slope=sampled_from([0.01, 0.25]))
def test_leaky_relu_does_not_round_to_integers(student, reference, z, slope):
    """An integer tensor by mistake: an exception or the right floats, never rounded ones."""
    expected = reference.leaky_relu(z.double(), slope)
    assert_close(student.leaky_relu(z.double(), slope), expected, dtype=torch.float64, scale=9)
    answer = student.probe.or_refused("leaky_relu", z, slope)
    if answer is not None:
        assert_close(answer, expected, scale=9)


# --- softmax -------------------------------------------------------------------------------


@exercise("softmax", weight=2)
@given(arguments=logits_along())
def test_softmax_along_any_dim(student, reference, arguments):
    """Probabilities are right along every dimension, in every memory layout."""
    z, dim = arguments
    expected = reference.softmax(z.double(), dim=dim)
    answer = student.softmax(z, dim=dim)
    assert_close(answer, expected, dtype=z.dtype, terms=z.shape[dim], scale=largest(z))


@exercise("softmax", weight=1.5)
@given(arguments=logits_along(st.one_of(whole(SHAPES, 3), whole(SHAPES, 30))))
def test_small_probabilities_count(student, reference, arguments):
    """Each probability is right relative to itself, down to e⁻⁶⁰: none is cut off or padded."""
    z, dim = arguments
    expected = reference.softmax(z.double(), dim)
    answer = student.softmax(z, dim)
    assert_close(answer, expected, dtype=z.dtype, terms=z.shape[dim], scale=largest(z))
    # Relative errors: half an eps of |z − shift| ≤ 2·max|z| in the exponent, another of the sum's
    # logarithm where that is subtracted, K roundings in the sum: below eps·(2·max|z| + K + 4).
    # e⁻⁶⁰/6 is far above the smallest normal number of float32, 1e−38.
    allowed = tolerance(z.dtype, terms=z.shape[dim] + int(largest(z)))
    error = (torch.as_tensor(answer).double() / expected - 1).abs()
    worst = int(error.argmax())
    got, wanted = torch.as_tensor(answer).flatten()[worst], expected.flatten()[worst]
    assert_that(
        bool((error <= allowed).all()),
        f"a small probability is {float(got):.7g} instead of {float(wanted):.7g}",
        answer,
    )


@exercise("softmax", weight=1)
@given(rows=rows_at_heights())
def test_every_row_has_a_shift_of_its_own(student, reference, rows):
    """Rows at quite different heights do not disturb each other."""
    z, shifts = rows
    expected = reference.softmax(z.double())
    shifted = z + shifts
    scale = largest(shifted)
    assert_close(student.softmax(shifted), expected, dtype=z.dtype, terms=z.shape[-1], scale=scale)


@exercise("softmax", weight=2.5)
@given(z=numbers(SHAPES))
def test_softmax_leaves_z_alone(student, reference, z):
    """z is after the call what it was before, and a second call gives the right answer too."""
    expected = reference.softmax(z.double())
    answer = student.again.softmax(z)
    assert_close(answer, expected, dtype=z.dtype, terms=z.shape[-1], scale=largest(z))
    assert_equal(student.probe.arguments_after("softmax", z), [z])


@exercise("softmax", weight=0.5)
@given(z=SCORES)
def test_softmax_does_not_round_to_integers(student, reference, z):
    """An integer tensor by mistake: an exception or the right floats, never rounded ones."""
    expected = reference.softmax(z.double())
    terms = z.shape[-1]
    assert_close(student.softmax(z.double()), expected, dtype=torch.float64, terms=terms, scale=4)
    answer = student.probe.or_refused("softmax", z)
    if answer is not None:
        assert_close(answer, expected, terms=terms, scale=4)


# --- log_softmax ---------------------------------------------------------------------------


@exercise("log_softmax", weight=2)
@given(arguments=logits_along())
def test_log_softmax_along_any_dim(student, reference, arguments):
    """Log-probabilities are right along every dimension, in every memory layout."""
    z, dim = arguments
    expected = reference.log_softmax(z.double(), dim=dim)
    answer = student.log_softmax(z, dim=dim)
    assert_close(answer, expected, dtype=z.dtype, terms=z.shape[dim], scale=largest(z))


@exercise("log_softmax", weight=1)
@given(rows=rows_at_heights())
def test_log_softmax_does_not_notice_a_shift(student, reference, rows):
    """A constant added to a row changes nothing, and rows do not disturb each other."""
    z, shifts = rows
    expected = reference.log_softmax(z.double())
    shifted = z + shifts
    answer = student.log_softmax(shifted)
    assert_close(answer, expected, dtype=z.dtype, terms=z.shape[-1], scale=largest(shifted))


@exercise("log_softmax", weight=1)
@given(arguments=logits_along())
def test_differences_of_logits_stay(student, arguments):
    """log p_i − log p_j is z_i − z_j, and the probabilities add up to 1."""
    z, dim = arguments
    answer = student.log_softmax(z, dim=dim)
    log_p = tensor_like(answer, z)
    off = log_p - z.double()  # the same along dim: −log Σ e^z
    allowed = tolerance(z.dtype, terms=z.shape[dim]) * 3 * largest(z)
    spread = float((off.amax(dim) - off.amin(dim)).max())
    assert_that(spread <= allowed, f"differences of logits change by up to {spread:.3g}", answer)
    total = log_p.exp().sum(dim)
    error = float((total - 1).abs().max())
    assert_that(error <= allowed, f"the probabilities add up to 1 but for {error:.3g}", answer)


@exercise("log_softmax", weight=2.5)
@given(z=numbers(SHAPES))
def test_log_softmax_leaves_z_alone(student, reference, z):
    """z is after the call what it was before, and a second call gives the right answer too."""
    expected = reference.log_softmax(z.double())
    answer = student.again.log_softmax(z)
    assert_close(answer, expected, dtype=z.dtype, terms=z.shape[-1], scale=largest(z))
    assert_equal(student.probe.arguments_after("log_softmax", z), [z])


@exercise("log_softmax", weight=0.5)
@given(z=SCORES)
def test_log_softmax_does_not_round_to_integers(student, reference, z):
    """An integer tensor by mistake: an exception or the right floats, never rounded ones."""
    expected, terms = reference.log_softmax(z.double()), z.shape[-1]
    answer = student.log_softmax(z.double())
    assert_close(answer, expected, dtype=torch.float64, terms=terms, scale=9)
    answer = student.probe.or_refused("log_softmax", z)
    if answer is not None:
        assert_close(answer, expected, terms=terms, scale=9)


# --- smooth_labels -------------------------------------------------------------------------


def assert_labels(answer, expected):
    """The labels are the expected ones in any floating-point dtype, with float32's accuracy.

    (With that of their own dtype where it is a shorter one.)
    """
    dtype = getattr(answer, "dtype", None)
    half = dtype if dtype in (torch.float16, torch.bfloat16) else None
    if isinstance(answer, torch.Tensor | np.ndarray) and dtype in (torch.float64, np.float64):
        answer = torch.as_tensor(answer).float()
    assert_close(answer, expected, dtype=half)


@exercise("smooth_labels", weight=2)
@given(
    k=integers(1, 7),
    targets=tensors(dims(1, 1, 7), dtype=torch.int64, low=0, high=6),
    alpha=ALPHAS,
)
def test_labels_match_the_reference(student, reference, k, targets, alpha):
    """Each row has α/K everywhere and 1 − α more at its target, whatever N, K and α are."""
    targets = targets.remainder(k)
    expected = reference.smooth_labels(targets, k, alpha)
    assert_labels(student.smooth_labels(targets, k, alpha), expected)


@exercise("smooth_labels", weight=1)
@given(
    n=integers(1, 30),
    k=sampled_from([2, 10, 100, 1000]),
    seed=seeds(),
    alpha=sampled_from([0.0, 0.1, 0.5, 1.0]),
)
def test_labels_are_distributions(student, n, k, seed, alpha):
    """Each row adds up to 1, and its target has 1 − α more than the other classes, all equal."""
    targets = torch.randint(k, (n,), generator=torch.Generator().manual_seed(seed))
    answer = student.smooth_labels(targets, k, alpha)
    shape = f"expected a floating-point tensor of shape {(n, k)}"
    assert_that(isinstance(answer, torch.Tensor | np.ndarray), shape, answer)
    rows = torch.as_tensor(answer)
    assert_that(tuple(rows.shape) == (n, k) and rows.is_floating_point(), shape, answer)
    # each of K labels of at most 1 is rounded once or twice
    short = rows.dtype in (torch.float16, torch.bfloat16)
    allowed = tolerance(rows.dtype if short else torch.float32, terms=k)
    rows = rows.double()
    error = float((rows.sum(dim=1) - 1).abs().max())
    assert_that(error <= allowed, f"the rows add up to 1 but for {error:.3g}", answer)
    more = rows - (1 - alpha) * torch.eye(k, dtype=torch.float64)[targets]
    spread = float((more.amax(dim=1) - more.amin(dim=1)).max())
    what = f"the target should have {1 - alpha} more than the others, all equal"
    assert_that(spread <= allowed, f"{what}; it is off by {spread:.3g}", answer)


@exercise("smooth_labels", weight=1)
@given(targets=tensors(dims(1, 1, 5), dtype=torch.int64, low=0, high=3), alpha=ALPHAS)
def test_smooth_labels_leaves_targets_alone(student, reference, targets, alpha):
    """The targets are after the call what they were before; a second call is right too."""
    expected = reference.smooth_labels(targets, 4, alpha)
    assert_labels(student.again.smooth_labels(targets, 4, alpha), expected)
    after = student.probe.arguments_after("smooth_labels", targets, 4, alpha)
    assert_equal(after, [targets, 4, alpha])


@exercise("smooth_labels", weight=1)
@given(
    targets=tensors((3,), dtype=torch.int64, low=0, high=3),
    beyond=integers(0, 3),
    below=booleans(),
    place=integers(0, 2),
)
def test_labels_of_unknown_classes_raise(student, targets, beyond, below, place):
    """A target outside 0..K−1 raises ValueError; −1 is no class."""
    expected = 0.5 * torch.eye(4, dtype=torch.float64)[targets] + 0.125
    assert_labels(student.smooth_labels(targets, 4, 0.5), expected)
    wrong = targets.clone()
    wrong[place] = -1 - beyond if below else 4 + beyond
    assert_raises(ValueError, lambda: student.smooth_labels(wrong, 4, 0.5))


@exercise("smooth_labels", weight=1)
@given(
    targets=tensors((3,), dtype=torch.int64, low=0, high=3),
    alpha=sampled_from([-1.0, -0.01, 1.01, 2.0, 50.0]),
)
def test_alpha_is_a_share(student, targets, alpha):
    """An α outside [0, 1] raises ValueError; 0 and 1 do not."""
    onehot = torch.eye(4, dtype=torch.float64)[targets]
    assert_labels(student.smooth_labels(targets, 4, 0.0), onehot)
    assert_labels(student.smooth_labels(targets, 4, 1.0), torch.full((3, 4), 0.25))
    assert_raises(ValueError, lambda: student.smooth_labels(targets, 4, alpha))


# --- cross_entropy -------------------------------------------------------------------------


@exercise("cross_entropy", weight=2)
@given(batch=classified(), alpha=ALPHAS)
def test_loss_matches_the_reference(student, reference, batch, alpha):
    """The loss is right for logits of every size and layout, with and without smoothing."""
    logits, targets = batch
    expected = reference.cross_entropy(logits.double(), targets, alpha)
    loss = student.cross_entropy(logits, targets, alpha)
    scale = largest(logits)
    assert_close(loss, expected, dtype=logits.dtype, terms=logits.numel(), scale=scale)


@exercise("cross_entropy", weight=1.5)
@given(batch=classified(), alpha=ALPHAS, copies=integers(2, 4))
def test_mean_over_the_samples(student, reference, batch, alpha, copies):
    """The loss of a batch is the mean of its samples' losses; having all twice changes nothing."""
    logits, targets = batch
    dtype, n, k = logits.dtype, *logits.shape
    losses = [
        number(student.cross_entropy(logits[i : i + 1], targets[i : i + 1], alpha), dtype)
        for i in range(n)
    ]
    expected, scale = reference.cross_entropy(logits.double(), targets, alpha), largest(logits)
    assert_close(sum(losses) / n, expected, dtype=dtype, terms=k, scale=scale)
    loss = student.cross_entropy(logits.repeat(copies, 1), targets.repeat(copies), alpha)
    assert_close(loss, expected, dtype=dtype, terms=copies * n + k, scale=scale)


@exercise("cross_entropy", weight=1)
@given(
    rows=rows_at_heights(),
    indices=tensors((6,), dtype=torch.int64, low=0, high=5),
    turn=integers(0, 4),
    alpha=ALPHAS,
)
def test_shift_and_names_of_classes_are_all_one(student, reference, rows, indices, turn, alpha):
    """Neither a constant added to a sample's logits nor a renaming of the classes changes it."""
    logits, shifts = rows
    n, k = logits.shape
    targets = indices[:n] % k
    expected = reference.cross_entropy(logits.double(), targets, alpha)
    renamed, shifted = (targets + turn) % k, logits.roll(turn, dims=1) + shifts
    loss = student.cross_entropy(shifted, renamed, label_smoothing=alpha)
    assert_close(loss, expected, dtype=logits.dtype, terms=n + k, scale=largest(shifted))


@exercise("cross_entropy", weight=1)
@given(batch=classified(lambda shape: whole(shape, 400)), alpha=sampled_from([0.1, 0.5, 0.9]))
def test_smoothing_mixes_two_losses(student, batch, alpha):
    """With smoothing α it is 1 − α times the loss without, plus α times the loss of α = 1."""
    logits, targets = batch
    dtype = logits.dtype
    none = number(student.cross_entropy(logits, targets), dtype)
    full = number(student.cross_entropy(logits, targets, label_smoothing=1.0), dtype)
    loss = student.cross_entropy(logits, targets, label_smoothing=alpha)
    mixed = (1 - alpha) * none + alpha * full
    # α = 1 is the mean distance to log Σ e^z, and no smoothing the target's alone
    uniform = float((logits.double().logsumexp(1) - logits.double().mean(1)).mean())
    terms, scale = logits.numel(), largest(logits)
    assert_close(loss, mixed, dtype=dtype, terms=terms, scale=scale)
    assert_close(full, uniform, dtype=dtype, terms=terms, scale=scale)


@exercise("cross_entropy", weight=2.5)
@given(batch=classified(), alpha=ALPHAS)
def test_cross_entropy_leaves_its_inputs_alone(student, reference, batch, alpha):
    """Logits and targets are after the call what they were before; a second call is right too."""
    logits, targets = batch
    expected = reference.cross_entropy(logits.double(), targets, alpha)
    loss = student.again.cross_entropy(logits, targets, alpha)
    scale = largest(logits)
    assert_close(loss, expected, dtype=logits.dtype, terms=logits.numel(), scale=scale)
    after = student.probe.arguments_after("cross_entropy", *batch, alpha)
    assert_equal(after, [*batch, alpha])


@exercise("cross_entropy", weight=2)
@given(
    targets=tensors((3,), dtype=torch.int64, low=0, high=3),
    beyond=integers(0, 3),
    below=booleans(),
    place=integers(0, 2),
)
def test_loss_of_unknown_classes_raises(student, targets, beyond, below, place):
    """A target outside 0..K−1 raises ValueError; −1 is no class, and −100 means nothing here."""
    logits = torch.zeros(3, 4)
    assert_close(student.cross_entropy(logits, targets), math.log(4), dtype=torch.float32, terms=7)
    wrong = targets.clone()
    wrong[place] = (-100 if beyond == 3 else -1 - beyond) if below else 4 + beyond
    assert_raises(ValueError, lambda: student.cross_entropy(logits, wrong))


@exercise("cross_entropy", weight=0.5)
@given(
    targets=tensors((3,), dtype=torch.int64, low=0, high=3),
    alpha=sampled_from([-1.0, -0.01, 1.01, 2.0, 50.0]),
)
def test_smoothing_is_a_share(student, targets, alpha):
    """A label_smoothing outside [0, 1] raises ValueError."""
    logits = torch.zeros(3, 4)
    loss = student.cross_entropy(logits, targets, label_smoothing=1.0)
    assert_close(loss, math.log(4), dtype=torch.float32, terms=7)
    assert_raises(ValueError, lambda: student.cross_entropy(logits, targets, alpha))


@exercise("cross_entropy", weight=0.5)
@given(
    logits=tensors((3, 4), dtype=torch.int64, low=-9, high=9),
    targets=tensors((3,), dtype=torch.int64, low=0, high=3),
    alpha=sampled_from([0.0, 0.1]),
)
def test_loss_is_not_rounded_to_integers(student, reference, logits, targets, alpha):
    """Integer logits by mistake: an exception or the right float, never a rounded one."""
    expected = reference.cross_entropy(logits.double(), targets, alpha)
    loss = student.cross_entropy(logits.double(), targets, alpha)
    assert_close(loss, expected, dtype=torch.float64, terms=12, scale=9)
    loss = student.probe.or_refused("cross_entropy", logits, targets, alpha)
    if loss is not None:
        assert_close(loss, expected, terms=12, scale=9)


# --- threshold_loss_slope ------------------------------------------------------------------


STEPS = sampled_from([2.0**-20, 0.1, 0.5, 1.5, 3.5, 99.5])  # never a whole number's magnitude


@exercise("threshold_loss_slope", weight=2)
@given(
    z=st.one_of(
        whole(SHAPES, 4),
        whole(SHAPES, 120),
        whole(SHAPES, 10_000),
        whole((), 4),
        expanded(whole(dims(1), 2)),
    ),
    eps=STEPS,
)
def test_slope_of_any_layout(student, reference, z, eps):
    """It is 1/2ε within ε of 0 and zero elsewhere, for every shape and memory layout."""
    expected = reference.threshold_loss_slope(z.double(), eps)
    assert_close(student.threshold_loss_slope(z, eps), expected, dtype=z.dtype)


@exercise("threshold_loss_slope", weight=1)
@given(
    z=whole(SHAPES, 5), eps=sampled_from([0.5, 1.5, 3.5]), factor=sampled_from([0.25, 2.0, 16.0])
)
def test_slope_scales_and_mirrors(student, z, eps, factor):
    """slope(−z, ε) = slope(z, ε), and slope(c·z, c·ε) = slope(z, ε) / c."""
    slope = tensor_like(student.threshold_loss_slope(z, eps), z)
    known = bool(((slope == 0) | (slope > 0)).all())
    assert_that(known, "a slope is negative or no number, but H only rises")
    assert_close(student.threshold_loss_slope(-z, eps), slope, dtype=z.dtype)
    scaled = student.threshold_loss_slope(factor * z, factor * eps)
    assert_close(scaled, slope / factor, dtype=z.dtype)


@exercise("threshold_loss_slope", weight=2)
@given(z=whole(dims(2), 4), eps=STEPS)
def test_threshold_leaves_z_alone(student, reference, z, eps):
    """z is after the call what it was before, and a second call gives the right answer too."""
    expected = reference.threshold_loss_slope(z.double(), eps)
    assert_close(student.again.threshold_loss_slope(z, eps), expected, dtype=z.dtype)
    assert_equal(student.probe.arguments_after("threshold_loss_slope", z, eps), [z, eps])


@exercise("threshold_loss_slope", weight=0.5)
@given(z=tensors(dims(2), dtype=torch.int64, low=-3, high=3), eps=sampled_from([0.1, 0.75, 2.5]))
def test_slope_is_not_rounded_to_integers(student, reference, z, eps):
    """An integer tensor by mistake: an exception or the right floats, never rounded ones."""
    expected = reference.threshold_loss_slope(z.double(), eps)
    assert_close(student.threshold_loss_slope(z.double(), eps), expected, dtype=torch.float64)
    answer = student.probe.or_refused("threshold_loss_slope", z, eps)
    if answer is not None:
        assert_close(answer, expected)


# --- gradient_scale ------------------------------------------------------------------------


ACTIVATIONS = sampled_from(["sigmoid", "tanh", "relu"])
PLACES = integers(-24, 24).filter(bool).map(lambda eighths: eighths / 8)


def as_float(answer):
    """A scalar tensor as a float: either way float32's accuracy is enough."""
    tensor = isinstance(answer, torch.Tensor) and answer.dim() == 0 and answer.is_floating_point()
    return float(answer) if tensor else answer


@exercise("gradient_scale", weight=2)
@given(activation=ACTIVATIONS, depth=integers(1, 12), z=PLACES)
def test_scale_matches_the_reference(student, reference, activation, depth, z):
    """It is f′(z)^depth for each of the activations, on both sides of 0."""
    slope = reference.gradient_scale(activation, 1, z)
    # σ·(1 − σ) and 1 − tanh² err by some eps of 1, which is eps/slope of the slope, and the power
    # errs `depth` times as much. It may have been computed in float32.
    error = depth * slope ** (depth - 1) if slope else 0.0
    answer = student.gradient_scale(activation, depth, z)
    assert_close(as_float(answer), reference.gradient_scale(activation, depth, z), scale=error)


@exercise("gradient_scale", weight=1)
@given(activation=ACTIVATIONS, first=integers(1, 5), more=integers(1, 5), z=PLACES)
def test_layers_multiply(student, reference, activation, first, more, z):
    """Layers one after the other multiply: f′^(a+b) = f′^a · f′^b, and z or −z is all one."""
    scales = [
        number(student.gradient_scale(activation, depth, z), torch.float32, torch.float64)
        for depth in (first, more, first + more)
    ]
    one = reference.gradient_scale(activation, 1, z)
    depth = first + more
    # as above; a factor of 3 because three answers err
    error = 3 * depth * one ** (depth - 1) if one else 0.0
    assert_close(scales[2], scales[0] * scales[1], scale=error)
    assert_close(scales[2], one**depth, scale=error)
    if activation != "relu":
        mirrored = student.gradient_scale(activation, depth, -z)
        assert_close(as_float(mirrored), scales[2], scale=error)


@exercise("gradient_scale", weight=1.5)
@given(
    activation=sampled_from(["sigmoid", "tanh"]),
    depth=integers(1, 60),
    size=sampled_from([40.0, 400.0, 1000.0, 10_000.0]),
    negative=booleans(),
)
def test_saturated_layers_pass_nothing(student, activation, depth, size, negative):
    """Far from 0 nothing of the gradient is left: 0, and not NaN or an overflow."""
    steepest = 0.25 if activation == "sigmoid" else 1.0
    assert_close(as_float(student.gradient_scale(activation, 1, 0.0)), steepest)
    answer = student.gradient_scale(activation, depth, -size if negative else size)
    assert_close(as_float(answer), 0.0, scale=1)


@exercise("gradient_scale", weight=0.5)
@given(depth=integers(1, 200), size=sampled_from([0.001, 1.0, 100.0]))
def test_relu_passes_all_or_nothing(student, depth, size):
    """Any number of ReLUs passes a gradient whole above 0, and none of it below."""
    assert_close(as_float(student.gradient_scale("relu", depth, size)), 1.0)
    assert_equal(student.gradient_scale("relu", depth, -size), 0.0)


@exercise("gradient_scale", weight=0.5)
@given(
    activation=sampled_from(["softmax", "linear", "", "relu6", "leaky_relu", "threshold"]),
    depth=integers(1, 4),
    z=PLACES,
)
def test_unknown_activations_raise(student, activation, depth, z):
    """A name that is none of the three raises ValueError."""
    assert_close(as_float(student.gradient_scale("tanh", depth, 0.0)), 1.0)
    assert_raises(ValueError, lambda: student.gradient_scale(activation, depth, z))

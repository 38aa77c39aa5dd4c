"""Public checks of `initialization`: layers of ones, PyTorch's own layers, and laws of chance.

What is random can only be judged by statistics. The checks of a scale draw at least 100,000
numbers, so that one that is a few percent off is seen. Their limits are such that a right solution
fails a whole check with a probability below 10⁻⁶; how that comes about stands beside each of them.
"""

import math

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.strategies import integers, sampled_from
from torch import nn

from autograder.checks import assert_equal, assert_that, dims, exercise, given, seeds

FLOATS = sampled_from([torch.float32, torch.float64])
SMALL = st.one_of(dims(2, 1, 9), dims(4, 1, 6))  # shapes of weights
LARGE = sampled_from([(250, 400), (400, 250), (64, 32, 7, 7)])  # at least 100,000 elements


# --- what came back, in the form that the checks use -----------------------------------------


def number(answer):
    """The answer as a number; a 0-dimensional tensor is one too."""
    if isinstance(answer, torch.Tensor | np.ndarray) and answer.ndim == 0:
        answer = answer.item()
    is_number = isinstance(answer, int | float) and not isinstance(answer, bool)
    assert_that(is_number, "expected a number", answer)
    return answer


def elements(answer, shape, dtype):
    """The elements of a weight of this shape and dtype, in float64."""
    is_tensor = isinstance(answer, torch.Tensor)
    assert_that(is_tensor, f"expected a tensor of shape {shape}", answer)
    got = tuple(answer.shape)
    assert_that(got == shape, f"expected shape {shape}, not {got}", answer)
    assert_that(answer.dtype == dtype, f"expected dtype {dtype}, not {answer.dtype}", answer)
    finite = bool(answer.isfinite().all())
    assert_that(finite, "expected finite numbers, but some are infinite or NaN", answer)
    return answer.to(torch.float64).flatten()


def one_number_per_layer(answer, depth):
    """The answer as a list of floats, in whatever sequence they came."""
    if isinstance(answer, torch.Tensor | np.ndarray):
        answer = answer.tolist()
    is_list = isinstance(answer, list | tuple)
    assert_that(is_list, f"expected a list of {depth} floats", answer)
    found = f"expected one float for each of {depth} layers, not {len(answer)}"
    assert_that(len(answer) == depth, found, answer)
    return [float(number(item)) for item in answer]


# --- statistics ------------------------------------------------------------------------------

# The probability with which one test fails a right solution. A check makes at most 24 of them (6
# combinations of shape and dtype, up to 4 tests each): 2.4·10⁻⁷ together.
RISK = 1e-8


def assert_uniform(x, a, name):
    """The numbers x are uniform in ±a, called `name`; each of 3 tests has the RISK."""
    n = len(x)
    largest = float(x.abs().max())
    inside = largest <= a * (1 + 1e-6)  # 1e-6: float32 may round outwards
    assert_that(inside, f"{largest:.4g} lies beyond the bound {name}")
    # Each number misses the uppermost share t/n of the range with probability 1 − t/n, all n with
    # (1 − t/n)ⁿ ≤ e^(−t). The lowermost likewise. The share of ±a is 2a·t/n.
    t = math.log(1 / RISK)
    reaches = min(float(x.max()), -float(x.min())) >= a - 2 * a * t / n
    ends = f"{float(x.min()):.4g} to {float(x.max()):.4g}"
    assert_that(reaches, f"{n:,} numbers range from {ends}; the bound is {name}")
    assert_distribution(x, ((x + a) / (2 * a)).clamp(0, 1), f"uniform in ±{a:.4g}")


def assert_normal(x, sigma, name):
    """The numbers x are normal with mean 0 and std sigma, called `name`; 4 tests of the RISK."""
    n = len(x)
    # Σx²/σ² has the χ² distribution with n degrees of freedom, and for it P(χ² ≤ n − 2√(nt)) and
    # P(χ² ≥ n + 2√(nt) + 2t) are at most e^(−t) (Laurent and Massart, 2000, lemma 1).
    t = math.log(1 / RISK)
    ratio = float(x.square().mean()) / sigma**2
    level = 1 - 2 * math.sqrt(t / n) <= ratio <= 1 + 2 * math.sqrt(t / n) + 2 * t / n
    std = math.sqrt(float(x.square().mean()))
    assert_that(level, f"{n:,} numbers have the standard deviation {std:.4g}, not {name}")
    # The mean is normal with standard deviation σ/√n, and P(|mean| > z·σ/√n) = erfc(z/√2), which
    # for z = 5.74 is below 10⁻⁸.
    mean = float(x.mean())
    most = 5.74 * sigma / math.sqrt(n)
    centred = abs(mean) <= most
    assert_that(centred, f"{n:,} numbers have the mean {mean:.4g}, by chance at most ±{most:.2g}")
    assert_distribution(x, torch.special.ndtr(x / sigma), f"normal with std {sigma:.4g}")
    # P(|x| > 3.5σ) = 4.65·10⁻⁴: that none of 100,000 does has a probability below e⁻⁴⁶.
    largest = float(x.abs().max()) / sigma
    assert_that(largest > 3.5, f"{n:,} numbers, but none beyond {largest:.3g} deviations")


def assert_distribution(x, cdf, name):
    """Kolmogorov's test: nowhere is the share of smaller numbers far from what it should be."""
    # P(sup |Fₙ − F| > ε) ≤ 2·e^(−2nε²) (Dvoretzky, Kiefer, Wolfowitz; Massart, 1990)
    n = len(x)
    limit = math.sqrt(math.log(2 / RISK) / (2 * n))
    expected, order = cdf.sort()
    share = torch.arange(1, n + 1, dtype=torch.float64) / n
    distance = torch.maximum((share - expected).abs(), (share - 1 / n - expected).abs())
    k = int(distance.argmax())
    assert_that(
        float(distance[k]) <= limit,
        f"{float(share[k]):.1%} of {n:,} numbers are at most {float(x[order[k]]):.4g}; of numbers "
        f"that are {name} it would be {float(expected[k]):.1%}",
    )


def seeded(seed):
    """A generator, as the samplers take it."""
    return torch.Generator().manual_seed(seed)


def same(ours, theirs):
    """Whether two draws are the same but for rounding: matrix products may differ in the end."""
    return torch.allclose(torch.as_tensor(ours), torch.as_tensor(theirs), rtol=1e-5, atol=0)


def assert_seed_decides(draw, seed):
    """``draw(generator)`` gives the same again for the same seed and something else for others."""
    first, second = draw(seeded(seed)), draw(seeded(seed))
    assert_that(same(first, second), "two generators of the same seed, but different numbers")
    # Even where only a seed of 16 bits is drawn from the generator, all three agree with the first
    # by chance with a probability of 2^(−16·3) < 4e-15 an example.
    others = [draw(seeded(seed + i)) for i in range(1, 4)]
    different = not all(same(first, other) for other in others)
    assert_that(different, "four generators of different seeds, but the same numbers")


# --- fans ------------------------------------------------------------------------------------


@exercise("fans", weight=1)
@given(sizes=dims(2, 1, 40))
def test_dense_layer_of_ones_counts_its_fans(student, sizes):
    """A dense layer of ones makes of ones: fan_in at each output, and the gradient fan_out."""
    x = torch.ones(sizes[1], dtype=torch.float64, requires_grad=True)
    y = nn.functional.linear(x, torch.ones(sizes, dtype=torch.float64))
    (dx,) = torch.autograd.grad(y.sum(), x)
    assert_equal(student.fans(sizes), (int(y[0]), int(dx[0])))


@exercise("fans", weight=2)
@given(shape=dims(4, 1, 6))
def test_convolution_of_ones_counts_its_fans(student, shape):
    """A convolution of ones makes of ones: fan_in at each output, far from borders fan_out back."""
    _, in_channels, kh, kw = shape
    x = torch.ones(1, in_channels, 2 * kh - 1, 2 * kw - 1, dtype=torch.float64, requires_grad=True)
    y = nn.functional.conv2d(x, torch.ones(shape, dtype=torch.float64))
    (dx,) = torch.autograd.grad(y.sum(), x)
    # the pixel in the middle is in a window for each of the kernel's positions
    assert_equal(student.fans(shape), (int(y[0, 0, 0, 0]), int(dx[0, 0, kh - 1, kw - 1])))


# --- default_bound ---------------------------------------------------------------------------


@exercise("default_bound", weight=2)
@given(fan_in=integers(1, 400))
def test_weights_of_a_linear_layer_reach_the_bound(student, fan_in):
    """100,000 weights of PyTorch's nn.Linear lie within the bound and come close to it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        weight = nn.Linear(fan_in, 100_000 // fan_in + 1, bias=False).weight.detach()
    largest = float(weight.abs().max())
    answer = student.default_bound(fan_in)
    # None of 100,000 weights comes within 0.03% of the bound: (1 − 0.0003)^100000 < 1e-13.
    close = largest * (1 - 1e-6) <= number(answer) <= largest * 1.0004
    assert_that(close, f"the largest weight of nn.Linear({fan_in}, …) is {largest:.7g}", answer)


# --- the samplers ----------------------------------------------------------------------------


def pytorch_fans(shape):
    """(fan_in, fan_out) as PyTorch's own initialisers count them."""
    return nn.init._calculate_fan_in_and_fan_out(torch.empty(shape, device="meta"))


def assert_layers_follow_the_seed(student, function, shape, seed):
    """Layers drawn in turn from one generator differ, and come again with the same seed."""

    def layers(seed):
        weights = student.probe.layers_in_turn(function, [shape] * 4, seeded(seed))
        return [elements(weight, shape, torch.float32) for weight in weights]

    first, again, other = layers(seed), layers(seed), layers(seed + 1)
    repeated = all(map(same, first, again))
    assert_that(repeated, "two generators of the same seed, but different numbers")
    # by chance below 4e-15 an example, as above; and 2^(−16·4) for the other seed
    fresh = not all(same(first[0], layer) for layer in first[1:])
    assert_that(fresh, "four layers drawn in turn from one generator have the same numbers")
    different = not all(map(same, first, other))
    assert_that(different, "two generators of different seeds, but the same numbers")


@exercise("xavier_uniform", weight=0.5)
@given(shape=SMALL, dtype=FLOATS, seed=seeds())
def test_xavier_uniform_has_shape_and_dtype(student, shape, dtype, seed):
    """The weight has the shape and the dtype that were asked for, float32 by default."""
    elements(student.xavier_uniform(shape, seeded(seed), dtype=dtype), shape, dtype)
    elements(student.xavier_uniform(shape, seeded(seed)), shape, torch.float32)


@exercise("xavier_uniform", weight=3)
@given(shape=LARGE, dtype=FLOATS)
def test_xavier_uniform_fills_its_range(student, shape, dtype):
    """The numbers are uniform in ±√(6/(fan_in + fan_out)), with PyTorch's fans."""
    fan_in, fan_out = pytorch_fans(shape)
    answer = student.xavier_uniform(shape, seeded(1), dtype=dtype)
    a = math.sqrt(6 / (fan_in + fan_out))
    x = elements(answer, shape, dtype)
    assert_uniform(x, a, f"√(6/({fan_in} + {fan_out})) = {a:.4g}")


@exercise("xavier_uniform", weight=3)
@given(shape=SMALL, seed=seeds())
def test_seed_decides_xavier_uniform(student, shape, seed):
    """The same seed gives the same layers, each with numbers of its own; others give others."""
    assert_layers_follow_the_seed(student, "xavier_uniform", shape, seed)


@exercise("xavier_normal", weight=0.5)
@given(shape=SMALL, dtype=FLOATS, seed=seeds())
def test_xavier_normal_has_shape_and_dtype(student, shape, dtype, seed):
    """The weight has the shape and the dtype that were asked for, float32 by default."""
    elements(student.xavier_normal(shape, seeded(seed), dtype=dtype), shape, dtype)
    elements(student.xavier_normal(shape, seeded(seed)), shape, torch.float32)


@exercise("xavier_normal", weight=3)
@given(shape=LARGE, dtype=FLOATS)
def test_xavier_normal_has_its_deviation(student, shape, dtype):
    """The numbers are normal with std √(2/(fan_in + fan_out)), with PyTorch's fans."""
    fan_in, fan_out = pytorch_fans(shape)
    answer = student.xavier_normal(shape, seeded(2), dtype=dtype)
    sigma = math.sqrt(2 / (fan_in + fan_out))
    x = elements(answer, shape, dtype)
    assert_normal(x, sigma, f"√(2/({fan_in} + {fan_out})) = {sigma:.4g}")


@exercise("xavier_normal", weight=3)
@given(shape=SMALL, seed=seeds())
def test_seed_decides_xavier_normal(student, shape, seed):
    """The same seed gives the same layers, each with numbers of its own; others give others."""
    assert_layers_follow_the_seed(student, "xavier_normal", shape, seed)


@exercise("he_uniform", weight=0.5)
@given(shape=SMALL, dtype=FLOATS, seed=seeds())
def test_he_uniform_has_shape_and_dtype(student, shape, dtype, seed):
    """The weight has the shape and the dtype that were asked for, float32 by default."""
    elements(student.he_uniform(shape, seeded(seed), dtype=dtype), shape, dtype)
    elements(student.he_uniform(shape, seeded(seed)), shape, torch.float32)


@exercise("he_uniform", weight=3)
@given(shape=LARGE, dtype=FLOATS)
def test_he_uniform_fills_its_range(student, shape, dtype):
    """The numbers are uniform in ±√(6/fan_in), with PyTorch's fan_in."""
    fan_in, _ = pytorch_fans(shape)
    answer = student.he_uniform(shape, seeded(3), dtype=dtype)
    a = math.sqrt(6 / fan_in)
    x = elements(answer, shape, dtype)
    assert_uniform(x, a, f"√(6/{fan_in}) = {a:.4g}")


@exercise("he_uniform", weight=3)
@given(shape=SMALL, seed=seeds())
def test_seed_decides_he_uniform(student, shape, seed):
    """The same seed gives the same layers, each with numbers of its own; others give others."""
    assert_layers_follow_the_seed(student, "he_uniform", shape, seed)


@exercise("he_normal", weight=0.5)
@given(shape=SMALL, dtype=FLOATS, seed=seeds())
def test_he_normal_has_shape_and_dtype(student, shape, dtype, seed):
    """The weight has the shape and the dtype that were asked for, float32 by default."""
    elements(student.he_normal(shape, seeded(seed), dtype=dtype), shape, dtype)
    elements(student.he_normal(shape, seeded(seed)), shape, torch.float32)


@exercise("he_normal", weight=3)
@given(shape=LARGE, dtype=FLOATS)
def test_he_normal_has_its_deviation(student, shape, dtype):
    """The numbers are normal with std √(2/fan_in), with PyTorch's fan_in."""
    fan_in, _ = pytorch_fans(shape)
    answer = student.he_normal(shape, seeded(4), dtype=dtype)
    sigma = math.sqrt(2 / fan_in)
    x = elements(answer, shape, dtype)
    assert_normal(x, sigma, f"√(2/{fan_in}) = {sigma:.4g}")


@exercise("he_normal", weight=3)
@given(shape=SMALL, seed=seeds())
def test_seed_decides_he_normal(student, shape, seed):
    """The same seed gives the same layers, each with numbers of its own; others give others."""
    assert_layers_follow_the_seed(student, "he_normal", shape, seed)


# --- activation_stds -------------------------------------------------------------------------


def expected_stds(depth, width, sigma):
    """The standard deviation after each layer of a wide network, with weights of std sigma.

    The elements of z = Wh are normal with the variance width·σ²·mean(h²). ReLU(z) has half of it
    as mean square and std(z)/√(2π) as mean, so its variance is 1 − 1/π of its mean square. The
    input's mean square is 1, and each layer multiplies it by width·σ²/2.
    """
    gain = sigma * math.sqrt(width / 2)
    return [math.sqrt(1 - 1 / math.pi) * gain**layer for layer in range(1, depth + 1)]


def limits(depth):
    """How far the mean over seeds of ln(std) may be from its expectation after each layer.

    For width · seeds ≥ 5120. A layer multiplies the mean square, relative to its expectation, by
    a factor that varies the most where all inputs of the batch have become parallel: there it is
    F = 2/width·Σ ReLU(n_j)² with independent n_j ~ N(0, 1). (In any batch it is a weighted mean
    of such factors, so by Jensen its moments of order s ≥ 1 and s < 0 are at most those of F.)
    Chernoff's bound with these moments, which Γ functions give, says that the mean over seeds of
    ½ Σ ln F over k layers leaves ±0.12·√k with a probability below 6·10⁻⁹ for k ≤ 4, below
    4·10⁻⁸ in a whole check. The 0.02 are for what does not add up from layer to layer: the
    first layer, and the share of the mean in the mean square; in 6000 runs with normal and with
    uniform weights, batches of 256, both were biased by 0.006 at most and had standard
    deviations below 0.003 in the mean over seeds. All in all, the limits are 13 times the
    standard deviation measured there, or more.
    """
    return [0.02 + 0.12 * math.sqrt(k) for k in range(depth)]


SIGMAS = {
    "he": lambda width: math.sqrt(2 / width),
    "xavier": lambda width: math.sqrt(1 / width),
    "small": lambda width: 0.01,
    "large": lambda width: 1.0,
}


@exercise("activation_stds", weight=3)
@given(scheme=sampled_from(list(SIGMAS)))
def test_signal_stays_or_fades_or_explodes(student, scheme):
    """From layer to layer the standard deviation grows by the factor σ·√(width/2)."""
    depth, width, runs = 3, 128, 40
    logs = torch.zeros(depth, dtype=torch.float64)
    for seed in range(runs):
        answer = student.activation_stds(depth, width, scheme, seeded(seed))
        stds = one_number_per_layer(answer, depth)
        positive = all(0 < std < math.inf for std in stds)
        assert_that(positive, "expected finite numbers above 0", answer)
        logs += torch.tensor(stds, dtype=torch.float64).log() / runs
    expected = expected_stds(depth, width, SIGMAS[scheme](width))
    means = logs.exp().tolist()  # geometric means, because chance multiplies from layer to layer
    for k, limit in enumerate(limits(depth)):
        assert_that(
            abs(math.log(means[k] / expected[k])) <= limit,
            f"over {runs} seeds the standard deviation after layer {k + 1} is {means[k]:.3g} in "
            f"the (geometric) mean, but should be near {expected[k]:.3g}",
        )


@exercise("activation_stds", weight=0.5)
@given(depth=integers(1, 5), width=integers(1, 40), scheme=sampled_from(list(SIGMAS)), seed=seeds())
def test_each_layer_has_one_number(student, depth, width, scheme, seed):
    """There is one standard deviation for each layer, none of them negative."""
    answer = student.activation_stds(depth, width, scheme, seeded(seed))
    stds = one_number_per_layer(answer, depth)
    assert_that(all(0 <= std < math.inf for std in stds), "expected finite numbers from 0", answer)


@exercise("activation_stds", weight=2)
@given(scheme=sampled_from(list(SIGMAS)), seed=seeds())
def test_seed_decides_the_signal(student, scheme, seed):
    """The same seed gives the same standard deviations, other seeds give others."""

    def draw(generator):
        return one_number_per_layer(student.activation_stds(4, 40, scheme, generator), 4)

    assert_seed_decides(draw, seed)

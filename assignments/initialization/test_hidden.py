"""Hidden checks of `initialization`: the reference, edges, and what chance may and may not do.

The statistics are those of the public checks, on other shapes and with more tests: a right solution
fails a whole check with a probability below 10⁻⁶. How that comes about stands beside each limit.
"""

import itertools
import math

import torch
from hypothesis import strategies as st
from hypothesis.strategies import integers, sampled_from

from autograder.checks import (
    assert_close,
    assert_equal,
    assert_raises,
    assert_that,
    dims,
    exercise,
    given,
    seeds,
)

FLOATS = sampled_from([torch.float32, torch.float64])
BELOW_ONE = integers(-3, 0)
SHAPES = st.one_of(dims(2, 2, 9), dims(4, 2, 6))  # of weights with four elements or more
LARGE = sampled_from(  # at least 100,000 elements
    [
        (1000, 100),
        (100, 1000),
        (1, 100_000),
        (50, 100, 4, 5),
        (320, 12, 3, 9),
        (400, 250, 1, 1),
    ]
)
SIZES = (1, 3, 8, 21, 32)
KERNELS = ((), (1, 1), (3, 3), (1, 5), (4, 2))
# 125 shapes of 101,400 weights in all, each of them twice, as the probe draws them
NETWORK = [
    (*channels, *kernel)
    for channels in itertools.product(SIZES, SIZES)
    for kernel in KERNELS
    for _ in range(2)
]


# --- what came back, in the form that the checks use -----------------------------------------


def number(answer):
    """The answer as a number; a 0-dimensional tensor is one too."""
    if isinstance(answer, torch.Tensor) and answer.dim() == 0 and not answer.is_complex():
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
    if isinstance(answer, torch.Tensor) and answer.dim() == 1:
        answer = list(answer)
    is_list = isinstance(answer, list | tuple)
    assert_that(is_list, f"expected a list of {depth} floats", answer)
    found = f"expected one float for each of {depth} layers, not {len(answer)}"
    assert_that(len(answer) == depth, found, answer)
    return [float(number(item)) for item in answer]


# --- statistics ------------------------------------------------------------------------------

# The probability with which one test fails a right solution. A check makes at most 48 of them (12
# combinations of shape and dtype, up to 4 tests each): 4.8·10⁻⁷ together.
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
    centred = abs(mean) <= 5.74 * sigma / math.sqrt(n)
    assert_that(centred, f"{n:,} numbers have the mean {mean:.4g}, not 0")
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


def assert_seed_is_all(student, read, seed, function, **arguments):
    """What `read` finds in the answer of `function` is made of the generator's seed alone."""
    first, *again = (
        read(
            student.probe.call_with_global_seed(
                global_seed, function, generator=seeded(seed), **arguments
            )
        )
        for global_seed in (1, 2, 1)
    )
    alike = all(same(first, other) for other in again)
    assert_that(alike, "one seed of the generator, but different numbers")
    # Even where only a seed of 16 bits is drawn from the generator, all three agree with the first
    # by chance with a probability of 2^(−16·3) < 4e-15 an example.
    others = [
        read(getattr(student, function)(generator=seeded(seed + i), **arguments))
        for i in range(1, 4)
    ]
    different = not all(same(first, other) for other in others)
    assert_that(different, "four generators of different seeds, but the same numbers")


# --- fans ------------------------------------------------------------------------------------


@exercise("fans", weight=2)
@given(shape=st.one_of(dims(2, 1, 5000), dims(4, 1, 600)))
def test_fans_of_any_layer(student, reference, shape):
    """The fans are right, and ints, for wide layers and large kernels too."""
    assert_equal(student.fans(shape), reference.fans(shape))


@exercise("fans", weight=1)
@given(sizes=dims(2, 1, 30), kernel=dims(2, 1, 7))
def test_fans_follow_the_layer(student, sizes, kernel):
    """A kernel of one pixel makes a dense layer; the layer turned round has the fans swapped."""
    out, in_ = sizes
    fan_in, fan_out = (size * math.prod(kernel) for size in (in_, out))
    assert_equal(student.fans((out, in_, 1, 1)), (in_, out))
    assert_equal(student.fans((out, in_, *kernel)), (fan_in, fan_out))
    assert_equal(student.fans((in_, out, *kernel)), (fan_out, fan_in))
    assert_equal(student.fans((out, out, *kernel[::-1])), (fan_out, fan_out))


@exercise("fans", weight=0.5)
@given(shape=st.one_of(dims(2), dims(4)), place=integers(0, 3), low=BELOW_ONE)
def test_fans_refuse_a_size_below_one(student, shape, place, low):
    """A size below 1 raises ValueError, wherever it stands."""
    sizes = list(shape)
    sizes[place % len(sizes)] = low
    assert_raises(ValueError, lambda: student.fans(tuple(sizes)))


# --- default_bound ---------------------------------------------------------------------------


@exercise("default_bound", weight=2)
@given(fan_in=st.one_of(integers(1, 16), integers(1, 1_000_000)))
def test_bound_of_any_fan(student, reference, fan_in):
    """It is 1/√fan_in, for one input and for a million."""
    assert_close(student.default_bound(fan_in), reference.default_bound(fan_in))


@exercise("default_bound", weight=0.5)
@given(fan_in=BELOW_ONE)
def test_bound_refuses_a_fan_below_one(student, fan_in):
    """A fan_in below 1 raises ValueError."""
    assert_raises(ValueError, lambda: student.default_bound(fan_in))


# --- the samplers ----------------------------------------------------------------------------


def layers_in_turn(student, function, scale):
    """The weights of the NETWORK's layers, each divided by ``scale(fan_in, fan_out)``."""
    answer = student.probe.pairs_of_layers(function, SIZES, KERNELS, seeded(5))
    layers = [
        elements(weight, shape, torch.float32)
        for weight, shape in zip(answer, NETWORK, strict=True)
    ]
    # Layers of one shape agree by chance with a probability of 2⁻¹⁶ a pair, if no more than a seed
    # of 16 bits is drawn for each; five of 125 pairs do with one below C(125, 5)·2^(−80) < 2e-16.
    twins = zip(layers[::2], layers[1::2], strict=True)
    agree = [shape for shape, pair in zip(NETWORK[::2], twins, strict=True) if same(*pair)]
    assert_that(
        len(agree) < 5,
        f"of two layers drawn from one generator, both have the same weights: {agree[-1:]}",
    )
    scaled = []
    for shape, layer in zip(NETWORK, layers, strict=True):
        area = math.prod(shape[2:])
        scaled.append(layer / scale(shape[1] * area, shape[0] * area))
    return torch.cat(scaled)


def assert_slices_differ(answer, shape):
    """No two output channels, input channels, rows or columns of kernels have the same weights."""
    elements(answer, shape, torch.float32)
    for axis, size in enumerate(shape):
        # A slice has 50 elements or more. Even if each had but 256 levels, two of the at most 1770
        # pairs would agree with a probability below 1770·256⁻⁵⁰.
        different = len(torch.unique(answer, dim=axis).unbind(axis))
        assert_that(
            different == size,
            f"along axis {axis} of shape {shape} only {different} of {size} slices are different",
        )


SLICED = sampled_from([(50, 60), (60, 50), (12, 10, 3, 4), (5, 6, 4, 3)])


@exercise("xavier_uniform", weight=3)
@given(shape=LARGE, dtype=FLOATS)
def test_xavier_uniform_on_any_shape(student, reference, shape, dtype):
    """Tall, wide or with kernels: the numbers are uniform in ±√(6/(fan_in + fan_out))."""
    fan_in, fan_out = reference.fans(shape)
    a = math.sqrt(6 / (fan_in + fan_out))
    x = elements(student.xavier_uniform(shape, seeded(11), dtype=dtype), shape, dtype)
    assert_uniform(x, a, f"√(6/({fan_in} + {fan_out})) = {a:.4g}")


@exercise("xavier_uniform", weight=4)
@given(shape=SHAPES, dtype=FLOATS, seed=seeds())
def test_xavier_uniform_comes_from_the_generator_alone(student, shape, dtype, seed):
    """The seed of the generator decides, whatever the global seeds are."""

    def read(answer):
        return elements(answer, shape, dtype)

    assert_seed_is_all(student, read, seed, "xavier_uniform", shape=shape, dtype=dtype)


@exercise("xavier_uniform", weight=3)
def test_xavier_uniform_draws_new_numbers_for_each_layer(student):
    """Layers drawn in turn from one generator, small ones too, are independent of each other."""
    x = layers_in_turn(
        student, "xavier_uniform", lambda fan_in, fan_out: math.sqrt(6 / (fan_in + fan_out))
    )
    assert_uniform(x, 1, "1 (each layer divided by √(6/(fan_in + fan_out)))")


@exercise("xavier_uniform", weight=0.5)
@given(shape=SLICED, seed=seeds())
def test_xavier_uniform_draws_each_weight_for_itself(student, shape, seed):
    """No two neurons start with the same weights, nor any other two slices."""
    assert_slices_differ(student.xavier_uniform(shape, seeded(seed)), shape)


@exercise("xavier_normal", weight=3)
@given(shape=LARGE, dtype=FLOATS)
def test_xavier_normal_on_any_shape(student, reference, shape, dtype):
    """Tall, wide or with kernels: the numbers are normal with std √(2/(fan_in + fan_out))."""
    fan_in, fan_out = reference.fans(shape)
    sigma = math.sqrt(2 / (fan_in + fan_out))
    x = elements(student.xavier_normal(shape, seeded(12), dtype=dtype), shape, dtype)
    assert_normal(x, sigma, f"√(2/({fan_in} + {fan_out})) = {sigma:.4g}")


@exercise("xavier_normal", weight=4)
@given(shape=SHAPES, dtype=FLOATS, seed=seeds())
def test_xavier_normal_comes_from_the_generator_alone(student, shape, dtype, seed):
    """The seed of the generator decides, whatever the global seeds are."""

    def read(answer):
        return elements(answer, shape, dtype)

    assert_seed_is_all(student, read, seed, "xavier_normal", shape=shape, dtype=dtype)


@exercise("xavier_normal", weight=3)
def test_xavier_normal_draws_new_numbers_for_each_layer(student):
    """Layers drawn in turn from one generator, small ones too, are independent of each other."""
    x = layers_in_turn(
        student, "xavier_normal", lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out))
    )
    assert_normal(x, 1, "1 (each layer divided by √(2/(fan_in + fan_out)))")


@exercise("xavier_normal", weight=0.5)
@given(shape=SLICED, seed=seeds())
def test_xavier_normal_draws_each_weight_for_itself(student, shape, seed):
    """No two neurons start with the same weights, nor any other two slices."""
    assert_slices_differ(student.xavier_normal(shape, seeded(seed)), shape)


@exercise("he_uniform", weight=3)
@given(shape=LARGE, dtype=FLOATS)
def test_he_uniform_on_any_shape(student, reference, shape, dtype):
    """Tall, wide or with kernels: the numbers are uniform in ±√(6/fan_in)."""
    fan_in, _ = reference.fans(shape)
    a = math.sqrt(6 / fan_in)
    x = elements(student.he_uniform(shape, seeded(13), dtype=dtype), shape, dtype)
    assert_uniform(x, a, f"√(6/{fan_in}) = {a:.4g}")


@exercise("he_uniform", weight=4)
@given(shape=SHAPES, dtype=FLOATS, seed=seeds())
def test_he_uniform_comes_from_the_generator_alone(student, shape, dtype, seed):
    """The seed of the generator decides, whatever the global seeds are."""

    def read(answer):
        return elements(answer, shape, dtype)

    assert_seed_is_all(student, read, seed, "he_uniform", shape=shape, dtype=dtype)


@exercise("he_uniform", weight=3)
def test_he_uniform_draws_new_numbers_for_each_layer(student):
    """Layers drawn in turn from one generator, small ones too, are independent of each other."""
    x = layers_in_turn(student, "he_uniform", lambda fan_in, _: math.sqrt(6 / fan_in))
    assert_uniform(x, 1, "1 (each layer divided by √(6/fan_in))")


@exercise("he_uniform", weight=0.5)
@given(shape=SLICED, seed=seeds())
def test_he_uniform_draws_each_weight_for_itself(student, shape, seed):
    """No two neurons start with the same weights, nor any other two slices."""
    assert_slices_differ(student.he_uniform(shape, seeded(seed)), shape)


@exercise("he_normal", weight=3)
@given(shape=LARGE, dtype=FLOATS)
def test_he_normal_on_any_shape(student, reference, shape, dtype):
    """Tall, wide or with kernels: the numbers are normal with std √(2/fan_in)."""
    fan_in, _ = reference.fans(shape)
    sigma = math.sqrt(2 / fan_in)
    x = elements(student.he_normal(shape, seeded(14), dtype=dtype), shape, dtype)
    assert_normal(x, sigma, f"√(2/{fan_in}) = {sigma:.4g}")


@exercise("he_normal", weight=4)
@given(shape=SHAPES, dtype=FLOATS, seed=seeds())
def test_he_normal_comes_from_the_generator_alone(student, shape, dtype, seed):
    """The seed of the generator decides, whatever the global seeds are."""

    def read(answer):
        return elements(answer, shape, dtype)

    assert_seed_is_all(student, read, seed, "he_normal", shape=shape, dtype=dtype)


@exercise("he_normal", weight=3)
def test_he_normal_draws_new_numbers_for_each_layer(student):
    """Layers drawn in turn from one generator, small ones too, are independent of each other."""
    x = layers_in_turn(student, "he_normal", lambda fan_in, _: math.sqrt(2 / fan_in))
    assert_normal(x, 1, "1 (each layer divided by √(2/fan_in))")


@exercise("he_normal", weight=0.5)
@given(shape=SLICED, seed=seeds())
def test_he_normal_draws_each_weight_for_itself(student, shape, seed):
    """No two neurons start with the same weights, nor any other two slices."""
    assert_slices_differ(student.he_normal(shape, seeded(seed)), shape)


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
def test_signal_of_a_wider_network(student, scheme):
    """Width and scheme decide how the standard deviation goes on from layer to layer."""
    depth, width, runs = 5, 200, 26
    logs = torch.zeros(depth, dtype=torch.float64)
    for seed in range(runs):
        answer = student.activation_stds(depth, width, scheme, seeded(1000 + seed))
        stds = one_number_per_layer(answer, depth)
        positive = all(0 < std < math.inf for std in stds)
        assert_that(positive, "expected finite numbers above 0", answer)
        logs += torch.tensor(stds, dtype=torch.float64).log() / runs
    expected = expected_stds(depth, width, SIGMAS[scheme](width))
    means = logs.exp().tolist()
    for k, limit in enumerate(limits(depth)):
        assert_that(
            abs(math.log(means[k] / expected[k])) <= limit,
            f"over {runs} seeds the standard deviation after layer {k + 1} is {means[k]:.3g} in "
            f"the (geometric) mean, but should be near {expected[k]:.3g}",
        )


@exercise("activation_stds", weight=3)
@given(scheme=sampled_from(list(SIGMAS)), seed=seeds())
def test_signal_comes_from_the_generator_alone(student, scheme, seed):
    """The seed of the generator decides, whatever the global seeds are."""
    depth, width = 3, 30

    def read(answer):
        return torch.tensor(one_number_per_layer(answer, depth), dtype=torch.float64)

    assert_seed_is_all(
        student, read, seed, "activation_stds", depth=depth, width=width, scheme=scheme
    )


@exercise("activation_stds", weight=1)
@given(scheme=sampled_from(["", "medium", "zeros", "default", "tiny"]), depth=integers(1, 3))
def test_unknown_scheme_is_refused(student, scheme, depth):
    """A scheme that is none of the four raises ValueError."""
    assert_raises(ValueError, lambda: student.activation_stds(depth, 4, scheme, seeded(0)))


@exercise("activation_stds", weight=0.5)
@given(low=BELOW_ONE, of_width=st.booleans(), scheme=sampled_from(list(SIGMAS)))
def test_network_without_layers_or_neurons_is_refused(student, low, of_width, scheme):
    """A depth or a width below 1 raises ValueError."""
    depth, width = (2, low) if of_width else (low, 8)
    assert_raises(ValueError, lambda: student.activation_stds(depth, width, scheme, seeded(0)))

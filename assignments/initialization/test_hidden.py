"""Hidden checks of `initialization`: the reference, edges, and what chance may and may not do.

Range, mean and tails of large weights are the public checks' business. Here are the shapes that
they leave out, many layers from one generator, and the global generators. A right solution fails a
whole check with a probability below 10⁻⁶; how that comes about stands beside each limit.
"""

import itertools
import math

import numpy as np
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
        (100_000, 1),  # with one input more, a bias say, there are twice as many
        (25_000, 1, 2, 2),
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


def elements(answer, shape, dtype):
    """The elements of a weight of this shape and dtype, in float64."""
    is_weight = isinstance(answer, torch.Tensor) and answer.shape == shape and answer.dtype == dtype
    assert_that(is_weight, f"expected a tensor of shape {shape} and dtype {dtype}", answer)
    return answer.to(torch.float64).flatten()


def one_number_per_layer(answer, depth):
    """The answer as a tensor, in whatever sequence the numbers came."""
    if isinstance(answer, torch.Tensor | np.ndarray):
        answer = answer.tolist()
    is_list = isinstance(answer, list | tuple) and len(answer) == depth
    assert_that(is_list, f"expected a list of {depth} floats", answer)
    numbers = [item.tolist() if isinstance(item, torch.Tensor) else item for item in answer]
    are_floats = all(isinstance(item, int | float) for item in numbers)
    assert_that(are_floats, f"expected a list of {depth} floats", answer)
    return torch.tensor(numbers, dtype=torch.float64)


# --- statistics ------------------------------------------------------------------------------

# The probability with which one test fails a right solution. A check makes at most 32 of them (16
# combinations of shape and dtype, 2 tests each): 3.2·10⁻⁷ together.
RISK = 1e-8
T = math.log(1 / RISK)


def assert_uniform(x, name):
    """The numbers x, divided by their bound called `name`, are uniform in ±1; 2 tests."""
    n = len(x)
    largest = float(x.abs().max())
    # Each |x| misses the last T/n of 0..1 with probability 1 − T/n, all n with (1 − T/n)ⁿ ≤ e^(−T).
    # 1e-6: float32 may round outwards.
    at_bound = 1 - T / n <= largest <= 1 + 1e-6
    assert_that(at_bound, f"the largest of {n:,} numbers is {largest:.5g} times the bound {name}")
    assert_distribution(x, (x + 1) / 2, f"uniform, where 1 is {name}")


def assert_normal(x, name):
    """The numbers x, divided by their deviation called `name`, are standard normal; 2 tests."""
    n = len(x)
    # For χ² = Σx² with its n degrees of freedom, P(χ² ≤ n − 2√(nt)) and P(χ² ≥ n + 2√(nt) + 2t)
    # are at most e^(−t) (Laurent and Massart, 2000, lemma 1).
    square, t = float(x.square().mean()), T + math.log(2)
    level = 1 - 2 * math.sqrt(t / n) <= square <= 1 + 2 * math.sqrt(t / n) + 2 * t / n
    assert_that(
        level, f"{n:,} numbers have a standard deviation of {math.sqrt(square):.4g} times {name}"
    )
    assert_distribution(x, torch.special.ndtr(x), f"normal, where 1 is {name}")


def assert_distribution(x, cdf, name):
    """Kolmogorov's test: nowhere is the share of smaller numbers far from what it should be."""
    # P(sup |Fₙ − F| > ε) ≤ 2·e^(−2nε²) (Dvoretzky, Kiefer, Wolfowitz; Massart, 1990)
    n = len(x)
    limit = math.sqrt((T + math.log(2)) / (2 * n))
    expected, order = cdf.sort()
    share = torch.arange(1, n + 1, dtype=torch.float64) / n
    k = int((share - 0.5 / n - expected).abs().argmax())  # in the middle of each of the n steps
    assert_that(
        abs(float(share[k] - 0.5 / n - expected[k])) <= limit,
        f"{float(share[k]):.1%} of {n:,} numbers are at most {float(x[order[k]]):.4g}; of numbers "
        f"that are {name}, it would be {float(expected[k]):.1%}",
    )


def seeded(seed):
    """A generator, as the samplers take it."""
    return torch.Generator().manual_seed(seed)


def same(ours, theirs):
    """Whether two draws are the same but for rounding: matrix products may differ in the end."""
    return torch.allclose(ours, theirs, rtol=1e-5, atol=0)


def single_weights(student, function):
    """The weights of many layers of one input and one output each: a bias would count double."""
    shapes = [(1, 1)] * 2000
    layers = student.probe.layers_in_turn(function, shapes, seeded(6))
    return torch.cat([elements(layer, (1, 1), torch.float32) for layer in layers])


def assert_seed_is_all(student, read, seed, function, **arguments):
    """What `read` finds in the answer of `function` is made of the generator's seed alone."""
    first, *answers = (
        read(
            student.probe.call_with_global_seed(
                global_seed, function, generator=seeded(seed + more), **arguments
            )
        )
        for global_seed, more in ((1, 0), (2, 0), (1, 0), (1, 1), (1, 2), (1, 3))
    )
    alike = all(same(first, again) for again in answers[:2])
    assert_that(alike, "one seed of the generator, but different numbers")
    # Even where only a seed of 16 bits is drawn from the generator, all three agree with the first
    # by chance with a probability of 2^(−16·3) < 4e-15 an example.
    different = not all(same(first, other) for other in answers[2:])
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
    # two of them have a positive product
    assert_raises(ValueError, lambda: student.fans((*shape[:2], low - 1, low - 1)))


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
    sizes = [math.prod(shape) for shape in NETWORK]
    answer = student.probe.pairs_of_layers(function, SIZES, KERNELS, seeded(5))
    layers = elements(answer, (sum(sizes),), torch.float32).split(sizes)
    # Layers of one shape agree by chance with a probability of 2⁻¹⁶ a pair, if no more than a seed
    # of 16 bits is drawn for each; five of 125 pairs do with one below C(125, 5)·2^(−80) < 2e-16.
    twins = zip(layers[::2], layers[1::2], strict=True)
    agree = [shape for shape, pair in zip(NETWORK[::2], twins, strict=True) if same(*pair)]
    assert_that(
        len(agree) < 5,
        f"of two layers drawn from one generator, both have the same weights: {agree[-1:]}",
        answer,
    )
    scaled = []
    for shape, layer in zip(NETWORK, layers, strict=True):
        area = math.prod(shape[2:])
        scaled.append(layer / scale(shape[1] * area, shape[0] * area))
    return torch.cat(scaled)


def assert_all_differ(answer, shape):
    """No two channels, rows or columns have the same weights, and hardly two weights agree."""
    x = elements(answer, shape, torch.float32)
    for axis, size in enumerate(shape):
        # A slice has 50 elements or more. Even if each had but 256 levels, two of the at most 1770
        # pairs would agree with a probability below 1770·256⁻⁵⁰.
        different = len(torch.unique(answer, dim=axis).unbind(axis))
        assert_that(
            different == size,
            f"along axis {axis} of shape {shape} only {different} of {size} slices are different",
        )
    # Of n ≤ 3000 numbers from 2²⁰ levels, n²/2²¹ < 5 pairs agree in the mean. The probability that
    # n/10 ≥ 36 do is below 1e-20.
    different = len(x.abs().unique())
    assert_that(
        different >= 0.9 * len(x),
        f"{len(x):,} numbers, but apart from their signs only {different:,} different ones",
    )


SLICED = sampled_from([(50, 60), (60, 50), (12, 10, 3, 4), (5, 6, 4, 3)])


@exercise("xavier_uniform", weight=3)
@given(shape=LARGE, dtype=FLOATS)
def test_xavier_uniform_on_any_shape(student, reference, shape, dtype):
    """Tall, wide or with kernels: the numbers are uniform in ±√(6/(fan_in + fan_out))."""
    fan_in, fan_out = reference.fans(shape)
    a = math.sqrt(6 / (fan_in + fan_out))
    x = elements(student.xavier_uniform(shape, seeded(11), dtype=dtype), shape, dtype) / a
    assert_uniform(x, f"√(6/({fan_in} + {fan_out})) = {a:.4g}")


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
    assert_uniform(x, "√(6/(fan_in + fan_out)) of each layer")


@exercise("xavier_uniform", weight=0.5)
@given(shape=SLICED, seed=seeds())
def test_xavier_uniform_draws_each_weight_for_itself(student, shape, seed):
    """No two neurons start with the same weights, and no weight is another one turned round."""
    assert_all_differ(student.xavier_uniform(shape, seeded(seed)), shape)


@exercise("xavier_normal", weight=3)
@given(shape=LARGE, dtype=FLOATS)
def test_xavier_normal_on_any_shape(student, reference, shape, dtype):
    """Tall, wide or with kernels: the numbers are normal with std √(2/(fan_in + fan_out))."""
    fan_in, fan_out = reference.fans(shape)
    sigma = math.sqrt(2 / (fan_in + fan_out))
    x = elements(student.xavier_normal(shape, seeded(12), dtype=dtype), shape, dtype) / sigma
    assert_normal(x, f"√(2/({fan_in} + {fan_out})) = {sigma:.4g}")


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
    assert_normal(x, "√(2/(fan_in + fan_out)) of each layer")
    assert_normal(single_weights(student, "xavier_normal"), "√(2/(1 + 1)) = 1")


@exercise("xavier_normal", weight=0.5)
@given(shape=SLICED, seed=seeds())
def test_xavier_normal_draws_each_weight_for_itself(student, shape, seed):
    """No two neurons start with the same weights, and no weight is another one turned round."""
    assert_all_differ(student.xavier_normal(shape, seeded(seed)), shape)


@exercise("he_uniform", weight=3)
@given(shape=LARGE, dtype=FLOATS)
def test_he_uniform_on_any_shape(student, reference, shape, dtype):
    """Tall, wide or with kernels: the numbers are uniform in ±√(6/fan_in)."""
    fan_in, _ = reference.fans(shape)
    a = math.sqrt(6 / fan_in)
    x = elements(student.he_uniform(shape, seeded(13), dtype=dtype), shape, dtype) / a
    assert_uniform(x, f"√(6/{fan_in}) = {a:.4g}")


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
    assert_uniform(x, "√(6/fan_in) of each layer")


@exercise("he_uniform", weight=0.5)
@given(shape=SLICED, seed=seeds())
def test_he_uniform_draws_each_weight_for_itself(student, shape, seed):
    """No two neurons start with the same weights, and no weight is another one turned round."""
    assert_all_differ(student.he_uniform(shape, seeded(seed)), shape)


@exercise("he_normal", weight=3)
@given(shape=LARGE, dtype=FLOATS)
def test_he_normal_on_any_shape(student, reference, shape, dtype):
    """Tall, wide or with kernels: the numbers are normal with std √(2/fan_in)."""
    fan_in, _ = reference.fans(shape)
    sigma = math.sqrt(2 / fan_in)
    x = elements(student.he_normal(shape, seeded(14), dtype=dtype), shape, dtype) / sigma
    assert_normal(x, f"√(2/{fan_in}) = {sigma:.4g}")


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
    assert_normal(x, "√(2/fan_in) of each layer")
    assert_normal(single_weights(student, "he_normal") / math.sqrt(2), "√(2/1) = 1.414")


@exercise("he_normal", weight=0.5)
@given(shape=SLICED, seed=seeds())
def test_he_normal_draws_each_weight_for_itself(student, shape, seed):
    """No two neurons start with the same weights, and no weight is another one turned round."""
    assert_all_differ(student.he_normal(shape, seeded(seed)), shape)


# --- activation_stds -------------------------------------------------------------------------


SCHEMES = sampled_from(["he", "xavier", "small", "large"])


@exercise("activation_stds", weight=3)
@given(scheme=SCHEMES)
def test_signal_of_a_wider_network(student, scheme):
    """Width and scheme decide how the standard deviation goes on from layer to layer."""
    depth, width, runs = 5, 200, 26
    logs = torch.zeros(depth, dtype=torch.float64)
    for seed in range(runs):
        answer = student.activation_stds(depth, width, scheme, seeded(1000 + seed))
        stds = one_number_per_layer(answer, depth)
        positive = bool(((stds > 0) & stds.isfinite()).all())
        assert_that(positive, "expected finite numbers above 0", answer)
        logs += stds.log() / runs
    means = logs.exp().tolist()
    he, xavier = math.sqrt(2 / width), math.sqrt(1 / width)
    sigma = {"he": he, "xavier": xavier, "small": 0.01, "large": 1.0}[scheme]
    for k in range(depth):
        # both as in the public checks, which say why; width · seeds is 5200
        expected = math.sqrt(1 - 1 / math.pi) * (sigma / he) ** (k + 1)
        limit = 0.02 + 0.12 * math.sqrt(k)
        assert_that(
            abs(math.log(means[k] / expected)) <= limit,
            f"over {runs} seeds the standard deviation after layer {k + 1} is {means[k]:.3g} in "
            f"the (geometric) mean, but should be near {expected:.3g}",
        )


@exercise("activation_stds", weight=3)
@given(scheme=SCHEMES)
def test_single_neuron_tosses_a_coin_at_each_layer(student, scheme):
    """Each new layer of a single neuron silences the signal with probability ½."""
    depth, width, left = 3, 1, 200
    runs = [
        one_number_per_layer(
            student.activation_stds(depth, width, scheme, seeded(2000 + seed)), depth
        )
        for seed in range(left)
    ]
    # What comes out of layer 1 is not negative, and 0 for about half of the inputs. From there on
    # a weight below 0 leaves nothing but zeros, one above 0 what came in times the weight.
    for layer in (2, 3):
        before, left = left, sum(float(stds[layer - 1]) > 0 for stds in runs)
        # of `before` tosses; Hoeffding: P(|left − before/2| > ε) ≤ 2·e^(−2ε²/before)
        limit = math.sqrt(before * (T + math.log(2)) / 2)
        assert_that(
            abs(left - before / 2) <= limit,
            f"of {before} networks whose signal reached layer {layer}, {left} let it through "
            f"(standard deviation above 0), instead of about half",
        )


@exercise("activation_stds", weight=3)
@given(scheme=SCHEMES, seed=seeds())
def test_signal_comes_from_the_generator_alone(student, scheme, seed):
    """The seed of the generator decides, whatever the global seeds are."""
    depth, width = 3, 30

    def read(answer):
        return one_number_per_layer(answer, depth)

    assert_seed_is_all(
        student, read, seed, "activation_stds", depth=depth, width=width, scheme=scheme
    )


@exercise("activation_stds", weight=1)
@given(scheme=sampled_from(["", "medium", "zeros", "default", "tiny"]), depth=integers(1, 3))
def test_unknown_scheme_is_refused(student, scheme, depth):
    """A scheme that is none of the four raises ValueError."""
    assert_raises(ValueError, lambda: student.activation_stds(depth, 4, scheme, seeded(0)))


@exercise("activation_stds", weight=0.5)
@given(low=BELOW_ONE, of_width=st.booleans(), scheme=SCHEMES)
def test_network_without_layers_or_neurons_is_refused(student, low, of_width, scheme):
    """A depth or a width below 1 raises ValueError."""
    depth, width = (2, low) if of_width else (low, 8)
    assert_raises(ValueError, lambda: student.activation_stds(depth, width, scheme, seeded(0)))

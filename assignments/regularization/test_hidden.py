"""Hidden checks of `regularization`: the reference in float64, laws, edges, and laws of chance.

The statistics are those of the public checks, on other shapes and with more tests: a right solution
fails a whole check with a probability below 10⁻⁶. How that comes about stands beside each limit.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from hypothesis import strategies as st
from hypothesis.strategies import booleans, integers, none, sampled_from

from autograder.checks import (
    assert_close,
    assert_equal,
    assert_printed,
    assert_raises,
    assert_that,
    code,
    exercise,
    generators,
    given,
    seeds,
    tensors,
)

FLOATS = sampled_from([torch.float32, torch.float64])
SHAPES = st.lists(integers(1, 4), max_size=4).map(tuple)
STRENGTHS = sampled_from([0.5, 0.0, 0.01, 0.125, 1.0, 2.5, 3.0, 100.0])  # λ
RATES = sampled_from([0.5, 0.0, 0.01, 0.125, 1.0, 2.0])  # learning rates
DECAYS = sampled_from([0.25, 0.0, 0.01, 0.5, 1.0, 3.0])  # weight decays
PROBABILITIES = sampled_from([0.1, 0.125, 0.25, 0.3, 0.5, 0.75, 0.9])
NOT_IN_RANGE = sampled_from([-0.5, -0.01, 1.01, 1.5, 2.0])


# --- what is drawn ---------------------------------------------------------------------------


@st.composite
def parameters(draw: st.DrawFn) -> list[torch.Tensor]:
    """The parameters of a network: tensors of any shapes, of one dtype, contiguous."""
    dtype = draw(FLOATS)
    shapes = draw(st.lists(SHAPES, min_size=1, max_size=5))
    return [draw(tensors(shape, dtype=dtype, layouts=False)) for shape in shapes]


@st.composite
def written_parameters(draw: st.DrawFn, *, zeros: bool = False) -> list[torch.Tensor]:
    """Two of them for programs: numbers that are short to write, none or some of them 0."""
    dtype = draw(FLOATS)
    shapes = draw(st.tuples(*[st.lists(integers(1, 3), max_size=2).map(tuple)] * 2))
    some = {"low": -1, "high": 1} if zeros else {"low": -8, "high": 7}
    whole = [draw(tensors(shape, dtype=dtype, **some, layouts=False)) for shape in shapes]
    return [tensor if zeros else (tensor + 0.5) / 4 for tensor in whole]


def elements(params: list[torch.Tensor]) -> int:
    """How many numbers are added up."""
    return sum(p.numel() for p in params)


def beginning(name: str, params: list[torch.Tensor]) -> list[str]:
    """The first lines of a program about the parameters w and b."""
    w, b = (f"torch.nn.Parameter({code(p)})" for p in params)
    return ["import torch", f"from regularization import {name}", "", f"w = {w}", f"b = {b}", ""]


# iterables of the parameters w and b, as one writes them
ITERABLES = sampled_from(
    [
        "[w, b]",
        "(w, b)",
        "(p for p in [w, b])",
        "iter([w, b])",
        "{'w': w, 'b': b}.values()",
        "torch.nn.ParameterList([w, b]).parameters()",
    ]
)


def assert_gradients_of_a_loss(student, reference, name, params, iterable, lam, expected):
    """With the penalty added to a loss, its part is added to the loss's gradients, once.

    And a parameter that requires no gradient counts as much as the others.
    """
    program = [
        *beginning(name, params),
        "loss = (3 * w).sum() + (5 * b).sum()",
        f"(loss + {name}({iterable}, {lam})).backward()",
        "print(w.grad)",
        "print(b.grad)",
        "print(w)",
        "print(b)",
        f"print({name}([w.detach(), b], {lam}))",
    ]
    doubles = [p.double() for p in params]
    gradients = [slope + expected(p) for slope, p in zip((3, 5), doubles, strict=True)]
    # and the parameters as they were
    wanted = [*gradients, *doubles, getattr(reference, name)(doubles, lam)]
    dtype = params[0].dtype
    assert_printed(student.program(program), wanted, dtype=dtype, terms=elements(params))


# --- l1_penalty ------------------------------------------------------------------------------


@exercise("l1_penalty", weight=2)
@given(params=parameters(), lam=STRENGTHS)
def test_l1_matches_the_reference(student, reference, params, lam):
    """It is λ Σ|p|, in the parameters' dtype, and they stay as they were."""
    expected = reference.l1_penalty([p.double() for p in params], lam)
    answer = student.again.l1_penalty(params, lam)
    assert_close(answer, expected, dtype=params[0].dtype, terms=elements(params))


@exercise("l1_penalty", weight=3)
@given(params=written_parameters(), iterable=ITERABLES, lam=sampled_from([0.5, 0.0, 2.0]))
def test_l1_of_any_iterable_of_parameters(student, reference, params, iterable, lam):
    """A list, a generator, model.parameters(): the gradient of a loss has ±λ added to it."""
    assert_gradients_of_a_loss(
        student, reference, "l1_penalty", params, iterable, lam, lambda p: lam * p.sign()
    )


@exercise("l1_penalty", weight=0.5)
@given(params=written_parameters(zeros=True), lam=sampled_from([0.5, 2.0]))
def test_gradient_of_l1_at_zero(student, params, lam):
    """Where a parameter is 0, the gradient is a number from −λ to λ; elsewhere it is ±λ."""
    lines = [
        *beginning("l1_penalty", params),
        f"l1_penalty([w, b], {lam}).backward()",
        "print(w.grad)",
        "print(b.grad)",
    ]
    printed = student.program(lines)
    # what is given at 0 is right if it is within the range
    given = [
        torch.where((p == 0) & (g.abs() <= lam), g, lam * p.sign())
        if isinstance(g, torch.Tensor) and g.shape == p.shape
        else lam * p.sign()
        for g, p in zip(printed, params, strict=True)
    ]
    assert_printed(printed, given, dtype=params[0].dtype)


@exercise("l1_penalty", weight=0.5)
@given(
    w=tensors((3, 4), dtype=FLOATS, layouts=False), factor=sampled_from([-8.0, -1.0, 0.25, 1000.0])
)
def test_l1_grows_in_proportion(student, reference, w, factor):
    """With all parameters times c it is |c| times as large, and signs don't matter."""
    expected = abs(factor) * reference.l1_penalty([w.double()], 0.5)
    answer = student.l1_penalty([factor * w], 0.5)
    assert_close(answer, expected, dtype=w.dtype, terms=w.numel())


@exercise("l1_penalty", weight=1)
@given(count=integers(1, 200), dtype=FLOATS)
def test_l1_of_many_parameters(student, count, dtype):
    """Hundreds of parameters of different sizes are added up, each with its own weight."""
    # the numbers n = 1, −2, 3, … in tensors of 1, 2, 3, 1, … elements: sums of integers are exact
    params = [torch.full((n % 3 + 1,), float((-1) ** n * n), dtype=dtype) for n in range(count)]
    expected = 0.25 * sum((n % 3 + 1) * n for n in range(count))
    assert_close(student.l1_penalty(params, 0.25), expected, dtype=dtype)


# --- l2_penalty ------------------------------------------------------------------------------


@exercise("l2_penalty", weight=2)
@given(params=parameters(), lam=STRENGTHS)
def test_l2_matches_the_reference(student, reference, params, lam):
    """It is λ Σp², in the parameters' dtype, and they stay as they were."""
    expected = reference.l2_penalty([p.double() for p in params], lam)
    answer = student.again.l2_penalty(params, lam)
    assert_close(answer, expected, dtype=params[0].dtype, terms=elements(params))


@exercise("l2_penalty", weight=3)
@given(
    params=written_parameters() | written_parameters(zeros=True),
    iterable=ITERABLES,
    lam=sampled_from([0.5, 0.0, 2.0]),
)
def test_l2_of_any_iterable_of_parameters(student, reference, params, iterable, lam):
    """A list, a generator, model.parameters(): the gradient of a loss has 2λp added to it."""
    assert_gradients_of_a_loss(
        student, reference, "l2_penalty", params, iterable, lam, lambda p: 2 * lam * p
    )


@exercise("l2_penalty", weight=0.5)
@given(
    w=tensors((3, 4), dtype=FLOATS, layouts=False), factor=sampled_from([-8.0, -1.0, 0.25, 1000.0])
)
def test_l2_grows_with_the_square(student, reference, w, factor):
    """With all parameters times c it is c² times as large."""
    expected = factor**2 * reference.l2_penalty([w.double()], 0.5)
    answer = student.l2_penalty([factor * w], 0.5)
    assert_close(answer, expected, dtype=w.dtype, terms=w.numel())


@exercise("l2_penalty", weight=1)
@given(count=integers(1, 120), dtype=FLOATS)
def test_l2_of_many_parameters(student, count, dtype):
    """A hundred parameters of different sizes are added up, each with its own weight."""
    params = [torch.full((n % 3 + 1,), float((-1) ** n * n), dtype=dtype) for n in range(count)]
    expected = 0.25 * sum((n % 3 + 1) * n**2 for n in range(count))
    answer = student.l2_penalty(params, 0.25)
    # exact where squares of integers are added; 16 terms leave room for roots of 120 sums
    assert_close(answer, expected, dtype=dtype, terms=16)


# --- weight_decay_step -----------------------------------------------------------------------


@st.composite
def steps(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor, float, float]:
    """(w, grad, lr, wd) of a step."""
    shape, dtype = draw(SHAPES), draw(FLOATS)
    w, grad = draw(tensors(shape, dtype=dtype)), draw(tensors(shape, dtype=dtype))
    return w, grad, draw(RATES), draw(DECAYS)


def reach(w: torch.Tensor, grad: torch.Tensor, lr: float, wd: float) -> float:
    """How large the parts of a step are; they may cancel."""
    return float((1 + lr * wd) * w.double().abs().max() + lr * grad.double().abs().max())


@exercise("weight_decay_step", weight=3)
@given(step=steps())
def test_step_matches_the_reference(student, reference, step):
    """It is w·(1 − lr·wd) − lr·grad, in w's dtype, and w and grad stay as they were."""
    w, grad, lr, wd = step
    expected = reference.weight_decay_step(w.double(), grad.double(), lr, wd)
    answer = student.again.weight_decay_step(w, grad, lr, wd)
    assert_close(answer, expected, dtype=w.dtype, terms=2, scale=reach(*step))
    assert_equal(student.probe.tensors_after("weight_decay_step", *step), [w, grad])


@exercise("weight_decay_step", weight=1)
@given(w=tensors(SHAPES, dtype=FLOATS), lr=RATES, wd=DECAYS)
def test_without_a_gradient_weights_shrink_by_a_factor(student, w, lr, wd):
    """Where the gradient is 0, small and large weights shrink by the factor 1 − lr·wd alike."""
    answer = student.weight_decay_step(w, torch.zeros_like(w), lr, wd)
    scale = reach(w, torch.zeros_like(w), lr, wd)
    assert_close(answer, (1 - lr * wd) * w.double(), dtype=w.dtype, terms=2, scale=scale)


@exercise("weight_decay_step", weight=1)
@given(w=tensors(SHAPES, dtype=FLOATS), grad=tensors((), dtype=torch.float64), lr=RATES)
def test_without_decay_it_is_gradient_descent(student, w, grad, lr):
    """With wd = 0 it is w − lr·grad, also where w is 0."""
    slope = torch.full_like(w, float(grad))
    for start in (w, torch.zeros_like(w)):
        expected = start.double() - lr * slope.double()
        answer = student.weight_decay_step(start, slope, lr, 0.0)
        scale = reach(start, slope, lr, 0.0)
        assert_close(answer, expected, dtype=w.dtype, terms=2, scale=scale)


@exercise("weight_decay_step", weight=0.5)
@given(
    w=tensors((2, 3), dtype=FLOATS),
    lr=sampled_from([0.125, 0.5, 1.0]),
    wd=sampled_from([0.25, 0.5, 2.0]),
)
def test_weights_rest_where_decay_and_gradient_balance(student, w, lr, wd):
    """Where grad = −wd·w, the two parts cancel, and the weights stay where they are."""
    grad = -wd * w
    answer = student.weight_decay_step(w, grad, lr, wd)
    assert_close(answer, w.double(), dtype=w.dtype, terms=2, scale=reach(w, grad, lr, wd))


@exercise("weight_decay_step", weight=0.5)
@given(w=tensors((2, 3), dtype=FLOATS, layouts=False), lr=RATES, wd=DECAYS)
def test_new_weights_are_a_new_tensor(student, w, lr, wd):
    """Who changes the new weights changes neither the old ones nor the gradient."""
    lines = [
        "import torch",
        "from regularization import weight_decay_step",
        "",
        f"w = {code(w)}",
        "grad = torch.zeros_like(w)",
        f"new = weight_decay_step(w, grad, {lr}, {wd})",
        "new.data.fill_(7.0)",
        "print(w)",
        "print(grad)",
    ]
    assert_printed(student.program(lines), [w, torch.zeros_like(w)], dtype=w.dtype)


# --- dropout: what came back -----------------------------------------------------------------


def output_and_mask(answer: Any, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """y, and the mask as a bool tensor, in whatever sequence and dtype they came."""
    is_pair = isinstance(answer, list | tuple) and len(answer) == 2
    is_pair = is_pair and all(isinstance(item, torch.Tensor) for item in answer)
    assert_that(is_pair, "expected two tensors, (y, mask)", answer)
    y, mask = answer
    for name, tensor in (("y", y), ("the mask", mask)):
        shape, wanted = tuple(tensor.shape), tuple(x.shape)
        assert_that(shape == wanted, f"{name} has the shape {shape}, x has {wanted}", answer)
    is_mask = bool(((mask == 0) | (mask == 1)).all())
    assert_that(is_mask, "the mask holds other values than 0 (dropped) and 1 (kept)", answer)
    return y, mask == 1


def printed_masks(printed: list[Any], shape: tuple[int, ...]) -> list[torch.Tensor]:
    """The masks that a program printed, as bool tensors."""
    for mask in printed:
        is_mask = isinstance(mask, torch.Tensor) and bool(((mask == 0) | (mask == 1)).all())
        assert_that(
            is_mask and tuple(mask.shape) == shape,
            f"expected masks of shape {shape} that hold 0 and 1",
            printed,
        )
    return [mask == 1 for mask in printed]


def seeded(seed: int) -> torch.Generator:
    """A generator, as `dropout` takes it."""
    return torch.Generator().manual_seed(seed)


# --- dropout: statistics ---------------------------------------------------------------------

# The probability with which one test fails a right solution. No check makes more than 200 of them:
# 2·10⁻⁷ together.
RISK = 1e-9


def tails(count: int, n: int, q: float) -> tuple[float, float]:
    """P(K ≤ count) and P(K ≥ count), where K of n independent draws of probability q succeed."""
    k = torch.arange(n + 1, dtype=torch.float64)
    ways = torch.lgamma(k.new_tensor(n + 1.0)) - torch.lgamma(k + 1) - torch.lgamma(n - k + 1)
    probability = torch.exp(ways + torch.xlogy(k, q) + torch.xlogy(n - k, 1 - q))
    return float(probability[: count + 1].sum()), float(probability[count:].sum())


def is_usual(count: int, n: int, q: float) -> bool:
    """Whether `count` of n may be by chance; a right count fails with a probability of RISK."""
    return min(tails(count, n, q)) >= RISK / 2


def pairs(mask: torch.Tensor, axis: int, apart: int) -> tuple[int, int]:
    """How many of the disjoint pairs of elements, `apart` along an axis, agree, and of how many."""
    blocks = mask.movedim(axis, 0)
    blocks = blocks[: len(blocks) // (2 * apart) * (2 * apart)].unflatten(0, (-1, 2, apart))
    return int((blocks[:, 0] == blocks[:, 1]).sum()), blocks[:, 0].numel()


# --- dropout ---------------------------------------------------------------------------------


@exercise("dropout", weight=9)
@given(
    x=tensors(SHAPES, dtype=FLOATS),
    p=PROBABILITIES,
    rectified=booleans(),
    generator=generators(),
)
def test_kept_elements_are_divided_by_the_share_kept(student, x, p, rectified, generator):
    """y is x·mask/(1 − p) in x's dtype, for any layout, and x stays as it was."""
    x = x.relu() if rectified else x
    y, mask = output_and_mask(student.again.dropout(x, p, True, generator), x)
    assert_close(y, x.double() * mask / (1 - p), dtype=x.dtype)
    # where x is masked in place, a second call gives the same y
    assert_equal(student.probe.tensors_after("dropout", x, p, True, generator), [x])


@exercise("dropout", weight=6)
@given(p=sampled_from([0.1, 0.3, 0.5, 0.75, 0.9]), dtype=FLOATS)
def test_mean_is_kept(student, p, dtype):
    """On average y is x: that is what the scaling is for."""
    n, levels = 6000, (1.0, -1.0, 4.0)
    for level in levels:
        x = torch.full((n // 100, 100), level, dtype=dtype)
        y, _ = output_and_mask(student.dropout(x, p, True, seeded(5)), x)
        # Σy/level·(1 − p) is the number of elements that are kept, which is binomial; 30 tests
        total = float(y.double().sum()) / level * (1 - p)
        count = round(total) if abs(total) <= 2 * n else -1
        right = 0 <= count <= n and abs(total - count) < 0.05 and is_usual(count, n, 1 - p)
        mean = float(y.double().mean())
        assert_that(
            right, f"x is {level:g} everywhere, and with p = {p} the mean of y is {mean:.4g}"
        )


@exercise("dropout", weight=3)
@given(shape=sampled_from([(6, 500), (300, 10), (4, 5, 10, 15)]), p=PROBABILITIES)
def test_share_that_is_kept_of_any_shape(student, shape, p):
    """The share of elements that are kept is 1 − p but for chance, and x doesn't matter."""
    n = 3000
    x = torch.linspace(-1, 1, n).relu().reshape(shape)  # the first half is 0
    _, mask = output_and_mask(student.dropout(x, p, True, seeded(6)), x)
    # the whole and its halves: how many are kept is binomial; 63 tests
    flat = mask.flatten()
    for part, where in ((flat, ""), (flat[: n // 2], ", where x is 0"), (flat[n // 2 :], "")):
        kept, of = int(part.sum()), len(part)
        assert_that(
            is_usual(kept, of, 1 - p),
            f"of {of} elements{where} the mask keeps {kept}, but with p = {p} about "
            f"{(1 - p) * of:.0f} should be kept",
        )


@exercise("dropout", weight=5)
@given(
    shape=sampled_from([(64, 48), (3000,), (8, 6, 4, 16), (1, 1600, 2), (2, 1500)]),
    p=sampled_from([0.25, 0.5, 0.75]),
)
def test_elements_are_independent_along_every_axis(student, shape, p):
    """Samples, channels, rows and columns: each element of each has its own chance."""
    x = torch.ones(shape)
    _, mask = output_and_mask(student.dropout(x, p, True, seeded(7)), x)
    # Two independent elements agree (both kept or both dropped) with probability p² + (1 − p)²,
    # and disjoint pairs are independent: the number that agree is binomial. 105 tests.
    agreeing = p**2 + (1 - p) ** 2
    for axis, size in enumerate(shape):
        for apart in sorted({1, 2, 3, size // 2} & set(range(1, size // 2 + 1))):
            agree, n = pairs(mask, axis, apart)
            assert_that(
                is_usual(agree, n, agreeing),
                f"of {n} pairs of elements, {apart} apart along axis {axis} of "
                f"x = torch.ones({shape}), {agree} are both kept or both dropped; with p = {p} it "
                f"should be about {n * agreeing:.0f}",
            )


@exercise("dropout", weight=2)
@given(shape=sampled_from([(40, 60), (10, 12, 5, 6), (60, 40)]), p=sampled_from([0.5, 0.4]))
def test_no_two_slices_have_the_same_mask(student, shape, p):
    """No two samples, channels or features are dropped alike, or the one where the other is not."""
    x = torch.ones(shape)
    _, mask = output_and_mask(student.dropout(x, p, True, seeded(10)), x)
    for axis, size in enumerate(shape):
        # Slices have 40 elements or more, and an axis has at most 1770 pairs of them. Two agree, or
        # are opposite, with a probability of at most 2·0.52⁴⁰ < 9·10⁻¹²: below 2·10⁻⁸ for an axis,
        # below 3·10⁻⁷ for the 16 axes of all 6 examples.
        slices = mask.movedim(axis, 0).flatten(1)
        both = torch.cat([slices, ~slices])
        different = len(torch.unique(both, dim=0))
        assert_that(
            different == 2 * size,
            f"along axis {axis} of x with shape {shape}, with p = {p}, two slices have the same "
            "mask, or opposite ones",
        )


@exercise("dropout", weight=5)
@given(p=sampled_from([0.5, 0.25]), size=sampled_from([2, 4]))
def test_number_that_is_dropped_is_left_to_chance(student, p, size):
    """Of few elements sometimes more and sometimes fewer are dropped than the share p."""
    program = [
        "import torch",
        "from regularization import dropout",
        "",
        "generator = torch.Generator().manual_seed(8)",
        "kept = []",
        "for _ in range(400):",
        f"    y, mask = dropout(torch.ones({size}), {p}, True, generator)",
        "    kept.append(int(mask.sum()))",
        f"print([kept.count(number) for number in range({size + 1})])",
    ]
    (counts,) = student.program(program)
    # Each number of kept elements comes in a binomial number of the 400 independent masks; with
    # the 3 or 5 numbers there are, 16 tests.
    for number in range(size + 1):
        q = math.comb(size, number) * (1 - p) ** number * p ** (size - number)
        assert_that(
            is_usual(counts[number], 400, q),
            f"{counts[number]} of 400 masks over {size} elements keep {number}; with p = {p} it "
            f"should be about {400 * q:.0f}",
        )


@exercise("dropout", weight=6)
@given(seed=seeds(), p=sampled_from([0.25, 0.5]))
def test_mask_comes_from_the_generator_alone(student, seed, p):
    """The seed of the generator decides, whatever the global seeds are."""
    program = [
        "import random",
        "import numpy as np",
        "import torch",
        "from regularization import dropout",
        "",
        "x = torch.ones(6, 10)",
        "for seed in (1, 2, 1):",
        "    random.seed(seed)",
        "    np.random.seed(seed)",
        "    torch.manual_seed(seed)",
        f"    generator = torch.Generator().manual_seed({seed})",
        f"    print(dropout(x, {p}, True, generator)[1])",
    ]
    first, second, third = printed_masks(student.program(program), (6, 10))
    same = bool((first == second).all()) and bool((first == third).all())
    assert_that(same, "one seed of the generator, but different masks")


@exercise("dropout", weight=6)
@given(p=sampled_from([0.25, 0.5]), seed=seeds(), own=booleans())
def test_next_call_draws_a_new_mask(student, p, seed, own):
    """Masks drawn in turn from one generator are independent, and so are those without one."""
    program = [
        "import torch",
        "from regularization import dropout",
        "",
        "x = torch.ones(30, 40)",
        f"generator = {f'torch.Generator().manual_seed({seed})' if own else None}",
        *[f"print(dropout(x, {p}, True, generator)[1])"] * 2,
    ]
    first, second = printed_masks(student.program(program), (30, 40))
    agree, agreeing = int((first == second).sum()), p**2 + (1 - p) ** 2
    # the number of elements that agree is binomial; with 50 examples, 50 tests
    assert_that(
        is_usual(agree, 1200, agreeing),
        f"of 1200 elements {agree} are both kept or both dropped in two calls; with p = {p} it "
        f"should be about {1200 * agreeing:.0f}",
    )


@exercise("dropout", weight=1)
@given(x=tensors((6, 8), dtype=FLOATS), p=PROBABILITIES)
def test_dropout_without_a_generator(student, x, p):
    """The generator may be left out."""
    y, mask = output_and_mask(student.dropout(x, p, True), x)
    assert_close(y, x.double() * mask / (1 - p), dtype=x.dtype)


@exercise("dropout", weight=8)
@given(
    x=tensors(SHAPES, dtype=FLOATS),
    p=sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]),
    generator=none() | generators(),
)
def test_nothing_happens_in_evaluation(student, x, p, generator):
    """In evaluation y is exactly x, for p = 0 and p = 1 too, and the mask keeps everything."""
    answer = student.again.dropout(x, p, training=False, generator=generator)
    y, mask = output_and_mask(answer, x)
    assert_equal(y, x)
    assert_that(bool(mask.all()), "in evaluation the mask is 1 everywhere", answer)


@exercise("dropout", weight=5)
@given(x=tensors(SHAPES, dtype=FLOATS), p=sampled_from([0, 1, 0.0, 1.0]), seed=none() | seeds())
def test_edges_of_p_hold_no_nan(student, x, p, seed):
    """With p = 0 y is x, with p = 1 it is 0 and not NaN, also where x is 0."""
    x = torch.where(x > 1, torch.zeros_like(x), x)
    generator = None if seed is None else seeded(seed)
    answer = student.again.dropout(x, p, True, generator)
    y, mask = output_and_mask(answer, x)
    assert_close(y, (1 - p) * x.double(), dtype=x.dtype)
    right = bool((mask == (p == 0)).all())
    assert_that(right, f"with p = {p} the mask is {1 - p:.0f} everywhere", answer)
    assert_equal(student.probe.tensors_after("dropout", x, p, True, generator), [x])


@exercise("dropout", weight=3)
@given(p=NOT_IN_RANGE, training=booleans(), generator=generators(), dtype=FLOATS)
def test_dropout_refuses_what_is_no_probability(student, p, training, generator, dtype):
    """A p below 0 or above 1 raises ValueError."""
    x = torch.ones(2, 3, dtype=dtype)
    assert_raises(ValueError, lambda: student.dropout(x, p, training, generator))


@exercise("dropout", weight=1)
@given(training=booleans(), p=sampled_from([0.25, 0.5]), dtype=FLOATS)
def test_mask_is_bool_or_floating(student, training, p, dtype):
    """The mask can be multiplied and compared: it is bool or floating-point."""
    x = torch.ones(3, 4, dtype=dtype)
    answer = student.dropout(x, p, training, seeded(9))
    output_and_mask(answer, x)
    kind = answer[1].dtype
    right = kind == torch.bool or kind.is_floating_point
    assert_that(right, f"the mask has the dtype {kind}, which is neither bool nor floating", answer)


# --- dropout_backward ------------------------------------------------------------------------


@st.composite
def backward_calls(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor, float]:
    """(dout, mask, p), with a mask that keeps any share of the elements."""
    shape, dtype = draw(SHAPES), draw(FLOATS)
    dout, chance = draw(tensors(shape, dtype=dtype)), draw(tensors(shape, dtype=dtype))
    mask = chance < draw(sampled_from([-9.0, -0.5, 0.0, 0.7, 9.0]))
    return dout, mask.to(dtype) if draw(booleans()) else mask, draw(PROBABILITIES)


@exercise("dropout_backward", weight=3)
@given(call=backward_calls())
def test_gradient_matches_the_reference(student, reference, call):
    """It is dout·mask/(1 − p) for any mask, in dout's dtype; dout and mask stay as they were."""
    dout, mask, p = call
    expected = reference.dropout_backward(dout.double(), mask, p)
    answer = student.again.dropout_backward(dout, mask, p)
    assert_close(answer, expected, dtype=dout.dtype)
    assert_equal(student.probe.tensors_after("dropout_backward", *call), [dout, mask])


@exercise("dropout_backward", weight=1.5)
@given(dout=tensors(SHAPES, dtype=FLOATS), p=sampled_from([0, 1, 0.0, 1.0]), floating=booleans())
def test_edges_of_p_in_the_gradient(student, dout, p, floating):
    """With p = 0 the gradient passes unchanged, with p = 1 it is 0 and not NaN."""
    dout = torch.where(dout > 1, torch.zeros_like(dout), dout)
    mask = torch.full(dout.shape, p == 0).to(dout.dtype if floating else torch.bool)
    answer = student.again.dropout_backward(dout, mask, p)
    assert_close(answer, (1 - p) * dout.double(), dtype=dout.dtype)
    assert_equal(student.probe.tensors_after("dropout_backward", dout, mask, p), [dout, mask])


@exercise("dropout_backward", weight=1.5)
@given(p=NOT_IN_RANGE, floating=booleans(), dtype=FLOATS)
def test_gradient_refuses_what_is_no_probability(student, p, floating, dtype):
    """A p below 0 or above 1 raises ValueError."""
    dout = torch.ones(2, 3, dtype=dtype)
    mask = torch.ones(2, 3, dtype=dtype if floating else torch.bool)
    assert_raises(ValueError, lambda: student.dropout_backward(dout, mask, p))

"""Public checks of `regularization`: PyTorch's losses and optimizers, laws, and laws of chance.

What is random can only be judged by statistics. Each such test is exact, and a right solution
fails a whole check with a probability below 10⁻⁶; how that comes about stands beside it.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from hypothesis.strategies import booleans, integers, none, sampled_from

from autograder.checks import (
    assert_close,
    assert_equal,
    assert_printed,
    assert_that,
    code,
    exercise,
    generators,
    given,
    printed_by,
    seeds,
    tensors,
)

FLOATS = sampled_from([torch.float32, torch.float64])
SHAPES = st.lists(integers(1, 4), max_size=3).map(tuple)
STRENGTHS = sampled_from([0.5, 0.0, 0.125, 2.5])  # λ
RATES = sampled_from([0.5, 0.0, 0.125, 2.0])  # learning rates, and weight decays
PROBABILITIES = sampled_from([0.0, 0.125, 0.25, 0.5, 0.75, 0.9])


# --- what is drawn ---------------------------------------------------------------------------


@st.composite
def parameters(draw: st.DrawFn) -> list[torch.Tensor]:
    """The parameters of a network: tensors of any shapes, of one dtype, contiguous."""
    dtype = draw(FLOATS)
    shapes = draw(st.lists(SHAPES, min_size=1, max_size=4))
    return [draw(tensors(shape, dtype=dtype, layouts=False)) for shape in shapes]


@st.composite
def written_parameters(draw: st.DrawFn) -> list[torch.Tensor]:
    """The same for programs: numbers that are short to write, and none of them 0."""
    dtype = draw(FLOATS)
    shapes = draw(st.lists(SHAPES.filter(lambda shape: len(shape) < 3), min_size=1, max_size=3))
    whole = [draw(tensors(s, dtype=dtype, low=-8, high=7, layouts=False)) for s in shapes]
    return [(tensor + 0.5) / 4 for tensor in whole]


def gradients(name: str, params: list[torch.Tensor], lam: float, iterable: str = "[{}]") -> str:
    """A program that prints a penalty and the gradients that come through it."""
    names = ["w", "b", "v"][: len(params)]
    made = [f"{n} = {code(p)}.requires_grad_()" for n, p in zip(names, params, strict=True)]
    lines = [
        "import torch",
        f"from regularization import {name}",
        "",
        *made,
        "",
        f"penalty = {name}({iterable.format(', '.join(names))}, {lam})",
        "print(penalty)",
        "penalty.backward()",
        *[f"print({n}.grad)" for n in names],
    ]
    return "\n".join(lines)


# --- the penalties ---------------------------------------------------------------------------


def torch_l1(params: Any, lam: float) -> torch.Tensor:
    """λ Σ |p| as PyTorch's loss against zeros."""
    return lam * sum(F.l1_loss(p, torch.zeros_like(p), reduction="sum") for p in params)


def torch_l2(params: Any, lam: float) -> torch.Tensor:
    """λ Σ p² as PyTorch's loss against zeros."""
    return lam * sum(F.mse_loss(p, torch.zeros_like(p), reduction="sum") for p in params)


def elements(params: list[torch.Tensor]) -> int:
    """How many numbers are added up."""
    return sum(p.numel() for p in params)


@exercise("l1_penalty", weight=2)
@given(params=parameters(), lam=STRENGTHS)
def test_l1_matches_pytorch(student, params, lam):
    """It is λ times the sum of all magnitudes, whatever the parameters' shapes."""
    expected = torch_l1([p.double() for p in params], lam)
    answer = student.l1_penalty(params, lam)
    assert_close(answer, expected, dtype=params[0].dtype, terms=elements(params))


@exercise("l1_penalty", weight=1)
def test_l1_by_hand(student):
    """The handout's example: ½·(1 + 2 + 2 + 3) = 4."""
    params = [torch.tensor([[1.0, -2.0], [2.0, 0.0]]), torch.tensor([-3.0])]
    assert_close(student.l1_penalty(params, 0.5), 4.0, dtype=torch.float32, terms=5)


@exercise("l1_penalty", weight=3)
@given(params=written_parameters(), lam=STRENGTHS)
def test_gradient_of_l1_matches_pytorch(student, params, lam):
    """Autograd flows through it: the gradient of each element is ±λ, with the element's sign."""
    program = gradients("l1_penalty", params, lam)
    expected = printed_by(program, l1_penalty=torch_l1)
    dtype = params[0].dtype
    assert_printed(student.program(program), expected, dtype=dtype, terms=elements(params))


@exercise("l1_penalty", weight=0)
def test_l1_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the parameters are."""
    student.portable.l1_penalty([torch.ones(2, 3), torch.ones(3)], 0.5)


@exercise("l2_penalty", weight=2)
@given(params=parameters(), lam=STRENGTHS)
def test_l2_matches_pytorch(student, params, lam):
    """It is λ times the sum of all squares, whatever the parameters' shapes."""
    expected = torch_l2([p.double() for p in params], lam)
    answer = student.l2_penalty(params, lam)
    assert_close(answer, expected, dtype=params[0].dtype, terms=elements(params))


@exercise("l2_penalty", weight=1)
def test_l2_by_hand(student):
    """The handout's example: ½·(1 + 4 + 4 + 9) = 9."""
    params = [torch.tensor([[1.0, -2.0], [2.0, 0.0]]), torch.tensor([-3.0])]
    assert_close(student.l2_penalty(params, 0.5), 9.0, dtype=torch.float32, terms=5)


@exercise("l2_penalty", weight=3)
@given(params=written_parameters(), lam=STRENGTHS)
def test_gradient_of_l2_matches_pytorch(student, params, lam):
    """Autograd flows through it: the gradient of each element is 2λ times the element."""
    program = gradients("l2_penalty", params, lam)
    expected = printed_by(program, l2_penalty=torch_l2)
    dtype = params[0].dtype
    assert_printed(student.program(program), expected, dtype=dtype, terms=elements(params))


@exercise("l2_penalty", weight=0)
def test_l2_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the parameters are."""
    student.portable.l2_penalty([torch.ones(2, 3), torch.ones(3)], 0.5)


# --- weight_decay_step -----------------------------------------------------------------------


@st.composite
def steps(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor, float, float]:
    """(w, grad, lr, wd) of a step."""
    shape, dtype = draw(SHAPES), draw(FLOATS)
    w, grad = draw(tensors(shape, dtype=dtype)), draw(tensors(shape, dtype=dtype))
    return w, grad, draw(RATES), draw(RATES)


def reach(w: torch.Tensor, grad: torch.Tensor, lr: float, wd: float) -> float:
    """How large the parts of a step are; they may cancel."""
    return float((1 + lr * wd) * w.double().abs().max() + lr * grad.double().abs().max())


@exercise("weight_decay_step", weight=3)
@given(step=steps())
def test_step_matches_pytorch(student, step):
    """For plain gradient descent it is the step of PyTorch's SGD with weight_decay=wd."""
    w, grad, lr, wd = step
    expected = w.double().clone()
    expected.grad = grad.double()
    torch.optim.SGD([expected], lr=lr, weight_decay=wd).step()
    answer = student.weight_decay_step(w, grad, lr, wd)
    assert_close(answer, expected, dtype=w.dtype, terms=2, scale=reach(*step))


@exercise("weight_decay_step", weight=1)
def test_step_by_hand(student):
    """The handout's example: 4·(1 − 0.25·0.5) − 0.25·2 = 3."""
    w, grad = torch.tensor([4.0, -8.0]), torch.tensor([2.0, 0.0])
    answer = student.weight_decay_step(w, grad, 0.25, 0.5)
    assert_close(answer, torch.tensor([3.0, -7.0]), dtype=torch.float32)


@exercise("weight_decay_step", weight=1)
@given(step=steps())
def test_it_descends_on_the_loss_with_half_the_decay_as_l2_penalty(student, step):
    """It is the step down the gradient of loss + wd/2·Σw²: here the two are the same."""
    w, grad, lr, wd = step
    old = w.double().clone().requires_grad_()
    loss = (grad.double() * old).sum() + wd / 2 * old.square().sum()
    (slope,) = torch.autograd.grad(loss, old)
    expected = old.detach() - lr * slope
    answer = student.weight_decay_step(w, grad, lr, wd)
    assert_close(answer, expected, dtype=w.dtype, terms=2, scale=reach(*step))


@exercise("weight_decay_step", weight=0)
def test_weight_decay_step_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the weights are."""
    student.portable.weight_decay_step(torch.ones(2, 3), torch.ones(2, 3), 0.5, 0.25)


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


def seeded(seed: int) -> torch.Generator:
    """A generator, as `dropout` takes it."""
    return torch.Generator().manual_seed(seed)


# --- dropout: statistics ---------------------------------------------------------------------

# The probability with which one test fails a right solution. No check makes more than 100 of them:
# 10⁻⁷ together.
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


@exercise("dropout", weight=10)
@given(
    x=tensors(st.lists(integers(1, 5), max_size=4).map(tuple), dtype=FLOATS),
    p=PROBABILITIES,
    generator=generators(),
)
def test_kept_elements_are_scaled_up(student, x, p, generator):
    """Where the mask is 1, y is x/(1 − p); where it is 0, y is 0."""
    answer = student.dropout(x, p, True, generator)
    y, mask = output_and_mask(answer, x)
    expected = torch.where(mask, x.double() / (1 - p), 0.0)
    assert_close(y, expected, dtype=x.dtype)


@exercise("dropout", weight=3)
@given(p=sampled_from([0.1, 0.25, 0.6, 0.9]), zeros=booleans(), dtype=FLOATS)
def test_an_element_is_dropped_with_probability_p(student, p, zeros, dtype):
    """The share of elements that are kept is 1 − p but for chance, also where x is 0."""
    n = 4000
    x = torch.zeros(n, dtype=dtype) if zeros else torch.ones(n, dtype=dtype)
    answer = student.dropout(x, p, True, seeded(3))
    _, mask = output_and_mask(answer, x)
    kept = int(mask.sum())
    # how many are kept has the binomial distribution; 16 tests
    assert_that(
        is_usual(kept, n, 1 - p),
        f"of {n} elements the mask keeps {kept}, but with p = {p} about {(1 - p) * n:.0f} "
        "should be kept",
    )


@exercise("dropout", weight=5)
@given(shape=sampled_from([(60, 50), (10, 12, 4, 6)]), p=sampled_from([0.5, 0.25]))
def test_elements_are_dropped_one_by_one(student, shape, p):
    """What becomes of an element says nothing about its neighbours in the same row or column."""
    x = torch.ones(shape)
    _, mask = output_and_mask(student.dropout(x, p, True, seeded(4)), x)
    # Two independent elements agree (both kept or both dropped) with probability p² + (1 − p)²,
    # and disjoint pairs are independent: the number that agree is binomial. 12 tests.
    for axis in range(len(shape)):
        agree, n = pairs(mask, axis, 1)
        assert_that(
            is_usual(agree, n, p**2 + (1 - p) ** 2),
            f"of {n} pairs of neighbours along axis {axis} of x = torch.ones({shape}), {agree} "
            f"are both kept or both dropped; with p = {p} it should be about "
            f"{n * (p**2 + (1 - p) ** 2):.0f}",
        )


@exercise("dropout", weight=8)
@given(
    x=tensors(st.lists(integers(1, 5), max_size=4).map(tuple), dtype=FLOATS),
    p=PROBABILITIES,
    generator=none() | generators(),
)
def test_evaluation_changes_nothing(student, x, p, generator):
    """In evaluation y is x, whatever p is, and the mask keeps everything."""
    answer = student.dropout(x, p, False, generator)
    y, mask = output_and_mask(answer, x)
    assert_equal(y, x)
    assert_that(bool(mask.all()), "in evaluation the mask is 1 everywhere", answer)


@exercise("dropout", weight=5)
@given(x=tensors(SHAPES, dtype=FLOATS), p=sampled_from([0.0, 1.0]), generator=generators())
def test_nothing_or_everything_is_dropped(student, x, p, generator):
    """With p = 0 all elements are kept as they are, with p = 1 all are dropped."""
    answer = student.dropout(x, p, True, generator)
    y, mask = output_and_mask(answer, x)
    assert_close(y, (1 - p) * x.double(), dtype=x.dtype)
    right = bool((mask == (p == 0)).all())
    assert_that(right, f"with p = {p:.0f} the mask is {1 - p:.0f} everywhere", answer)


@exercise("dropout", weight=4)
@given(seed=seeds(), p=sampled_from([0.25, 0.5]))
def test_seed_of_the_generator_decides(student, seed, p):
    """A generator of the same seed gives the same mask, one of another seed gives another."""
    x = torch.ones(12, 16)
    first, again, *others = (
        output_and_mask(student.dropout(x, p, True, seeded(seed + i)), x)[1]
        for i in (0, 0, 1, 2, 3)
    )
    assert_that(bool((first == again).all()), "two generators of the same seed, but other masks")
    # Even where only a seed of 16 bits is drawn from the generator, all three agree with the first
    # by chance with a probability of 2^(−16·3) < 4e-15 an example.
    same = all(bool((first == other).all()) for other in others)
    assert_that(not same, "four generators of different seeds, but the same mask")


@exercise("dropout", weight=0)
def test_dropout_would_run_on_a_gpu(student):
    """It would run on a GPU: the mask is drawn where x is."""
    student.portable.dropout(torch.ones(2, 3), 0.5, True)


# --- dropout_backward ------------------------------------------------------------------------


@exercise("dropout_backward", weight=3)
@given(
    dout=tensors(st.lists(integers(1, 5), max_size=4).map(tuple), dtype=FLOATS),
    p=PROBABILITIES,
    seed=seeds(),
    floating=booleans(),
)
def test_gradient_of_dropout_matches_pytorch(student, dout, p, seed, floating):
    """It is the gradient that autograd finds for the input of PyTorch's own dropout."""
    x = torch.ones(dout.shape, dtype=torch.float64, requires_grad=True)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        y = F.dropout(x, p)
    (expected,) = torch.autograd.grad(y, x, dout.double())
    mask = (y != 0).to(dout.dtype if floating else torch.bool)
    assert_close(student.dropout_backward(dout, mask, p), expected, dtype=dout.dtype)


@exercise("dropout_backward", weight=1)
def test_gradient_of_dropout_by_hand(student):
    """The handout's example: what was kept and scaled by 4/3 passes the gradient on by 4/3."""
    dout = torch.tensor([[3.0, -6.0, 9.0, 12.0]])
    mask = torch.tensor([[True, False, True, True]])
    expected = torch.tensor([[4.0, 0.0, 12.0, 16.0]])
    assert_close(student.dropout_backward(dout, mask, 0.25), expected, dtype=torch.float32)
    answer = student.dropout_backward(dout, mask.float(), 0.25)
    assert_close(answer, expected, dtype=torch.float32)


@exercise("dropout_backward", weight=1.5)
@given(
    dout=tensors(SHAPES, dtype=FLOATS),
    p=sampled_from([0.0, 1.0]),
    floating=booleans(),
)
def test_gradient_of_nothing_or_everything(student, dout, p, floating):
    """With p = 0 the gradient passes as it is, with p = 1 it is 0 everywhere."""
    mask = torch.full(dout.shape, p == 0).to(dout.dtype if floating else torch.bool)
    answer = student.dropout_backward(dout, mask, p)
    assert_close(answer, (1 - p) * dout.double(), dtype=dout.dtype)


@exercise("dropout_backward", weight=0)
def test_dropout_backward_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the gradient is."""
    student.portable.dropout_backward(torch.ones(2, 3), torch.ones(2, 3), 0.5)

"""Hidden checks of `optimizers`: the reference in float64, state over time, and the edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from hypothesis import example
from hypothesis import strategies as st
from hypothesis.strategies import integers, sampled_from

from autograder.checks import (
    assert_printed,
    assert_raises,
    code,
    exercise,
    given,
    tensors,
)

FLOATS = sampled_from([torch.float32, torch.float64])
NAMES = ("w", "b", "k")

# --- what is drawn: an optimizer, its parameters, and what happens step by step ---------------


@dataclass(frozen=True)
class Scenario:
    """Parameters, an optimizer of them, and a list of steps.

    Args:
        starts: the parameters' first values.
        options: of the optimizer.
        steps: for each one a new lr or None, and the parameters' gradients, each maybe None.
    """

    starts: list[torch.Tensor]
    options: dict[str, Any]
    steps: list[tuple[float | None, list[torch.Tensor | None]]]

    @property
    def dtype(self) -> torch.dtype:
        """All parameters have the same."""
        return self.starts[0].dtype

    def program(self, name: str, dtype: torch.dtype | None = None) -> list[str]:
        """The scenario as lines of Python, in its own dtype or in another one."""

        def text(tensor: torch.Tensor) -> str:
            return code(tensor if dtype is None else tensor.to(dtype))

        names = NAMES[: len(self.starts)]
        lines = ["import torch", f"from optimizers import {name}", ""]
        lines += [
            f"{n} = {text(start)}.requires_grad_()"
            for n, start in zip(names, self.starts, strict=True)
        ]
        lines += [f"optimizer = {name}([{', '.join(names)}], {written(self.options)})"]
        for lr, gradients in self.steps:
            lines += [""] + ([f"optimizer.lr = {lr}"] if lr is not None else [])
            for n, g in zip(names, gradients, strict=True):
                lines += [f"{n}.grad = {None if g is None else text(g)}"]
            lines += ["optimizer.step()"] + [f"print({n})" for n in names]
        return lines


def written(options: dict[str, Any]) -> str:
    """Options as they stand in a call."""
    return ", ".join(f"{name}={code(value)}" for name, value in options.items())


@st.composite
def values(draw: st.DrawFn, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    """A few numbers with one decimal."""
    tenths = draw(tensors(shape, dtype=torch.float64, low=-30, high=30, layouts=False))
    return (tenths / 10).to(dtype)


@st.composite
def scenarios(draw: st.DrawFn, options: st.SearchStrategy[dict[str, Any]], *, gaps: bool) -> Any:
    """A scenario of one to three parameters and one to four steps.

    A parameter may miss its gradient: in any one step, where there may be `gaps`, else in all from
    some step on. (Before that it makes no difference whose steps an optimizer counts.) In another
    step its gradient may be zero, which is not the same.
    """
    dtype = draw(FLOATS)
    shapes = draw(st.lists(sampled_from([(2,), (), (3,), (1, 2), (2, 2)]), min_size=1, max_size=3))
    lrs = st.none() | sampled_from([0.1, 0.5, 2.0])
    step = st.tuples(lrs, st.tuples(*[values(shape, dtype) for shape in shapes]))
    steps = draw(st.lists(step, min_size=1, max_size=4))
    firsts = [draw(st.none() | integers(0, 3)) for _ in shapes]
    missing = [() if n is None else (n,) if gaps else range(n, 4) for n in firsts]
    zeros = [draw(st.none() | integers(0, 3)) for _ in shapes]
    steps = [
        (
            lr,
            [
                None if number in none else torch.zeros_like(g) if number == zero else g
                for g, none, zero in zip(gradients, missing, zeros, strict=True)
            ],
        )
        for number, (lr, gradients) in enumerate(steps)
    ]
    starts = [draw(values(shape, dtype)) for shape in shapes]
    return Scenario(starts, draw(options), steps)


def walk(*gradients: float | None, **options: Any) -> Scenario:
    """One parameter from 1 on, with gradients given one by one."""
    start, *ways = (
        None if number is None else torch.tensor([number], dtype=torch.float64)
        for number in (1.0, *gradients)
    )
    assert start is not None
    return Scenario([start], {"lr": 0.5, **options}, [(None, [g]) for g in ways])


def size(*printed: Any) -> float:
    """The largest number among tensors: rounding errors are relative to where a parameter was."""
    return max((float(t.abs().max()) for t in printed), default=0.0)


# --- what is drawn: options, far from their defaults, so that they make a difference ----------


LRS = {"lr": sampled_from([0.1, 0.5, 2.0])}
EPS = sampled_from([0.1, 0.5, 2.0])
DECAY = sampled_from([0.0, 0.2, 0.5, 0.9])
BETAS = st.tuples(sampled_from([0.0, 0.2, 0.5, 0.8]), sampled_from([0.3, 0.5, 0.7, 0.9]))


def options(optional: dict[str, Any], **required: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Options of an optimizer; the optional ones may keep their defaults."""
    return st.fixed_dictionaries({**LRS, **required}, optional=optional)


DECAYS = {"weight_decay": sampled_from([0.1, 0.5])}
HEAVY = sampled_from([0.5, 0.9, 0.2, 1.0])
SGD = (
    options(DECAYS)
    | options(DECAYS, momentum=HEAVY)
    | options(DECAYS, momentum=HEAVY, nesterov=st.just(True))
)
EMA = options({}, beta=sampled_from([0.5, 0.9, 0.2, 0.0, 1.0]))
ADAGRAD = options({"eps": EPS})
# Where the mean of squares stays 0, or is that of the newest gradient alone, eps is what keeps
# steps short.
RMSPROP = options({"eps": EPS}, alpha=DECAY) | options({}, alpha=st.just(1.0), eps=EPS)
FORGETFUL = options({}, betas=st.tuples(sampled_from([0.0, 0.5, 0.8]), st.just(0.0)), eps=EPS)
# A weight decay can cancel a gradient but for rounding errors, and a small eps would amplify them.
ADAM = (
    options({"eps": EPS}, betas=BETAS)
    | options({}, betas=BETAS, eps=EPS, weight_decay=sampled_from([0.1, 0.5]))
    | FORGETFUL
)
ADAMAX = options({"eps": EPS}, betas=BETAS) | FORGETFUL


# --- other programs than a list of steps ------------------------------------------------------


def assert_follows(student: Any, reference: Any, name: str, scenario: Scenario) -> None:
    """After each step the parameters are where the reference, in float64, takes them."""
    printed = student.program(scenario.program(name))
    expected = reference.program(scenario.program(name, torch.float64))
    scale = size(*scenario.starts, *expected)
    terms = len(scenario.steps)
    assert_printed(printed, expected, dtype=scenario.dtype, terms=terms, scale=scale)


@dataclass(frozen=True)
class Rates:
    """Steps of one parameter with learning rates that change in between."""

    start: torch.Tensor
    options: dict[str, Any]
    steps: list[tuple[str, torch.Tensor]]

    def program(self, name: str, dtype: torch.dtype) -> list[str]:
        """Before each step but the first the learning rate is written."""
        lines = [
            "import torch",
            f"from optimizers import {name}",
            "",
            f"w = {code(self.start.to(dtype))}.requires_grad_()",
            f"optimizer = {name}([w], {written(self.options)})",
        ]
        for number, (change, gradient) in enumerate(self.steps):
            lines += ["", f"w.grad = {code(gradient.to(dtype))}"]
            lines += [f"optimizer.lr {change}"] if number else []
            lines += ["optimizer.step()", "print(w)"]
        return lines


@st.composite
def rates(draw: st.DrawFn, options: st.SearchStrategy[dict[str, Any]]) -> Rates:
    """Two to five steps, after each of which the learning rate is set or multiplied."""
    dtype = draw(FLOATS)
    change = sampled_from(["= 0.25", "*= 0.5", "= 1.5", "*= 2"])
    step = st.tuples(change, values((2,), dtype))
    steps = draw(st.lists(step, min_size=2, max_size=5))
    return Rates(draw(values((2,), dtype)), draw(options), steps)


def assert_follows_rates(student: Any, reference: Any, name: str, rates: Rates) -> None:
    """Each step is made with the learning rate of then."""
    printed = student.program(rates.program(name, rates.start.dtype))
    expected = reference.program(rates.program(name, torch.float64))
    scale = size(rates.start, *expected)
    dtype, terms = rates.start.dtype, len(rates.steps)
    assert_printed(printed, expected, dtype=dtype, terms=terms, scale=scale)


def assert_apart(
    student: Any, reference: Any, name: str, two: list[dict[str, Any]], gradients: list[Any]
) -> None:
    """Two optimizers work side by side, and a third one begins afresh where the first has been."""

    def program(dtype: torch.dtype) -> list[str]:
        lines = [
            "import torch",
            f"from optimizers import {name}",
            "",
            f"w = torch.tensor([1.0, -2.0], dtype={dtype}).requires_grad_()",
            f"b = torch.tensor([0.5, 3.0], dtype={dtype}).requires_grad_()",
            f"first = {name}([w], {written(two[0])})",
            f"second = {name}([b], {written(two[1])})",
        ]
        for gradient in gradients:
            text = code(gradient.to(dtype))
            lines += ["", f"w.grad = {text}", "first.step()", "print(w)"]
            lines += [f"b.grad = {text}", "second.step()", "print(b)"]
        lines += ["", f"third = {name}([w], {written(two[1])})"]
        lines += ["third.step()", "print(w)", "first.step()", "print(w)"]
        return lines

    dtype = gradients[0].dtype
    expected = reference.program(program(torch.float64))
    printed = student.program(program(dtype))
    scale = max(3.0, size(*expected))
    assert_printed(printed, expected, dtype=dtype, terms=len(gradients) + 2, scale=scale)


@st.composite
def few_gradients(draw: st.DrawFn) -> list[torch.Tensor]:
    """One to three gradients of two elements."""
    dtype, count = draw(FLOATS), draw(integers(1, 3))
    return [draw(values((2,), dtype)) for _ in range(count)]


def assert_leaves_gradients(
    student: Any, reference: Any, name: str, options: dict[str, Any], gradients: list[torch.Tensor]
) -> None:
    """Gradients are read only, and may be written into the same memory again and again."""

    def program(dtype: torch.dtype) -> list[str]:
        lines = [
            "import torch",
            f"from optimizers import {name}",
            "",
            f"w = torch.tensor([1.0, -2.0], dtype={dtype}).requires_grad_()",
            f"w.grad = torch.zeros(2, dtype={dtype})",
            f"optimizer = {name}([w], {written(options)})",
        ]
        for gradient in gradients:
            lines += ["", f"w.grad.copy_({code(gradient.to(dtype))})", "optimizer.step()"]
            lines += ["print(w.grad)", "print(w)"]
        return lines

    dtype = gradients[0].dtype
    expected = reference.program(program(torch.float64))
    printed = student.program(program(dtype))
    scale = max(3.0, size(*expected))
    assert_printed(printed, expected, dtype=dtype, terms=len(gradients), scale=scale)


def assert_trains_on(
    student: Any, reference: Any, name: str, options: dict[str, Any], start: torch.Tensor, n: int
) -> None:
    """Gradients of PyTorch's, parameters from a module, up to fifty steps.

    One parameter has no gradient, or zeros if `zero_grad` gives it some: at 0 it doesn't decay.
    """

    def program(dtype: torch.dtype, end: str) -> list[str]:
        return [
            "import torch",
            f"from optimizers import {name}",
            "",
            f"w = torch.nn.Parameter({code(start.to(dtype))})",
            f"b = torch.nn.Parameter(torch.tensor(0.5, dtype={dtype}))",
            "slope = w.detach().clone()",
            f"still = torch.nn.Parameter(torch.zeros(1, dtype={dtype}))",
            "net = torch.nn.ParameterList([still, w, b])",
            f"optimizer = {name}(net.parameters(), {written(options)})",
            "",
            f"for k in range({n}):",
            "    optimizer.zero_grad()",
            "    loss = (k % 4 - 1.75) * ((w * slope).sum() - 2 * b)",
            "    loss.backward()",
            "    optimizer.step()",
            f"{end}print(still)",
            f"{end}print(w)",
            f"{end}print(b)",
        ]

    ways = reference.program(program(torch.float64, "    "))
    printed = student.program(program(start.dtype, ""))
    scale = size(start, *ways)
    # each step rounds once or twice, and errors of both signs cancel
    assert_printed(printed, ways[-3:], dtype=start.dtype, terms=min(n, 15), scale=scale)


def assert_defaults(
    student: Any, reference: Any, name: str, given: str, gradients: list[float]
) -> None:
    """What is not given has the value that the signature says."""
    lines = [
        "import torch",
        f"from optimizers import {name}",
        "",
        "w = torch.tensor([0.3, 0.7], dtype=torch.float64).requires_grad_()",
        f"optimizer = {name}([w]{given})",
    ]
    for g in gradients:
        gradient = torch.tensor([g, -0.1 * g], dtype=torch.float64)
        lines += ["", f"w.grad = {code(gradient)}", "optimizer.step()", "print(w)"]
    printed, expected = student.program(lines), reference.program(lines)
    assert_printed(printed, expected, dtype=torch.float64, terms=len(gradients), scale=1.0)


def assert_refuses(student: Any, name: str, option: str) -> None:
    """The constructor raises ValueError."""
    lines = [
        "import torch",
        f"from optimizers import {name}",
        "",
        "w = torch.tensor([1.0]).requires_grad_()",
        f"optimizer = {name}([w], lr=0.5, {option})",
    ]
    assert_raises(ValueError, lambda: student.program(lines))


STARTS = sampled_from([(2,), (3, 2), (15, 20)]).flatmap(
    lambda shape: tensors(shape, dtype=FLOATS, low=-3, high=3)
)
OUTSIDE = [f"betas={betas}" for betas in [(-0.1, 0.5), (1.5, 0.5), (0.5, -0.1), (0.5, 1.5)]]
GRADIENTS = st.lists(integers(1, 30).map(lambda tenths: tenths / 10), min_size=1, max_size=4)


def assert_ignores_scale(
    student: Any, betas: tuple[float, float], gradients: list[torch.Tensor], factor: float
) -> None:
    """Adam's steps are the same for multiples of the gradients; none of them is 0 here."""
    rounded = [torch.where(g == 0, 0.1, g) for g in gradients]
    starts = [torch.ones(2, dtype=rounded[0].dtype)]
    options = {"lr": 0.5, "betas": betas, "eps": 0.0}
    one = Scenario(starts, options, [(None, [g]) for g in rounded])
    other = Scenario(starts, options, [(None, [factor * g]) for g in rounded])
    expected = student.program(one.program("Adam"))
    printed = student.program(other.program("Adam"))
    # both are rounded
    scale = 2 * max(1.0, *(size(p) for p in expected if isinstance(p, torch.Tensor)), 1.0)
    assert_printed(printed, expected, dtype=one.dtype, terms=len(gradients), scale=scale)


# --- SGD ------------------------------------------------------------------------------------------


@exercise("SGD", weight=3)
@given(scenario=scenarios(SGD, gaps=True))
@example(scenario=walk(3.0, 0.0, None, 4.0, momentum=0.5))
def test_sgd_equals_the_reference(student, reference, scenario):
    """Each step is the formula's, for several parameters of any shape, some without a gradient."""
    assert_follows(student, reference, "SGD", scenario)


@exercise("SGD", weight=1.5)
@given(rates=rates(SGD))
def test_sgd_uses_the_rate_of_now(student, reference, rates):
    """The learning rate may change between steps; nothing of the past depends on it."""
    assert_follows_rates(student, reference, "SGD", rates)


@exercise("SGD", weight=2)
@given(two=st.tuples(SGD, SGD), gradients=few_gradients())
def test_sgds_are_independent(student, reference, two, gradients):
    """Several optimizers don't know of each other, on the same parameter neither."""
    assert_apart(student, reference, "SGD", two, gradients)


@exercise("SGD", weight=2)
@given(options=SGD, gradients=few_gradients())
def test_sgd_leaves_gradients(student, reference, options, gradients):
    """A step changes no gradient, and doesn't rely on gradients to stay as they were."""
    assert_leaves_gradients(student, reference, "SGD", options, gradients)


@exercise("SGD", weight=2)
@given(options=SGD, start=STARTS, n=integers(1, 50))
def test_sgd_trains_for_long(student, reference, options, start, n):
    """Up to fifty steps of training, with parameters from a module and gradients from PyTorch."""
    assert_trains_on(student, reference, "SGD", options, start, n)


@exercise("SGD", weight=0.5)
@given(gradients=GRADIENTS)
def test_sgd_has_defaults(student, reference, gradients):
    """Without options it has those of the signature."""
    assert_defaults(student, reference, "SGD", ", lr=0.1", gradients)


@exercise("SGD", weight=1)
@given(option=sampled_from(["momentum=-0.1", "momentum=1.5", "momentum=-2.0, nesterov=True"]))
def test_sgd_refuses_options(student, option):
    """A momentum below 0 or above 1 raises ValueError."""
    assert_refuses(student, "SGD", option)


# --- EMAMomentum ----------------------------------------------------------------------------------


@exercise("EMAMomentum", weight=3)
@given(scenario=scenarios(EMA, gaps=True))
@example(scenario=walk(3.0, 0.0, None, 4.0, beta=0.5))
def test_emamomentum_equals_the_reference(student, reference, scenario):
    """Each step is the formula's, for several parameters of any shape, some without a gradient."""
    assert_follows(student, reference, "EMAMomentum", scenario)


@exercise("EMAMomentum", weight=1.5)
@given(rates=rates(EMA))
def test_emamomentum_uses_the_rate_of_now(student, reference, rates):
    """The learning rate may change between steps; nothing of the past depends on it."""
    assert_follows_rates(student, reference, "EMAMomentum", rates)


@exercise("EMAMomentum", weight=2)
@given(two=st.tuples(EMA, EMA), gradients=few_gradients())
def test_emamomentums_are_independent(student, reference, two, gradients):
    """Several optimizers don't know of each other, on the same parameter neither."""
    assert_apart(student, reference, "EMAMomentum", two, gradients)


@exercise("EMAMomentum", weight=2)
@given(options=EMA, gradients=few_gradients())
def test_emamomentum_leaves_gradients(student, reference, options, gradients):
    """A step changes no gradient, and doesn't rely on gradients to stay as they were."""
    assert_leaves_gradients(student, reference, "EMAMomentum", options, gradients)


@exercise("EMAMomentum", weight=2)
@given(options=EMA, start=STARTS, n=integers(1, 50))
def test_emamomentum_trains_for_long(student, reference, options, start, n):
    """Up to fifty steps of training, with parameters from a module and gradients from PyTorch."""
    assert_trains_on(student, reference, "EMAMomentum", options, start, n)


@exercise("EMAMomentum", weight=0.5)
@given(gradients=GRADIENTS)
def test_emamomentum_has_defaults(student, reference, gradients):
    """Without options it has those of the signature."""
    assert_defaults(student, reference, "EMAMomentum", ", lr=0.1", gradients)


@exercise("EMAMomentum", weight=1)
@given(option=sampled_from(["beta=-0.1", "beta=1.5"]))
def test_emamomentum_refuses_options(student, option):
    """A beta below 0 or above 1 raises ValueError."""
    assert_refuses(student, "EMAMomentum", option)


# --- Adagrad --------------------------------------------------------------------------------------


@exercise("Adagrad", weight=3)
@given(scenario=scenarios(ADAGRAD, gaps=True))
@example(scenario=walk(3.0, 4.0, eps=0.0))
def test_adagrad_equals_the_reference(student, reference, scenario):
    """Each step is the formula's, for several parameters of any shape, some without a gradient."""
    assert_follows(student, reference, "Adagrad", scenario)


@exercise("Adagrad", weight=1.5)
@given(rates=rates(ADAGRAD))
def test_adagrad_uses_the_rate_of_now(student, reference, rates):
    """The learning rate may change between steps; nothing of the past depends on it."""
    assert_follows_rates(student, reference, "Adagrad", rates)


@exercise("Adagrad", weight=2)
@given(two=st.tuples(ADAGRAD, ADAGRAD), gradients=few_gradients())
def test_adagrads_are_independent(student, reference, two, gradients):
    """Several optimizers don't know of each other, on the same parameter neither."""
    assert_apart(student, reference, "Adagrad", two, gradients)


@exercise("Adagrad", weight=2)
@given(options=ADAGRAD, gradients=few_gradients())
def test_adagrad_leaves_gradients(student, reference, options, gradients):
    """A step changes no gradient, and doesn't rely on gradients to stay as they were."""
    assert_leaves_gradients(student, reference, "Adagrad", options, gradients)


@exercise("Adagrad", weight=2)
@given(options=ADAGRAD, start=STARTS, n=integers(1, 50))
def test_adagrad_trains_for_long(student, reference, options, start, n):
    """Up to fifty steps of training, with parameters from a module and gradients from PyTorch."""
    assert_trains_on(student, reference, "Adagrad", options, start, n)


@exercise("Adagrad", weight=0.5)
@given(gradients=GRADIENTS)
def test_adagrad_has_defaults(student, reference, gradients):
    """Without options it has those of the signature."""
    assert_defaults(student, reference, "Adagrad", "", gradients)


# --- RMSprop --------------------------------------------------------------------------------------


@exercise("RMSprop", weight=3)
@given(scenario=scenarios(RMSPROP, gaps=True))
@example(scenario=walk(3.0, 0.0, None, 4.0, alpha=0.75))
@example(scenario=walk(3.0, 4.0, alpha=0.75, eps=0.0))
def test_rmsprop_equals_the_reference(student, reference, scenario):
    """Each step is the formula's, for several parameters of any shape, some without a gradient."""
    assert_follows(student, reference, "RMSprop", scenario)


@exercise("RMSprop", weight=1.5)
@given(rates=rates(RMSPROP))
def test_rmsprop_uses_the_rate_of_now(student, reference, rates):
    """The learning rate may change between steps; nothing of the past depends on it."""
    assert_follows_rates(student, reference, "RMSprop", rates)


@exercise("RMSprop", weight=2)
@given(two=st.tuples(RMSPROP, RMSPROP), gradients=few_gradients())
def test_rmsprops_are_independent(student, reference, two, gradients):
    """Several optimizers don't know of each other, on the same parameter neither."""
    assert_apart(student, reference, "RMSprop", two, gradients)


@exercise("RMSprop", weight=2)
@given(options=RMSPROP, gradients=few_gradients())
def test_rmsprop_leaves_gradients(student, reference, options, gradients):
    """A step changes no gradient, and doesn't rely on gradients to stay as they were."""
    assert_leaves_gradients(student, reference, "RMSprop", options, gradients)


@exercise("RMSprop", weight=2)
@given(options=RMSPROP, start=STARTS, n=integers(1, 50))
def test_rmsprop_trains_for_long(student, reference, options, start, n):
    """Up to fifty steps of training, with parameters from a module and gradients from PyTorch."""
    assert_trains_on(student, reference, "RMSprop", options, start, n)


@exercise("RMSprop", weight=0.5)
@given(gradients=GRADIENTS)
def test_rmsprop_has_defaults(student, reference, gradients):
    """Without options it has those of the signature."""
    assert_defaults(student, reference, "RMSprop", "", gradients)


@exercise("RMSprop", weight=1)
@given(option=sampled_from(["alpha=-0.1", "alpha=1.5"]))
def test_rmsprop_refuses_options(student, option):
    """An alpha below 0 or above 1 raises ValueError."""
    assert_refuses(student, "RMSprop", option)


# --- Adam -----------------------------------------------------------------------------------------


@exercise("Adam", weight=3)
@given(scenario=scenarios(ADAM, gaps=False))
@example(scenario=walk(3.0, 0.0, 4.0, None, betas=(0.5, 0.75)))
def test_adam_equals_the_reference(student, reference, scenario):
    """Each step is the formula's, for several parameters of any shape, some without a gradient."""
    assert_follows(student, reference, "Adam", scenario)


@exercise("Adam", weight=1.5)
@given(rates=rates(ADAM))
def test_adam_uses_the_rate_of_now(student, reference, rates):
    """The learning rate may change between steps; nothing of the past depends on it."""
    assert_follows_rates(student, reference, "Adam", rates)


@exercise("Adam", weight=2)
@given(two=st.tuples(ADAM, ADAM), gradients=few_gradients())
def test_adams_are_independent(student, reference, two, gradients):
    """Several optimizers don't know of each other, on the same parameter neither."""
    assert_apart(student, reference, "Adam", two, gradients)


@exercise("Adam", weight=2)
@given(options=ADAM, gradients=few_gradients())
def test_adam_leaves_gradients(student, reference, options, gradients):
    """A step changes no gradient, and doesn't rely on gradients to stay as they were."""
    assert_leaves_gradients(student, reference, "Adam", options, gradients)


@exercise("Adam", weight=2)
@given(options=ADAM, start=STARTS, n=integers(1, 50))
def test_adam_trains_for_long(student, reference, options, start, n):
    """Up to fifty steps of training, with parameters from a module and gradients from PyTorch."""
    assert_trains_on(student, reference, "Adam", options, start, n)


@exercise("Adam", weight=0.5)
@given(gradients=GRADIENTS)
def test_adam_has_defaults(student, reference, gradients):
    """Without options it has those of the signature."""
    assert_defaults(student, reference, "Adam", "", gradients)


@exercise("Adam", weight=1)
@given(
    option=sampled_from(
        ["betas=(-0.1, 0.5)", "betas=(1.5, 0.5)", "betas=(0.5, -0.1)", "betas=(0.5, 1.5)"]
    )
)
def test_adam_refuses_options(student, option):
    """A beta below 0 or above 1 raises ValueError."""
    assert_refuses(student, "Adam", option)


@exercise("Adam", weight=0.5)
@given(betas=BETAS, gradients=few_gradients(), factor=sampled_from([4.0, 0.5, 64.0]))
def test_adam_ignores_the_scale(student, betas, gradients, factor):
    """Without ε, gradients that are all a multiple of what they were give the same steps."""
    assert_ignores_scale(student, betas, gradients, factor)


# --- Adamax ---------------------------------------------------------------------------------------


@exercise("Adamax", weight=3)
@given(scenario=scenarios(ADAMAX, gaps=False))
@example(scenario=walk(3.0, 0.0, 4.0, None, betas=(0.5, 0.75)))
def test_adamax_equals_the_reference(student, reference, scenario):
    """Each step is the formula's, for several parameters of any shape, some without a gradient."""
    assert_follows(student, reference, "Adamax", scenario)


@exercise("Adamax", weight=1.5)
@given(rates=rates(ADAMAX))
def test_adamax_uses_the_rate_of_now(student, reference, rates):
    """The learning rate may change between steps; nothing of the past depends on it."""
    assert_follows_rates(student, reference, "Adamax", rates)


@exercise("Adamax", weight=2)
@given(two=st.tuples(ADAMAX, ADAMAX), gradients=few_gradients())
def test_adamaxs_are_independent(student, reference, two, gradients):
    """Several optimizers don't know of each other, on the same parameter neither."""
    assert_apart(student, reference, "Adamax", two, gradients)


@exercise("Adamax", weight=2)
@given(options=ADAMAX, gradients=few_gradients())
def test_adamax_leaves_gradients(student, reference, options, gradients):
    """A step changes no gradient, and doesn't rely on gradients to stay as they were."""
    assert_leaves_gradients(student, reference, "Adamax", options, gradients)


@exercise("Adamax", weight=2)
@given(options=ADAMAX, start=STARTS, n=integers(1, 50))
def test_adamax_trains_for_long(student, reference, options, start, n):
    """Up to fifty steps of training, with parameters from a module and gradients from PyTorch."""
    assert_trains_on(student, reference, "Adamax", options, start, n)


@exercise("Adamax", weight=0.5)
@given(gradients=GRADIENTS)
def test_adamax_has_defaults(student, reference, gradients):
    """Without options it has those of the signature."""
    assert_defaults(student, reference, "Adamax", "", gradients)


@exercise("Adamax", weight=1)
@given(
    option=sampled_from(
        ["betas=(-0.1, 0.5)", "betas=(1.5, 0.5)", "betas=(0.5, -0.1)", "betas=(0.5, 1.5)"]
    )
)
def test_adamax_refuses_options(student, option):
    """A beta below 0 or above 1 raises ValueError."""
    assert_refuses(student, "Adamax", option)

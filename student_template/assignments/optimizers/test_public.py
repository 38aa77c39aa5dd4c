"""Public checks of `optimizers`: PyTorch's own, small examples by hand, and laws.

What is forbidden to your code is the oracle here: these optimizers run in the check, not in yours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from hypothesis import strategies as st
from hypothesis.strategies import integers, sampled_from

from autograder.checks import assert_printed, code, exercise, given, printed_by, tensors

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


def size(*printed: Any) -> float:
    """The largest number among tensors: rounding errors are relative to where a parameter was."""
    return max((float(t.abs().max()) for t in printed), default=0.0)


# --- what is drawn: options, far from their defaults, so that they make a difference ----------


LRS = {"lr": sampled_from([0.1, 0.5, 2.0])}
EPS = sampled_from([0.1, 0.5, 2.0])
MOMENTUM = sampled_from([0.5, 0.9, 0.2])
DECAY = sampled_from([0.0, 0.2, 0.5, 0.9])
BETAS = st.tuples(sampled_from([0.0, 0.2, 0.5, 0.8]), sampled_from([0.3, 0.5, 0.7, 0.9]))


def options(optional: dict[str, Any], **required: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Options of an optimizer; the optional ones may keep their defaults."""
    return st.fixed_dictionaries({**LRS, **required}, optional=optional)


DECAYS = {"weight_decay": sampled_from([0.1, 0.5])}
SGD = (
    options(DECAYS)
    | options(DECAYS, momentum=MOMENTUM)
    | options(DECAYS, momentum=MOMENTUM, nesterov=st.just(True))
)
EMA = options({}, beta=sampled_from([0.5, 0.9, 0.2, 0.0]))
ADAGRAD = options({"eps": EPS})
RMSPROP = options({"eps": EPS}, alpha=DECAY)
# A weight decay can cancel a gradient but for rounding errors, and a small eps would amplify them.
ADAM = options({"eps": EPS}, betas=BETAS) | options(
    {}, betas=BETAS, eps=EPS, weight_decay=sampled_from([0.1, 0.5])
)
ADAMAX = options({"eps": EPS}, betas=BETAS)


# --- the oracle: PyTorch's optimizers with an lr that can be written --------------------------


def of_pytorch(name: str) -> Any:
    """PyTorch's optimizer of this name, with an attribute `lr`."""

    class Optimizer(getattr(torch.optim, "SGD" if name == "EMAMomentum" else name)):
        def __init__(self, params: Any, lr: float, beta: float | None = None, **options: Any):
            # An average of gradients is a heavy ball with a learning rate 1 - beta times as large.
            self.share = 1.0 if beta is None else 1 - beta
            more = {} if beta is None else {"momentum": beta}
            super().__init__(params, lr=self.share * lr, foreach=False, **more, **options)

        @property
        def lr(self) -> float:
            return self.param_groups[0]["lr"] / self.share

        @lr.setter
        def lr(self, value: float) -> None:
            self.param_groups[0]["lr"] = self.share * value

    return Optimizer


def assert_follows_pytorch(student: Any, name: str, scenario: Scenario) -> None:
    """After each step the parameters are where PyTorch's optimizer, in float64, takes them."""
    printed = student.program(scenario.program(name))
    lines = scenario.program(name, torch.float64)
    expected = printed_by(lines, **{name: of_pytorch(name)})
    scale = size(*scenario.starts, *expected)
    terms = len(scenario.steps)
    assert_printed(printed, expected, dtype=scenario.dtype, terms=terms, scale=scale)


def by_hand(name: str, options: str) -> list[str]:
    """The handout's example: from p = 1 with the gradients 3 and 4."""
    return [
        "import torch",
        f"from optimizers import {name}",
        "",
        "p = torch.tensor([1.0]).requires_grad_()",
        f"optimizer = {name}([p], lr=0.5, {options})",
        "",
        "p.grad = torch.tensor([3.0])",
        "optimizer.step()",
        "print(p)",
        "",
        "p.grad = torch.tensor([4.0])",
        "optimizer.step()",
        "print(p)",
    ]


def assert_by_hand(student: Any, name: str, options: str, *expected: float) -> None:
    """The two steps of the handout's example end where it says."""
    printed = student.program(by_hand(name, options))
    wanted = [torch.tensor([p], dtype=torch.float64) for p in expected]
    assert_printed(printed, wanted, dtype=torch.float32, terms=2, scale=4)


@dataclass(frozen=True)
class Slope:
    """An optimizer that meets the same gradient again and again: a plane that slopes evenly."""

    name: str
    options: dict[str, Any]
    g: float
    count: int

    def assert_moves(self, student: Any, moves: list[float]) -> None:
        """The n-th step goes by the n-th of `moves`, from 0 and in float64."""
        gradient = code(torch.tensor([self.g], dtype=torch.float64))
        lines = [
            "import torch",
            f"from optimizers import {self.name}",
            "",
            "p = torch.zeros(1, dtype=torch.float64).requires_grad_()",
            f"optimizer = {self.name}([p], {written(self.options)})",
            "",
            f"for _ in range({self.count}):",
            f"    p.grad = {gradient}",
            "    optimizer.step()",
            "    print(p)",
        ]
        places = -torch.tensor(moves, dtype=torch.float64).cumsum(0)
        printed = student.program(lines)
        # where it is divided by 1 - beta**n, errors are a few times as large
        scale = 5 * size(places)
        expected = list(places[:, None])
        assert_printed(printed, expected, dtype=torch.float64, terms=self.count, scale=scale)


@st.composite
def slopes(draw: st.DrawFn, name: str, options: st.SearchStrategy[dict[str, Any]]) -> Slope:
    """A constant gradient for some steps."""
    g = draw(sampled_from([1.0, -2.0, 0.3, -20.0]))
    return Slope(name, draw(options), g, draw(integers(1, 8)))


def training(name: str, options: str, dtype: torch.dtype) -> list[str]:
    """A short training: three steps down a bowl, as a training loop makes them."""
    kind = "" if dtype is torch.float32 else f", dtype={dtype}"
    return [
        "import torch",
        f"from optimizers import {name}",
        "",
        f"w = torch.nn.Parameter(torch.tensor([1.0, -2.0]{kind}))",
        f"b = torch.nn.Parameter(torch.tensor(0.5{kind}))",
        f"unused = torch.nn.Parameter(torch.tensor([3.0]{kind}))",
        "net = torch.nn.ParameterList([unused, w, b])",
        f"optimizer = {name}(net.parameters(), lr=0.1, {options})",
        "",
        "for _ in range(3):",
        "    optimizer.zero_grad()",
        "    loss = ((3 * w - b) ** 2).sum()",
        "    loss.backward()",
        "    optimizer.step()",
        "    print(w)",
        "    print(b)",
        "    print(w.grad)",
        "",
        "print(unused)",
        "print(unused.grad is None or bool((unused.grad == 0).all()))",
        "optimizer.zero_grad()",
        "print(w.grad is None or bool((w.grad == 0).all()))",
        "print(b.grad is None or bool((b.grad == 0).all()))",
    ]


def assert_trains(student: Any, name: str, options: str, dtype: torch.dtype) -> None:
    """A training loop moves the parameters as with PyTorch's optimizer."""
    expected = printed_by(training(name, options, torch.float64), **{name: of_pytorch(name)})
    printed = student.program(training(name, options, dtype))
    # gradients here are as large as 50, and of parameters as large as 3
    assert_printed(printed, expected, dtype=dtype, terms=10, scale=20)


# --- SGD ------------------------------------------------------------------------------------------


@exercise("SGD", weight=3)
@given(scenario=scenarios(SGD, gaps=True))
def test_sgd_matches_pytorch(student, scenario):
    """Each step equals that of PyTorch's torch.optim.SGD."""
    assert_follows_pytorch(student, "SGD", scenario)


@exercise("SGD", weight=1)
def test_sgd_by_hand(student):
    """By hand: the velocities are 3 and 5.5; Nesterov goes by 4.5 and 6.75."""
    assert_by_hand(student, "SGD", "momentum=0.5", -0.5, -3.25)
    assert_by_hand(student, "SGD", "momentum=0.5, nesterov=True", -1.25, -4.625)
    assert_by_hand(student, "SGD", "weight_decay=2.0", -1.5, -2.0)


@exercise("SGD", weight=1)
@given(
    slope=slopes("SGD", options({"nesterov": sampled_from([True])}, momentum=DECAY.filter(bool)))
)
def test_sgd_gains_speed(student, slope):
    """Down an even slope v is g, (1 + μ)g, (1 + μ + μ²)g, …: the ball gains speed."""
    mu, v, moves = slope.options["momentum"], 0.0, []
    for _ in range(slope.count):
        v = mu * v + slope.g
        ahead = slope.g + mu * v if "nesterov" in slope.options else v
        moves.append(slope.options["lr"] * ahead)
    slope.assert_moves(student, moves)


@exercise("SGD", weight=2)
@given(dtype=FLOATS)
def test_sgd_trains(student, dtype):
    """It works in a training loop, and its zero_grad leaves gradients of None or zeros."""
    assert_trains(student, "SGD", "momentum=0.5", dtype)


@exercise("SGD", weight=0)
def test_sgd_would_run_on_a_gpu(student):
    """It would run on a GPU: what it remembers is made where the parameter is."""
    student.probe.portable.two_steps("SGD", torch.ones(2, 3), torch.ones(2, 3))


# --- EMAMomentum ----------------------------------------------------------------------------------


@exercise("EMAMomentum", weight=3)
@given(scenario=scenarios(EMA, gaps=True))
def test_emamomentum_matches_pytorch(student, scenario):
    """Each step equals that of PyTorch's SGD with momentum β and the learning rate (1 − β)·lr."""
    assert_follows_pytorch(student, "EMAMomentum", scenario)


@exercise("EMAMomentum", weight=1)
def test_emamomentum_by_hand(student):
    """By hand: with β = ½ the averages are 1.5 and 2.75, half of a heavy ball's velocities."""
    assert_by_hand(student, "EMAMomentum", "beta=0.5", 0.25, -1.125)
    assert_by_hand(student, "EMAMomentum", "beta=0.75", 0.625, -0.15625)


@exercise("EMAMomentum", weight=1)
@given(slope=slopes("EMAMomentum", options({}, beta=DECAY)))
def test_average_tends_to_the_gradient(student, slope):
    """Down an even slope the average is (1 − βⁿ)·g after n steps: it starts low and tends to g."""
    lr, beta = slope.options["lr"], slope.options["beta"]
    slope.assert_moves(student, [lr * (1 - beta**n) * slope.g for n in range(1, slope.count + 1)])


@exercise("EMAMomentum", weight=2)
@given(dtype=FLOATS)
def test_emamomentum_trains(student, dtype):
    """It works in a training loop, and its zero_grad leaves gradients of None or zeros."""
    assert_trains(student, "EMAMomentum", "beta=0.5", dtype)


@exercise("EMAMomentum", weight=0)
def test_emamomentum_would_run_on_a_gpu(student):
    """It would run on a GPU: what it remembers is made where the parameter is."""
    student.probe.portable.two_steps("EMAMomentum", torch.ones(2, 3), torch.ones(2, 3))


# --- Adagrad --------------------------------------------------------------------------------------


@exercise("Adagrad", weight=3)
@given(scenario=scenarios(ADAGRAD, gaps=True))
def test_adagrad_matches_pytorch(student, scenario):
    """Each step equals that of PyTorch's torch.optim.Adagrad."""
    assert_follows_pytorch(student, "Adagrad", scenario)


@exercise("Adagrad", weight=1)
def test_adagrad_by_hand(student):
    """By hand: the roots are 3 and 5, so the steps are ½·3/3 and ½·4/5; a large ε comes on top."""
    assert_by_hand(student, "Adagrad", "eps=1e-10", 0.5, 0.1)
    assert_by_hand(student, "Adagrad", "eps=2.0", 0.7, 0.41428571428571426)


@exercise("Adagrad", weight=1)
@given(slope=slopes("Adagrad", options({"eps": EPS})))
def test_adagrad_slows_down(student, slope):
    """Down an even slope the n-th step is lr/√n in the direction of −g, but for ε."""
    lr, eps, g = slope.options["lr"], slope.options.get("eps", 1e-10), slope.g
    moves = [lr * g / (abs(g) * n**0.5 + eps) for n in range(1, slope.count + 1)]
    slope.assert_moves(student, moves)


@exercise("Adagrad", weight=2)
@given(dtype=FLOATS)
def test_adagrad_trains(student, dtype):
    """It works in a training loop, and its zero_grad leaves gradients of None or zeros."""
    assert_trains(student, "Adagrad", "eps=0.5", dtype)


@exercise("Adagrad", weight=0)
def test_adagrad_would_run_on_a_gpu(student):
    """It would run on a GPU: what it remembers is made where the parameter is."""
    student.probe.portable.two_steps("Adagrad", torch.ones(2, 3), torch.ones(2, 3))


# --- RMSprop --------------------------------------------------------------------------------------


@exercise("RMSprop", weight=3)
@given(scenario=scenarios(RMSPROP, gaps=True))
def test_rmsprop_matches_pytorch(student, scenario):
    """Each step equals that of PyTorch's torch.optim.RMSprop."""
    assert_follows_pytorch(student, "RMSprop", scenario)


@exercise("RMSprop", weight=1)
def test_rmsprop_by_hand(student):
    """By hand: with α = ¾ the roots are 1.5 and √5.6875, about 2.385; a large ε comes on top."""
    assert_by_hand(student, "RMSprop", "alpha=0.75", 0.0, -0.8386278693775346)
    assert_by_hand(student, "RMSprop", "alpha=0.75, eps=2.0", 4 / 7, 0.1153124190820658)


@exercise("RMSprop", weight=1)
@given(slope=slopes("RMSprop", options({"eps": EPS}, alpha=DECAY)))
def test_rmsprop_settles(student, slope):
    """Down an even slope the n-th step is lr/√(1 − αⁿ) in the direction of −g, but for ε."""
    lr, alpha = slope.options["lr"], slope.options["alpha"]
    eps, g = slope.options.get("eps", 1e-8), slope.g
    roots = [abs(g) * (1 - alpha**n) ** 0.5 for n in range(1, slope.count + 1)]
    slope.assert_moves(student, [lr * g / (root + eps) for root in roots])


@exercise("RMSprop", weight=2)
@given(dtype=FLOATS)
def test_rmsprop_trains(student, dtype):
    """It works in a training loop, and its zero_grad leaves gradients of None or zeros."""
    assert_trains(student, "RMSprop", "alpha=0.5, eps=0.5", dtype)


@exercise("RMSprop", weight=0)
def test_rmsprop_would_run_on_a_gpu(student):
    """It would run on a GPU: what it remembers is made where the parameter is."""
    student.probe.portable.two_steps("RMSprop", torch.ones(2, 3), torch.ones(2, 3))


# --- Adam -----------------------------------------------------------------------------------------


@exercise("Adam", weight=3)
@given(scenario=scenarios(ADAM, gaps=False))
def test_adam_matches_pytorch(student, scenario):
    """Each step equals that of PyTorch's torch.optim.Adam."""
    assert_follows_pytorch(student, "Adam", scenario)


@exercise("Adam", weight=1)
def test_adam_by_hand(student):
    """By hand: m̂ is 3 and 2.75/0.75, v̂ is 9 and 5.6875/0.4375 = 13; a large ε comes on top."""
    assert_by_hand(student, "Adam", "betas=(0.5, 0.75)", 0.5, -0.008475179873126737)
    assert_by_hand(student, "Adam", "betas=(0.5, 0.75), eps=2.0", 0.7, 0.37294325870177997)


@exercise("Adam", weight=1)
@given(slope=slopes("Adam", options({"eps": EPS}, betas=BETAS)))
def test_adam_goes_steadily(student, slope):
    """Down an even slope each step, the first too, is lr in the direction of −g, but for ε."""
    lr, eps, g = slope.options["lr"], slope.options.get("eps", 1e-8), slope.g
    slope.assert_moves(student, [lr * g / (abs(g) + eps)] * slope.count)


@exercise("Adam", weight=2)
@given(dtype=FLOATS)
def test_adam_trains(student, dtype):
    """It works in a training loop, and its zero_grad leaves gradients of None or zeros."""
    assert_trains(student, "Adam", "betas=(0.5, 0.75), eps=0.5", dtype)


@exercise("Adam", weight=0)
def test_adam_would_run_on_a_gpu(student):
    """It would run on a GPU: what it remembers is made where the parameter is."""
    student.probe.portable.two_steps("Adam", torch.ones(2, 3), torch.ones(2, 3))


# --- Adamax ---------------------------------------------------------------------------------------


@exercise("Adamax", weight=3)
@given(scenario=scenarios(ADAMAX, gaps=False))
def test_adamax_matches_pytorch(student, scenario):
    """Each step equals that of PyTorch's torch.optim.Adamax."""
    assert_follows_pytorch(student, "Adamax", scenario)


@exercise("Adamax", weight=1)
def test_adamax_by_hand(student):
    """By hand: u is 3 and then 4, the larger of ¾·3 and 4; ε is added to |g| before."""
    assert_by_hand(student, "Adamax", "betas=(0.5, 0.75)", 0.5, 0.041666666666666685)
    assert_by_hand(student, "Adamax", "betas=(0.5, 0.75), eps=2.0", 0.7, 0.39444444444444443)


@exercise("Adamax", weight=1)
@given(slope=slopes("Adamax", options({"eps": EPS}, betas=BETAS)))
def test_adamax_goes_steadily(student, slope):
    """Down an even slope each step, the first too, is lr in the direction of −g, but for ε."""
    lr, eps, g = slope.options["lr"], slope.options.get("eps", 1e-8), slope.g
    slope.assert_moves(student, [lr * g / (abs(g) + eps)] * slope.count)


@exercise("Adamax", weight=2)
@given(dtype=FLOATS)
def test_adamax_trains(student, dtype):
    """It works in a training loop, and its zero_grad leaves gradients of None or zeros."""
    assert_trains(student, "Adamax", "betas=(0.5, 0.99), eps=0.5", dtype)


@exercise("Adamax", weight=0)
def test_adamax_would_run_on_a_gpu(student):
    """It would run on a GPU: what it remembers is made where the parameter is."""
    student.probe.portable.two_steps("Adamax", torch.ones(2, 3), torch.ones(2, 3))

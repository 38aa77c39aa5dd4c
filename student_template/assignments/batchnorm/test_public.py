"""Public checks of `batchnorm`: PyTorch's own layers and autograd, laws, and the handout's example.

What is forbidden to your code is the oracle here: these calls run in the check, not in yours. The
two layers are driven by short programs; what one prints is compared with what it prints when
PyTorch's layer takes the place of yours. Each can be pasted into a file beside yours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from hypothesis.strategies import integers, sampled_from

from autograder.checks import (
    assert_close,
    assert_printed,
    assert_raises,
    assert_that,
    code,
    dims,
    exercise,
    given,
    printed_by,
    tensors,
)

FLOATS = sampled_from([torch.float32, torch.float64])
EPS = sampled_from([1.0, 4.0, 0.5])  # large: where it stands makes a difference
MOMENTA = sampled_from([0.25, 0.125, 0.75])
FLOAT32 = {"dtype": torch.float32, "terms": 2}

Shape = tuple[int, ...]


# --- what is drawn ---------------------------------------------------------------------------


@st.composite
def batches(draw: st.DrawFn, shape: Shape, dtype: Any, layouts: bool = True) -> torch.Tensor:
    """Quarters, around 0 or around 4."""
    low = draw(sampled_from([-8, 8]))
    return draw(tensors(shape, dtype=dtype, low=low, high=low + 16, layouts=layouts)) / 4


@st.composite
def affines(draw: st.DrawFn, features: int, dtype: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """γ and β: γ is −1, 0.5 or 2, never 1; β is a half, from −1.5 to 2, never 0."""
    some = {"dtype": dtype, "layouts": False}
    gamma = 0.5 + 1.5 * draw(tensors((features,), low=-1, high=1, **some))
    beta = 0.25 + draw(tensors((features,), low=-4, high=3, **some)) / 2
    return gamma, beta


@st.composite
def train_calls(draw: st.DrawFn, *, smallest: int = 2) -> tuple[torch.Tensor, ...]:
    """(x, gamma, beta) with N and D different; N is small, so that 1/N is not 1/(N − 1)."""
    n, d = draw(dims(2, smallest, 6))
    dtype = draw(FLOATS)
    return draw(batches((n, d), dtype)), *draw(affines(d, dtype))


@st.composite
def eval_calls(draw: st.DrawFn) -> tuple[torch.Tensor, ...]:
    """(x, mean, var, gamma, beta) with N and D different; N may be 1."""
    n, d = draw(dims(2, 1, 6))
    dtype = draw(FLOATS)
    x, mean = draw(batches((n, d), dtype)), draw(batches((d,), dtype))
    var = draw(tensors((d,), dtype=dtype, low=0, high=16)) / 4
    return x, mean, var, *draw(affines(d, dtype))


# --- programs that drive a layer -------------------------------------------------------------


@dataclass(frozen=True)
class Scenario:
    """What is done with a layer; it can be written as a program in either dtype.

    Args:
        name: the layer's class.
        features: its number of features, or channels.
        options: the other arguments that it is made with.
        affine: γ and β; empty where they are left as they are.
        steps: "train" or "eval", and the batch that goes through the layer in this mode.
    """

    name: str
    features: int
    options: dict[str, float]
    affine: tuple[torch.Tensor, ...]
    steps: list[tuple[str, torch.Tensor]]

    def lines(self, dtype: torch.dtype) -> list[str]:
        """The program: it prints each output, and the running statistics at the end."""
        lines = beginning(self.name, self.features, dtype, self.options)
        for name, value in zip(("weight", "bias"), self.affine, strict=False):
            lines.append(f"bn.{name}.data[:] = {code(value.to(dtype))}")
        last = "train"
        for mode, x in self.steps:
            lines += ["", f"bn.{mode}()"] if mode != last else []
            lines.append(f"print(bn({code(x.to(dtype))}))")
            last = mode
        return [*lines, "", "print(bn.running_mean)", "print(bn.running_var)"]

    @property
    def scale(self) -> float:
        """How large the numbers are that cancel: in the outputs, or in the running variance."""
        x = torch.cat([x.flatten() for _, x in self.steps])
        gamma, beta = self.affine or (torch.ones(1), torch.zeros(1))
        return max(reach(x, gamma, beta, self.options["eps"]), float(x.square().max()))


def beginning(name: str, features: int, dtype: torch.dtype, options: dict[str, float]) -> list[str]:
    """The lines that make a layer `bn`."""
    arguments = ", ".join([str(features), *(f"{key}={value}" for key, value in options.items())])
    double = ".double()" if dtype is torch.float64 else ""
    return [
        "import torch",
        f"from batchnorm import {name}",
        "",
        f"bn = {name}({arguments}){double}",
    ]


@st.composite
def inputs(draw: st.DrawFn, features: int, images: bool, smallest: int = 2) -> torch.Tensor:
    """A batch for a layer, small enough to be read."""
    sizes = draw(st.tuples(integers(1, 2), integers(1, 3))) if images else ()
    shape = (draw(integers(smallest, 4 - images)), features, *sizes)
    return draw(batches(shape, torch.float64, layouts=False))


@st.composite
def scenarios(draw: st.DrawFn, name: str) -> Scenario:
    """A layer that is trained, evaluated, and maybe trained or evaluated again."""
    images = name == "BatchNorm2d"
    features = draw(integers(1, 3))
    options = {"eps": draw(EPS), "momentum": draw(MOMENTA)}
    affine = draw(st.just(()) | affines(features, torch.float64))
    modes = ["train", "eval", *draw(st.lists(sampled_from(["train", "eval"]), max_size=2))]
    steps = [(m, draw(inputs(features, images, 2 if m == "train" else 1))) for m in modes]
    return Scenario(name, features, options, affine, steps)


# --- the size of rounding errors -------------------------------------------------------------


def reach(x: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor, eps: float) -> float:
    """How large the numbers are that cancel on the way to y.

    x − μ cancels, and a variance may be computed as E[x²] − μ². An error of it, relative to E[x²],
    becomes one of y, relative to E[x²]/(σ² + eps).
    """
    x, gamma, beta = x.double(), gamma.double(), beta.double()
    largest, squares = float(x.abs().max()), float(x.square().mean())
    root = eps**0.5
    return float(gamma.abs().max()) * largest / root * (1 + squares / eps) + float(beta.abs().max())


def rows(*values: list[float]) -> torch.Tensor:
    """A matrix in float32."""
    return torch.tensor(list(values), dtype=torch.float32)


def column(*values: float) -> torch.Tensor:
    """A batch of samples with one feature each."""
    return torch.tensor(values, dtype=torch.float32)[:, None]


def three(answer: Any, names: str) -> Any:
    """The three parts of an answer, in whatever sequence they came."""
    is_three = isinstance(answer, list | tuple) and len(answer) == 3
    assert_that(is_three, f"expected three tensors, {names}", answer)
    return answer


def two(answer: Any, names: str) -> Any:
    """The two parts of an answer, in whatever sequence they came."""
    is_two = isinstance(answer, list | tuple) and len(answer) == 2
    assert_that(is_two, f"expected two tensors, {names}", answer)
    return answer


def assert_named(name: str, actual: Any, expected: Any, **options: Any) -> None:
    """`assert_close`, and a failure says which part of an answer it speaks of."""
    try:
        assert_close(actual, expected, **options)
    except AssertionError as error:
        error.problem = f"{name}: {error.problem}"
        raise


# --- batchnorm_train -------------------------------------------------------------------------

TRAINED = "(y, mean, var)"


@exercise("batchnorm_train", weight=3)
@given(call=train_calls(), eps=EPS)
def test_batch_is_normalised_as_by_pytorch(student, call, eps):
    """y is that of PyTorch's F.batch_norm in training; mean and var are those it divides by."""
    x, gamma, beta = call
    n = len(x)
    y, mean, var = three(student.batchnorm_train(x, gamma, beta, eps), TRAINED)
    options = {"dtype": x.dtype, "terms": n}
    wide = x.double(), None, None, gamma.double(), beta.double()
    expected = F.batch_norm(*wide, training=True, eps=eps)
    assert_named("y", y, expected, **options, scale=reach(x, gamma, beta, eps))
    assert_named("mean", mean, x.double().mean(0), **options, scale=float(x.abs().max()))
    expected = x.double().var(0, correction=0)
    assert_named("var", var, expected, **options, scale=float(x.square().max()))


@exercise("batchnorm_train", weight=1)
def test_batch_by_hand(student):
    """The handout's example: 2 and 8 have the mean 5, the variance 9, and with eps 7 the root 4."""
    gamma, beta = torch.tensor([2.0]), torch.tensor([1.0])
    answer = student.batchnorm_train(column(2, 8), gamma, beta, eps=7.0)
    y, mean, var = three(answer, TRAINED)
    assert_named("y", y, column(-0.5, 2.5), **FLOAT32)
    assert_named("mean", mean, torch.tensor([5.0]), **FLOAT32)
    assert_named("var", var, torch.tensor([9.0]), **FLOAT32)


@exercise("batchnorm_train", weight=1)
@given(call=train_calls(smallest=3), factor=sampled_from([2.0, 0.25]), shift=sampled_from([0, 1]))
def test_unit_and_origin_do_not_matter(student, call, factor, shift):
    """Of s·x + t it makes the same y as of x, where eps becomes s²·eps."""
    x, gamma, beta = call
    changed = factor * x + shift
    wide = x.double(), None, None, gamma.double(), beta.double()
    expected = F.batch_norm(*wide, training=True, eps=2.0)
    answer = student.batchnorm_train(changed, gamma, beta, 2 * factor**2)
    scale = reach(changed, gamma, beta, 2 * factor**2)
    y = three(answer, TRAINED)[0]
    assert_named("y", y, expected, dtype=x.dtype, terms=len(x), scale=scale)


@exercise("batchnorm_train", weight=0)
def test_batchnorm_train_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.batchnorm_train(torch.ones(3, 2), torch.ones(2), torch.ones(2))


# --- update_running --------------------------------------------------------------------------


@exercise("update_running", weight=2)
@given(
    statistics=dims(1, 1, 5).flatmap(lambda d: tensors((2, *d), dtype=FLOATS)),
    options=st.fixed_dictionaries({}, optional={"momentum": MOMENTA}),
)
def test_running_moves_towards_the_batch(student, statistics, options):
    """It goes the way from the running value to the batch's, as far as the momentum says."""
    running, batch = statistics
    m = options.get("momentum", 0.1)
    expected = running.double() + m * (batch.double() - running.double())
    answer = student.update_running(running, batch, **options)
    assert_close(
        answer, expected, dtype=running.dtype, terms=2, scale=float(statistics.abs().max())
    )


@exercise("update_running", weight=1)
def test_running_by_hand(student):
    """A quarter of the new and three quarters of the old."""
    answer = student.update_running(torch.tensor([1.0, 8.0]), torch.tensor([5.0, 0.0]), 0.25)
    assert_close(answer, torch.tensor([2.0, 6.0]), **FLOAT32)


@exercise("update_running", weight=0)
def test_update_running_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.update_running(torch.zeros(2), torch.ones(2))


# --- batchnorm_eval --------------------------------------------------------------------------


@exercise("batchnorm_eval", weight=2)
@given(call=eval_calls(), eps=EPS)
def test_evaluation_matches_pytorch(student, call, eps):
    """y is that of PyTorch's F.batch_norm in evaluation, for one sample or many."""
    x, mean, var, gamma, beta = call
    expected = F.batch_norm(*(part.double() for part in call), training=False, eps=eps)
    # x and mean may be scaled apart, and cancel then
    root = (var.double() + eps).sqrt()
    sizes = gamma.abs() * (x.abs().amax(0) + mean.abs()) / root + beta.abs()
    scale = float(sizes.max())
    assert_close(
        student.batchnorm_eval(x, mean, var, gamma, beta, eps),
        expected, dtype=x.dtype, terms=2, scale=scale,
    )  # fmt: skip


@exercise("batchnorm_eval", weight=1)
def test_evaluation_by_hand(student):
    """The handout's example: mean 1.25 and variance 5.25, so that with eps 7 the root is 3.5."""
    statistics = torch.tensor([1.25]), torch.tensor([5.25])
    affine = torch.tensor([2.0]), torch.tensor([1.0])
    answer = student.batchnorm_eval(column(4.75), *statistics, *affine, 7.0)
    assert_close(answer, column(3.0), **FLOAT32)
    # a second sample changes nothing for the first one
    answer = student.batchnorm_eval(column(4.75, -2.25), *statistics, *affine, 7.0)
    assert_close(answer, column(3.0, -1.0), **FLOAT32)


@exercise("batchnorm_eval", weight=0)
def test_batchnorm_eval_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.batchnorm_eval(torch.ones(3, 2), *torch.ones(4, 2))


# --- batchnorm_backward ----------------------------------------------------------------------

GRADIENTS = "(dx, dgamma, dbeta)"


def gradient_sizes(dout: torch.Tensor, x: torch.Tensor, gamma: torch.Tensor, eps: float) -> Any:
    """How large the terms are that make up dx, dgamma and dbeta, where errors come from.

    x̂ errs relative to `size`, and enters dx twice.
    """
    size = reach(x, torch.ones(1), torch.zeros(1), eps)
    most, n = float(dout.abs().max()), dout.numel() // dout.shape[1]
    dx = most * float(gamma.abs().max()) / eps**0.5 * (1 + size)
    return dx, n * most * size, n * most


def assert_gradients(answer: Any, expected: Any, case: dict[str, Any]) -> None:
    """The three gradients are the `expected` ones."""
    parts = three(answer, GRADIENTS)
    for name, ours, theirs, size in zip(
        ("dx", "dgamma", "dbeta"), parts, expected, gradient_sizes(**case), strict=True
    ):
        assert_named(name, ours, theirs, dtype=case["x"].dtype, terms=len(case["x"]), scale=size)


def by_autograd(dout: torch.Tensor, x: torch.Tensor, gamma: torch.Tensor, eps: float) -> Any:
    """The gradients of PyTorch's F.batch_norm by autograd, in float64."""
    beta = torch.zeros_like(gamma)
    leaves = [part.detach().double().requires_grad_() for part in (x, gamma, beta)]
    y = F.batch_norm(leaves[0], None, None, *leaves[1:], training=True, eps=eps)
    return torch.autograd.grad(y, leaves, dout.double())


@st.composite
def backward_cases(draw: st.DrawFn) -> dict[str, Any]:
    """Arguments of `batchnorm_backward` with N and D different."""
    x, gamma, _ = draw(train_calls())
    dout = draw(tensors(x.shape, dtype=x.dtype, low=-4, high=4)) / 2
    return {"dout": dout, "x": x, "gamma": gamma, "eps": draw(EPS)}


@exercise("batchnorm_backward", weight=3)
@given(case=backward_cases())
def test_gradients_are_those_of_autograd(student, case):
    """dx, dgamma and dbeta are what PyTorch's autograd finds for its own batch norm."""
    assert_gradients(student.batchnorm_backward(**case), by_autograd(**case), case)


@exercise("batchnorm_backward", weight=1)
def test_gradients_by_hand(student):
    """The handout's example: of dout = (1, 3) little reaches x, most is undone by μ and σ²."""
    case = {"dout": column(1, 3), "x": column(2, 8), "gamma": torch.tensor([2.0]), "eps": 7.0}
    expected = column(-0.21875, 0.21875), torch.tensor([1.5]), torch.tensor([4.0])
    assert_gradients(student.batchnorm_backward(**case), expected, case)


@exercise("batchnorm_backward", weight=0.5)
@given(case=backward_cases())
def test_gradient_of_a_feature_adds_up_to_zero(student, case):
    """A step of all samples alike moves only μ: in each feature, dx adds up to 0."""
    dx, _, dbeta = three(student.batchnorm_backward(**case), GRADIENTS)
    x = case["x"]
    is_whole = isinstance(dx, torch.Tensor | np.ndarray) and tuple(dx.shape) == tuple(x.shape)
    assert_that(is_whole, f"dx: expected a tensor of shape {tuple(x.shape)}", dx)
    sums = torch.as_tensor(dx).sum(0)
    size = len(x) * gradient_sizes(**case)[0]
    zero = torch.zeros(x.shape[1])
    assert_named("the sums of dx", sums, zero, dtype=x.dtype, terms=2 * len(x), scale=size)
    # so that a dx of zeros alone is worth nothing
    expected = case["dout"].double().sum(0)
    size = float(case["dout"].abs().sum(0).max())
    assert_named("dbeta", dbeta, expected, dtype=x.dtype, terms=len(x), scale=size)


@exercise("batchnorm_backward", weight=0)
def test_batchnorm_backward_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.batchnorm_backward(*torch.ones(2, 3, 2), torch.ones(2))


# --- BatchNorm1d and BatchNorm2d -------------------------------------------------------------

BY_HAND = """\
import torch
from batchnorm import {name}

bn = {name}(1, eps=7.0, momentum=0.25)
bn.weight.data[:] = torch.tensor([2.0])
bn.bias.data[:] = torch.tensor([1.0])

print(bn(torch.{batch}))
print(bn.running_mean)
print(bn.running_var)

bn.eval()
print(bn(torch.{sample}))
print(bn.running_mean)
print(bn.running_var)
"""


def assert_by_hand(student: Any, name: str, batch: str, sample: str, shape: Shape) -> None:
    """The handout's example, in training and in evaluation."""
    printed = student.program(BY_HAND.format(name=name, batch=batch, sample=sample))
    mean, var = torch.tensor([1.25]), torch.tensor([5.25])
    y = torch.tensor([-0.5, 2.5]).reshape(shape)
    expected = [y, mean, var, torch.full([1] * len(shape), 3.0), mean, var]
    assert_printed(printed, expected, dtype=torch.float32, terms=2, scale=10)


def assert_as_pytorch(student: Any, scenario: Scenario, dtype: torch.dtype) -> None:
    """The program prints what it prints with PyTorch's layer."""
    oracle = {scenario.name: getattr(torch.nn, scenario.name)}
    expected = printed_by(scenario.lines(torch.float64), **oracle)
    printed = student.program(scenario.lines(dtype))
    assert_printed(printed, expected, dtype=dtype, terms=5, scale=scenario.scale)


def gradient_lines(scenario: Scenario, dtype: torch.dtype, dout: torch.Tensor) -> list[str]:
    """A program that sends `dout` back through the layer, and prints all gradients."""
    (_, x), *_ = scenario.steps
    return [
        *beginning(scenario.name, scenario.features, dtype, scenario.options),
        f"bn.weight.data[:] = {code(scenario.affine[0].to(dtype))}",
        f"x = {code(x.to(dtype))}.requires_grad_()",
        f"bn(x).backward({code(dout.to(dtype))})",
        "",
        "print(x.grad)",
        "print(bn.weight.grad)",
        "print(bn.bias.grad)",
    ]


@st.composite
def passes(draw: st.DrawFn, name: str) -> tuple[Scenario, torch.Tensor]:
    """One step of training, and what comes back."""
    features = draw(integers(1, 3))
    x = draw(inputs(features, name == "BatchNorm2d"))
    options = {"eps": draw(EPS)}
    affine = draw(affines(features, torch.float64))
    dout = draw(tensors(x.shape, dtype=torch.float64, low=-4, high=4, layouts=False)) / 2
    return Scenario(name, features, options, affine, [("train", x)]), dout


def assert_gradients_flow(student: Any, case: Any, dtype: torch.dtype) -> None:
    """The gradients are those that flow through PyTorch's layer."""
    scenario, dout = case
    (_, x), *_ = scenario.steps
    oracle = {scenario.name: getattr(torch.nn, scenario.name)}
    expected = printed_by(gradient_lines(scenario, torch.float64, dout), **oracle)
    printed = student.program(gradient_lines(scenario, dtype, dout))
    sizes = gradient_sizes(dout, x, scenario.affine[0], scenario.options["eps"])
    values = x.numel() // x.shape[1]
    assert_printed(printed, expected, dtype=dtype, terms=values, scale=max(sizes))


@exercise("BatchNorm1d", weight=3)
@given(scenario=scenarios("BatchNorm1d"), dtype=FLOATS)
def test_features_are_normalised_as_by_pytorch(student, scenario, dtype):
    """In training and in evaluation, outputs and running statistics are those of PyTorch's."""
    assert_as_pytorch(student, scenario, dtype)


@exercise("BatchNorm1d", weight=1)
def test_features_by_hand(student):
    """The handout's example: one batch of training, and then a sample in evaluation."""
    name, batch, sample = "BatchNorm1d", "tensor([[2.0], [8.0]])", "tensor([[4.75]])"
    assert_by_hand(student, name, batch, sample, (2, 1))


@exercise("BatchNorm1d", weight=2)
@given(case=passes("BatchNorm1d"), dtype=FLOATS)
def test_gradients_flow_through_features(student, case, dtype):
    """Autograd finds the same gradients of x, weight and bias as through PyTorch's layer."""
    assert_gradients_flow(student, case, dtype)


@exercise("BatchNorm1d", weight=2)
@given(features=integers(1, 3))
def test_one_sample_is_not_enough_to_train(student, features):
    """A single sample raises ValueError in training, and not in evaluation."""
    start = beginning("BatchNorm1d", features, torch.float32, {"eps": 3.0})
    call = f"print(bn(torch.ones(1, {features})))"
    printed = student.program([*start, "bn.eval()", call])
    assert_printed(printed, [torch.full((1, features), 0.5)], dtype=torch.float32)
    assert_raises(ValueError, lambda: student.program([*start, call]))


@exercise("BatchNorm2d", weight=3)
@given(scenario=scenarios("BatchNorm2d"), dtype=FLOATS)
def test_channels_are_normalised_as_by_pytorch(student, scenario, dtype):
    """In training and in evaluation, outputs and running statistics are those of PyTorch's."""
    assert_as_pytorch(student, scenario, dtype)


@exercise("BatchNorm2d", weight=1)
def test_channels_by_hand(student):
    """The handout's example: the two values may be pixels of one image, or of two."""
    one = "tensor([[[[2.0], [8.0]]]])", "tensor([[[[4.75]]]])"
    assert_by_hand(student, "BatchNorm2d", *one, (1, 1, 2, 1))
    two = "tensor([[[[2.0]]], [[[8.0]]]])", "tensor([[[[4.75]]]])"
    assert_by_hand(student, "BatchNorm2d", *two, (2, 1, 1, 1))


@exercise("BatchNorm2d", weight=2)
@given(case=passes("BatchNorm2d"), dtype=FLOATS)
def test_gradients_flow_through_channels(student, case, dtype):
    """Autograd finds the same gradients of x, weight and bias as through PyTorch's layer."""
    assert_gradients_flow(student, case, dtype)


@exercise("BatchNorm2d", weight=2)
@given(channels=integers(1, 3))
def test_one_pixel_is_not_enough_to_train(student, channels):
    """A single pixel raises ValueError in training, and not in evaluation."""
    start = beginning("BatchNorm2d", channels, torch.float32, {"eps": 3.0})
    call = f"print(bn(torch.ones(1, {channels}, 1, 1)))"
    printed = student.program([*start, "bn.eval()", call])
    assert_printed(printed, [torch.full((1, channels, 1, 1), 0.5)], dtype=torch.float32)
    assert_raises(ValueError, lambda: student.program([*start, call]))


# --- fold_batchnorm --------------------------------------------------------------------------


@st.composite
def folds(draw: st.DrawFn) -> tuple[torch.Tensor | None, ...]:
    """(conv_weight, conv_bias, mean, var, gamma, beta), with O and C different."""
    o, c = draw(dims(2, 1, 4))
    kernel = draw(st.tuples(integers(1, 3), integers(1, 3)))
    dtype = draw(FLOATS)
    weight = draw(tensors((o, c, *kernel), dtype=dtype, low=-4, high=4, layouts=False)) / 4
    bias = draw(st.none() | tensors((o,), dtype=dtype, low=-4, high=4, layouts=False))
    mean = draw(tensors((o,), dtype=dtype, low=-8, high=8)) / 4
    var = draw(tensors((o,), dtype=dtype, low=0, high=16)) / 4
    return weight, bias, mean, var, *draw(affines(o, dtype))


@exercise("fold_batchnorm", weight=3)
@given(call=folds(), eps=EPS)
def test_folded_convolution_does_both(student, call, eps):
    """The folded convolution gives what convolution and PyTorch's batch norm give together."""
    conv_weight, conv_bias, *batch_norm = call
    mean, var, gamma, beta = (part.double() for part in batch_norm)
    start = torch.zeros_like(mean) if conv_bias is None else conv_bias.double()
    # both are affine: where x is all zeros they give the bias; a single one in x adds a weight
    taps = torch.cat([start[None], conv_weight.double().flatten(1).T + start])
    outputs = F.batch_norm(taps, mean, var, gamma, beta, eps=eps)
    expected = (outputs[1:] - outputs[0]).T.reshape(conv_weight.shape), outputs[0]
    answer = student.fold_batchnorm(conv_weight, conv_bias, *batch_norm, eps)
    weight, bias = two(answer, "(weight, bias)")
    options = {"dtype": conv_weight.dtype, "terms": 2}
    assert_named("weight", weight, expected[0], **options)
    sizes = (start.abs() + mean.abs()) * gamma.abs() / (var + eps).sqrt() + beta.abs()
    assert_named("bias", bias, expected[1], **options, scale=float(sizes.max()))


@exercise("fold_batchnorm", weight=1)
def test_fold_by_hand(student):
    """The handout's example: the batch norm doubles what the convolution gives, less 1.5."""
    batch_norm = (
        torch.tensor([1.25]),
        torch.tensor([5.25]),
        torch.tensor([7.0]),
        torch.tensor([1.0]),
    )
    kernel = torch.tensor([[[[3.0, -1.0]]]])
    weight, bias = two(
        student.fold_batchnorm(kernel, torch.tensor([2.0]), *batch_norm, eps=7.0), "(weight, bias)"
    )
    assert_named("weight", weight, torch.tensor([[[[6.0, -2.0]]]]), **FLOAT32)
    assert_named("bias", bias, torch.tensor([2.5]), **FLOAT32)
    weight, bias = two(student.fold_batchnorm(kernel, None, *batch_norm, eps=7.0), "(weight, bias)")
    assert_named("bias", bias, torch.tensor([-1.5]), **FLOAT32)


@exercise("fold_batchnorm", weight=0)
def test_fold_batchnorm_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.fold_batchnorm(torch.ones(3, 2, 1, 1), None, *torch.ones(4, 3))

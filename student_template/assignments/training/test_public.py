"""Public checks of `training`: small models by hand, laws of means, and modes.

A model here is mostly one linear layer, written out, so that you can follow every number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from hypothesis import strategies as st
from hypothesis.strategies import booleans, integers, sampled_from
from torch.nn import functional as F

from autograder.checks import (
    Trained,
    assert_accurate,
    assert_equal,
    assert_printed,
    assert_that,
    code,
    exercise,
    given,
    goal_of,
    is_measured,
)
from autograder.data import load

# --- what is drawn: samples in batches, and a linear model -------------------------------------


@dataclass(frozen=True)
class Batches:
    """Samples of two features in batches, and the linear model that maps them to three logits."""

    batches: list[tuple[torch.Tensor, torch.Tensor]]
    weight: torch.Tensor
    bias: torch.Tensor

    @property
    def x(self) -> torch.Tensor:
        return torch.cat([x for x, _ in self.batches])

    @property
    def y(self) -> torch.Tensor:
        return torch.cat([y for _, y in self.batches])

    def logits(self) -> torch.Tensor:
        """Those of all samples, in float64."""
        return F.linear(self.x.double(), self.weight.double(), self.bias.double())

    def lines(self, name: str, *more: str, model: str = "nn.Linear(2, 3)") -> list[str]:
        """The beginning of a program: the model, and the loader."""
        linear = model.replace("nn.Linear(2, 3)", "linear")
        return [
            "import torch",
            "from torch import nn",
            f"from training import {name}",
            "",
            "linear = nn.Linear(2, 3)",
            f"linear.weight.data = {code(self.weight)}",
            f"linear.bias.data = {code(self.bias)}",
            f"model = {linear}",
            *loader(self.batches),
            *more,
        ]


def loader(batches: list[tuple[torch.Tensor, torch.Tensor]], name: str = "loader") -> list[str]:
    """A list of batches as lines of a program."""
    return [f"{name} = [", *(f"    ({code(x)}, {code(y)})," for x, y in batches), "]"]


EIGHTHS = integers(-16, 16).map(lambda n: n / 8)


@st.composite
def numbers(draw: st.DrawFn, *shape: int) -> torch.Tensor:
    """Multiples of an eighth, from −2 to 2: no sum of a few is rounded."""
    count = int(torch.tensor(shape).prod())
    drawn = draw(st.lists(EIGHTHS, min_size=count, max_size=count))
    return torch.tensor(drawn).reshape(shape)


@st.composite
def samples(draw: st.DrawFn, *, most: int = 4) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """One to `most` batches of one to three samples each."""
    sizes = draw(st.lists(integers(1, 3), min_size=1, max_size=most))
    labels = st.lists(integers(0, 2), min_size=3, max_size=3)
    return [(draw(numbers(n, 2)), torch.tensor(draw(labels)[:n])) for n in sizes]


@st.composite
def cases(draw: st.DrawFn, *, most: int = 4) -> Batches:
    """Samples in batches, and a model."""
    return Batches(draw(samples(most=most)), draw(numbers(3, 2)), draw(numbers(3)))


def mean_loss(case: Batches) -> torch.Tensor:
    """The cross-entropy of all samples in one batch, in float64."""
    return F.cross_entropy(case.logits(), case.y)


def accuracy(logits: torch.Tensor, y: torch.Tensor) -> float:
    """The percentage of samples whose largest logit is at their label."""
    return 100 * float((logits.argmax(1) == y).double().mean())


def untied(case: Batches) -> bool:
    """No sample has two largest logits, of which either might be taken."""
    top = case.logits().topk(2, dim=1).values
    return bool((top[:, 0] > top[:, 1]).all())


SPY = [
    "class Spy(nn.Module):",
    "    def forward(self, x):",
    "        print(self.training, torch.is_grad_enabled())",
    "        return x",
    "",
]


def spied(lines: list[str]) -> list[str]:
    """The same program with a layer that prints its mode, and whether gradients are recorded."""
    return [*lines[:3], "", *SPY, *lines[3:]]


# --- train_one_epoch ------------------------------------------------------------------------------

SGD = "optimizer = torch.optim.SGD(model.parameters(), lr={lr})"
EPOCH = "train_one_epoch(model, loader, nn.CrossEntropyLoss(), optimizer)"


@exercise("train_one_epoch", weight=3)
@given(case=cases())
def test_epoch_returns_the_mean_loss_of_the_samples(student, case):
    """With a learning rate of 0 it is the loss of all samples at once: large batches count more."""
    lines = case.lines("train_one_epoch", SGD.format(lr=0.0), f"print({EPOCH})")
    assert_printed(student.program(lines), [float(mean_loss(case))], dtype=torch.float32, scale=4)


@exercise("train_one_epoch", weight=2)
@given(case=cases(most=1), lr=sampled_from([0.5, 2.0]), epochs=integers(1, 3))
def test_a_batch_is_a_step_down_its_own_gradient(student, case, lr, epochs):
    """With a single batch each epoch goes to w − lr·∂L/∂w, whatever the gradient was before."""
    lines = case.lines("train_one_epoch", SGD.format(lr=lr), *[EPOCH] * epochs)
    lines += ["print(linear.weight)", "print(linear.bias)"]
    w, b = case.weight.double(), case.bias.double()
    for _ in range(epochs):
        w, b = w.detach().requires_grad_(), b.detach().requires_grad_()
        F.cross_entropy(F.linear(case.x.double(), w, b), case.y).backward()
        w, b = w - lr * w.grad, b - lr * b.grad
    expected = [w.detach(), b.detach()]
    assert_printed(student.program(lines), expected, dtype=torch.float32, terms=10, scale=16)


@exercise("train_one_epoch", weight=2)
@given(case=cases(), before=booleans())
def test_model_trains_in_training_mode(student, case, before):
    """Every forward pass is in training mode, with gradients, whatever the mode was before."""
    lines = case.lines("train_one_epoch", model="nn.Sequential(Spy(), nn.Linear(2, 3))")
    lines += [f"model.train({before})", SGD.format(lr=0.5), EPOCH]
    printed = student.program(spied(lines))
    assert_that(bool(printed), "the model was never called", printed)
    assert_that(
        all(mode == (True, True) for mode in printed),
        "expected training mode and gradients (True, True) each time",
        printed,
    )


# --- evaluate -------------------------------------------------------------------------------------

EVALUATE = "evaluate(model, loader, nn.CrossEntropyLoss())"


@exercise("evaluate", weight=3)
@given(case=cases().filter(untied))
def test_evaluation_is_that_of_all_samples_at_once(student, case):
    """How the samples are cut into batches makes no difference, to neither of the two numbers."""
    lines = case.lines("evaluate", f"accuracy, loss = {EVALUATE}", "print(accuracy)", "print(loss)")
    expected = [accuracy(case.logits(), case.y), float(mean_loss(case))]
    assert_printed(student.program(lines), expected, dtype=torch.float32, scale=[100.0, 4.0])


@exercise("evaluate", weight=2)
@given(case=cases(), before=booleans())
def test_model_is_in_evaluation_mode_and_then_as_before(student, case, before):
    """Every forward pass is in evaluation mode; then the model is in the mode that it was in."""
    lines = case.lines("evaluate", model="nn.Sequential(Spy(), nn.Linear(2, 3))")
    lines += [f"model.train({before})", EVALUATE, 'print("then", model.training)']
    printed = student.program(spied(lines))
    *during, after = printed
    assert_that(bool(during), "the model was never called", printed)
    assert_that(
        not any(training for training, _ in during),
        "the model was called in training mode: the first of the two should be False",
        printed,
    )
    assert_equal(after, ("then", before))


@exercise("evaluate", weight=1)
@given(case=cases())
def test_evaluation_records_no_gradients(student, case):
    """Gradients would cost memory and time: no forward pass records any."""
    lines = case.lines("evaluate", model="nn.Sequential(Spy(), nn.Linear(2, 3))")
    printed = student.program(spied([*lines, EVALUATE]))
    assert_that(bool(printed), "the model was never called", printed)
    assert_that(
        not any(recorded for _, recorded in printed),
        "gradients were recorded: the second of the two should be False",
        printed,
    )


@exercise("evaluate", weight=1)
def test_accuracy_is_in_percent(student):
    """By hand: three of four samples are right, that is 75.0."""
    case = Batches(
        [
            (torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 1.0]]), torch.tensor([0, 1, 2])),
            (torch.tensor([[0.0, 3.0]]), torch.tensor([1])),
        ],
        torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]),
        torch.zeros(3),
    )
    printed = student.program(case.lines("evaluate", f"print({EVALUATE}[0])"))
    assert_printed(printed, [75.0], dtype=torch.float32)


# --- per_class_accuracy ---------------------------------------------------------------------------

PER_CLASS = "print(per_class_accuracy(model, loader, 3).float())"


@exercise("per_class_accuracy", weight=2)
@given(case=cases().filter(untied))
def test_each_class_has_its_own_accuracy(student, case):
    """For each class the percentage of *its* samples that are right, NaN where there are none."""
    printed = student.program(case.lines("per_class_accuracy", PER_CLASS))
    right = case.logits().argmax(1) == case.y
    expected = torch.stack([100 * right[case.y == k].double().mean() for k in range(3)])
    assert_printed(printed, [expected], dtype=torch.float32, scale=100)


@exercise("per_class_accuracy", weight=1)
@given(case=cases(), before=booleans())
def test_classes_are_judged_in_evaluation_mode(student, case, before):
    """As in `evaluate`: evaluation mode, no gradients, and then the mode of before."""
    lines = case.lines("per_class_accuracy", model="nn.Sequential(Spy(), nn.Linear(2, 3))")
    lines += [f"model.train({before})", "per_class_accuracy(model, loader, 3)"]
    printed = student.program(spied([*lines, 'print("then", model.training)']))
    *during, after = printed
    assert_that(bool(during), "the model was never called", printed)
    assert_that(
        not any(any(mode) for mode in during),
        "expected evaluation mode and no gradients (False, False) each time",
        printed,
    )
    assert_equal(after, ("then", before))


# --- fit ------------------------------------------------------------------------------------------


@st.composite
def two(draw: st.DrawFn) -> tuple[Batches, Batches]:
    """A case to train on, and other samples for the same model."""
    case = draw(cases().filter(untied))
    other = Batches(draw(samples()), case.weight, case.bias)
    return case, other


def fit_lines(case: Batches, other: Batches, call: str, model: str = "nn.Linear(2, 3)") -> Any:
    """A program that fits, and prints the curves."""
    lines = case.lines("fit", *loader(other.batches, "val_loader"), model=model)
    return [*lines, f"curves = fit(model, loader, val_loader, {call})", "print(curves.float())"]


OPTIMIZERS = sampled_from(["adam", "sgd", "rmsprop"])


@exercise("fit", weight=2)
@given(both=two().filter(lambda both: untied(both[1])), epochs=integers(1, 3), name=OPTIMIZERS)
def test_curves_of_a_model_that_stands_still(student, both, epochs, name):
    """With a learning rate of 0 each row is accuracy and loss of training, then of validation."""
    case, other = both
    lines = fit_lines(case, other, f'epochs={epochs}, lr=0.0, optimizer="{name}"')
    row = [accuracy(case.logits(), case.y), float(mean_loss(case))]
    row += [accuracy(other.logits(), other.y), float(mean_loss(other))]
    expected = torch.tensor([row] * epochs, dtype=torch.float64)
    assert_printed(student.program(lines), [expected], dtype=torch.float32, scale=100)


@exercise("fit", weight=1)
@given(name=OPTIMIZERS, epochs=integers(10, 30))
def test_fit_learns(student, name, epochs):
    """Three samples that are easy to tell apart are all right in the end."""
    x, y = torch.tensor([[2.0, 0.0], [-2.0, 0.0], [0.0, 2.0]]), torch.tensor([0, 1, 2])
    case = Batches([(x[:2], y[:2]), (x[2:], y[2:])], torch.zeros(3, 2), torch.zeros(3))
    lines = fit_lines(case, case, f'epochs={epochs}, lr=0.1, optimizer="{name}"')
    [curves] = student.program([*lines[:-1], "print(curves.tolist())"])
    assert_that(len(curves) == epochs, f"expected {epochs} rows", curves)
    last = [float(number) for number in curves[-1]]
    assert_that(last[2] == 100.0, "expected a validation accuracy of 100.0 in the end", curves)
    assert_that(last[3] < 0.5, "expected a validation loss below 0.5 in the end", curves)


# --- train_mlp, train_cnn -------------------------------------------------------------------------


def assert_recognises(student: Any, name: str) -> None:
    """One training, on your machine: what it reaches on the images held out."""
    if is_measured():
        return
    data, goal = load(), goal_of(__file__, name)
    took = student.probe.train(name, data.train.x.clone(), data.train.y.clone(), 0)
    problem = f"{name} should return an nn.Module, and returned a {took['returned']}"
    assert_that(took["returned"] == "Module", problem, calls=False)
    logits = student.probe.answers(data.held_out.x)
    trained = Trained(0, logits, took["losses"].tolist(), float(took["epochs"]))
    assert_accurate(student, [trained], data.held_out.y, data.classes, goal)


@exercise("train_mlp", weight=0)
def test_mlp_with_one_seed(student):
    """What a training reaches; points come from three others, by the same images."""
    assert_recognises(student, "train_mlp")


@exercise("train_cnn", weight=0)
def test_cnn_with_one_seed(student):
    """What a training reaches; points come from three others, by the same images."""
    assert_recognises(student, "train_cnn")

"""Hidden checks of `training`: the reference's loop, its modes, and images that nobody has seen."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

import torch
from hypothesis import strategies as st
from hypothesis.strategies import booleans, integers, sampled_from

from autograder.checks import (
    assert_printed,
    assert_raises,
    assert_reaches,
    assert_that,
    budget,
    code,
    exercise,
    given,
    goal_of,
    training_seeds,
)
from autograder.data import load

# --- what is drawn: samples in batches, and models of them --------------------------------------

MODELS = {
    "linear": "linear",
    # a dropout that drops all, and a batch norm: what a forward pass gives depends on the mode
    "dropout": "nn.Sequential(nn.Dropout(1.0), linear)",
    "batch norm": "nn.Sequential(nn.BatchNorm1d(2, momentum=0.5), linear)",
    "hidden layer": "nn.Sequential(linear, nn.Tanh(), nn.Linear(3, 3))",
}


@dataclass(frozen=True)
class Batches:
    """Samples of two features in batches, and a model that maps them to three logits."""

    batches: list[tuple[torch.Tensor, torch.Tensor]]
    weight: torch.Tensor
    bias: torch.Tensor
    model: str

    def lines(self, name: str, *more: str) -> list[str]:
        """The beginning of a program: the model, in float64, and the loader."""
        lines = [
            "import torch",
            "from torch import nn",
            f"from training import {name}",
            "",
            "linear = nn.Linear(2, 3)",
            f"linear.weight.data = {code(self.weight)}",
            f"linear.bias.data = {code(self.bias)}",
            f"model = {MODELS[self.model]}",
        ]
        if self.model == "hidden layer":
            lines += ["model[2].weight.data = torch.eye(3)", "model[2].bias.data.zero_()"]
        return [*lines, "model.double()", *loader(self.batches), *more]


def loader(batches: list[tuple[torch.Tensor, torch.Tensor]], name: str = "loader") -> list[str]:
    """A list of batches as lines of a program."""
    return [f"{name} = [", *(f"    ({code(x)}, {code(y)})," for x, y in batches), "]"]


EIGHTHS = integers(-16, 16).map(lambda n: n / 8)


@st.composite
def numbers(draw: st.DrawFn, *shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Multiples of an eighth, from −2 to 2."""
    count = int(torch.tensor(shape).prod())
    drawn = draw(st.lists(EIGHTHS, min_size=count, max_size=count))
    return torch.tensor(drawn, dtype=dtype).reshape(shape)


@st.composite
def samples(draw: st.DrawFn) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """One to four batches of two to four samples, in float64."""
    sizes = draw(st.lists(integers(2, 4), min_size=1, max_size=4))
    labels = st.lists(integers(0, 2), min_size=4, max_size=4)
    return [
        (draw(numbers(n, 2, dtype=torch.float64)), torch.tensor(draw(labels)[:n])) for n in sizes
    ]


@st.composite
def cases(draw: st.DrawFn, models: tuple[str, ...] = tuple(MODELS)) -> Batches:
    """Samples in batches, and a model; no column of a batch is constant, as a batch norm minds."""
    batches = [
        (x + torch.arange(len(x), dtype=x.dtype)[:, None] / 3, y) for x, y in draw(samples())
    ]
    return Batches(batches, draw(numbers(3, 2)), draw(numbers(3)), draw(sampled_from(models)))


def assert_as_the_reference(student: Any, reference: Any, lines: list[str], **scales: Any) -> None:
    """A program in float64 prints what it prints with the reference."""
    expected = reference.program(lines)
    assert_printed(student.program(lines), expected, dtype=torch.float64, terms=30, **scales)


STATE = ["for value in model.state_dict().values():", "    print(value)"]
SINGLE = ["for value in model.state_dict().values():", "    print(value.float())"]

# --- train_one_epoch ------------------------------------------------------------------------------

EPOCH = "train_one_epoch(model, loader, nn.CrossEntropyLoss(), optimizer)"
RULES = sampled_from(["SGD(model.parameters(), lr=0.5)", "Adam(model.parameters(), lr=0.25)"])


@exercise("train_one_epoch", weight=4)
@given(case=cases(), rule=RULES, epochs=integers(1, 3), before=booleans())
def test_epochs_equal_the_reference(student, reference, case, rule, epochs, before):
    """The loss of each epoch, and all that the model has learnt and measured in the end."""
    lines = case.lines("train_one_epoch", f"model.train({before})")
    lines += [f"optimizer = torch.optim.{rule}", *[f"print({EPOCH})"] * epochs, *STATE]
    assert_as_the_reference(student, reference, lines, scale=10)


@exercise("train_one_epoch", weight=1)
@given(case=cases(("linear", "dropout")))
def test_epoch_asks_the_loss_that_it_is_given(student, reference, case):
    """`loss_fn` may be any function of logits and labels that gives a mean."""
    other = "def loss_fn(logits, y):\n    return (logits ** 2).sum(1).mean() + y.double().mean()"
    lines = case.lines("train_one_epoch", other)
    lines += ["optimizer = torch.optim.SGD(model.parameters(), lr=0.125)"]
    lines += ["print(train_one_epoch(model, loader, loss_fn, optimizer))", *STATE]
    assert_as_the_reference(student, reference, lines, scale=100)


@exercise("train_one_epoch", weight=1)
@given(case=cases(("linear",)))
def test_epoch_steps_the_optimizer_that_it_is_given(student, reference, case):
    """Parameters that are not the optimizer's stay; a step for each batch, and a Python float."""
    lines = case.lines("train_one_epoch")
    lines += ["optimizer = torch.optim.SGD([linear.bias], lr=0.5)", f"loss = {EPOCH}"]
    lines += ["print(type(loss).__name__)", "print(loss)", *STATE]
    assert_as_the_reference(student, reference, lines, scale=10)


# --- evaluate -------------------------------------------------------------------------------------


@exercise("evaluate", weight=4)
@given(case=cases(), before=booleans())
def test_evaluation_equals_the_reference(student, reference, case, before):
    """Accuracy and loss, and a model that is afterwards what it was: its mode, its statistics."""
    lines = case.lines("evaluate", f"model.train({before})")
    lines += ["accuracy, loss = evaluate(model, loader, nn.CrossEntropyLoss())"]
    lines += ["print(accuracy)", "print(loss)", "print(model.training)", *STATE]
    assert_as_the_reference(student, reference, lines, scale=100)


@exercise("evaluate", weight=1)
@given(case=cases(("linear",)))
def test_evaluation_asks_the_loss_that_it_is_given(student, reference, case):
    """`loss_fn` may be any function of logits and labels that gives a mean."""
    other = "def loss_fn(logits, y):\n    return (logits ** 2).sum(1).mean() + y.double().mean()"
    lines = case.lines("evaluate", other, "accuracy, loss = evaluate(model, loader, loss_fn)")
    lines += ["print(type(accuracy).__name__, type(loss).__name__)", "print(accuracy)"]
    assert_as_the_reference(student, reference, [*lines, "print(loss)"], scale=100)


@exercise("evaluate", weight=1)
@given(case=cases(("linear", "hidden layer")))
def test_evaluation_leaves_gradients_alone(student, reference, case):
    """What is in .grad stays as it is: an evaluation may come between backward and step."""
    lines = case.lines("evaluate")
    lines += ["for p in model.parameters():", "    p.grad = torch.ones_like(p)"]
    lines += ["evaluate(model, loader, nn.CrossEntropyLoss())"]
    lines += ["for p in model.parameters():", "    print(p.grad)"]
    assert_as_the_reference(student, reference, lines)


# --- per_class_accuracy ---------------------------------------------------------------------------


@exercise("per_class_accuracy", weight=3)
@given(case=cases(), before=booleans(), more=integers(0, 2))
def test_classes_equal_the_reference(student, reference, case, before, more):
    """Also where there are classes without a sample; and the model is afterwards what it was."""
    classes = f"per_class_accuracy(model, loader, {3 + more})"
    lines = case.lines("per_class_accuracy", f"model.train({before})")
    lines += [f"print({classes}.float())", "print(model.training)", *SINGLE]
    assert_printed(student.program(lines), reference.program(lines), dtype=torch.float32, scale=100)


# --- fit ------------------------------------------------------------------------------------------

OPTIMIZERS = sampled_from(["adam", "sgd", "rmsprop"])


@exercise("fit", weight=4)
@given(case=cases(), other=samples(), epochs=integers(1, 3), name=OPTIMIZERS)
def test_fit_equals_the_reference(student, reference, case, other, epochs, name):
    """The curves of validation, and all that the model has learnt and measured in the end."""
    call = f'fit(model, loader, val_loader, epochs={epochs}, lr=0.125, optimizer="{name}")'
    lines = case.lines("fit", *loader(other, "val_loader"), f"curves = {call}")
    lines += ["print(tuple(curves.shape))", "print(curves[:, 2].float())"]
    weights = [*lines, *SINGLE]
    assert_printed(
        student.program(weights), reference.program(weights), dtype=torch.float32, terms=30,
        scale=100,
    )  # fmt: skip


@exercise("fit", weight=2)
@given(case=cases(("linear", "hidden layer")), other=samples(), name=OPTIMIZERS)
def test_curves_of_loss_equal_the_reference(student, reference, case, other, name):
    """The losses of validation after each of three epochs."""
    call = f'fit(model, loader, val_loader, epochs=3, lr=0.125, optimizer="{name}")'
    lines = case.lines("fit", *loader(other, "val_loader"), f"curves = {call}")
    lines += ["print(curves[:, 3].float())"]
    assert_printed(
        student.program(lines), reference.program(lines), dtype=torch.float32, terms=30, scale=10
    )


@exercise("fit", weight=1)
@given(case=cases(("linear",)), name=sampled_from(["Adam", "momentum", ""]))
def test_fit_refuses_what_is_no_optimizer(student, case, name):
    """An `optimizer` that there is not raises ValueError."""
    call = f'fit(model, loader, loader, epochs=1, lr=0.125, optimizer="{name}")'
    assert_raises(ValueError, lambda: student.program(case.lines("fit", call)))


# --- train_mlp, train_cnn -------------------------------------------------------------------------

EPOCHS = 20  # the budget
TIMES = 10  # as long as the reference


def accuracy_of(student: Any, name: str, data: Any, seed: int, seconds: float) -> float:
    """Train, and judge by the images held out: the percentage that is right."""
    took = student.probe.train(name, data.train.x.clone(), data.train.y.clone(), seed)
    returned = took["returned"]
    assert_that(returned == "Module", "expected an nn.Module", f"a {returned}")
    assert_that(
        took["devices"] in ([], ["cpu"]),
        "the model is not on the device that was asked for: cpu",
        took["devices"],
    )
    epochs = took["seen"] / len(data.train.y)
    assert_that(epochs <= EPOCHS, f"the budget is {EPOCHS} epochs; it took {epochs:.1f}")
    assert_that(
        took["seconds"] <= seconds,
        f"the budget is {seconds:.0f} s of CPU time here; it took {took['seconds']:.0f} s",
    )
    logits = student.probe.answers(data.held_out.x)
    return judged(logits, data.held_out.y)


def judged(logits: Any, y: torch.Tensor) -> float:
    """The accuracy of what a model gives for the images held out, if these are logits."""
    is_tensor = isinstance(logits, torch.Tensor)
    assert_that(is_tensor, "the model should give a tensor", f"a {type(logits).__name__}")
    shape = tuple(logits.shape)
    assert_that(
        shape == (len(y), 10), f"the model should give {(len(y), 10)} logits for as many images",
        shape,
    )  # fmt: skip
    assert_that(logits.is_floating_point(), "logits should be floating-point", logits.dtype)
    assert_that(bool(logits.isfinite().all()), "logits should be finite, not NaN or infinite")
    sums = logits.double().sum(1)
    are_probabilities = bool((logits >= 0).all() and (sums - 1).abs().max() < 1e-3)
    assert_that(
        not are_probabilities,
        "the model gives probabilities: each row adds up to 1. Cross-entropy takes the softmax "
        "itself, and twice is once too often",
    )
    loss = float(torch.nn.functional.cross_entropy(logits.double(), y))
    assert_that(loss < 1, f"the mean cross-entropy on images held out is {loss:.2f}, not below 1")
    return 100 * float((logits.argmax(1) == y).double().mean())


def assert_accurate(student: Any, reference: Any, name: str) -> None:
    """The median accuracy of three seeds earns the points, from the floor to the threshold."""
    data = load()
    goal = goal_of(__file__, name)
    seconds = budget(TIMES, lambda: reference.probe.train(name, *data.train, 0)["seconds"])
    seeds = training_seeds()
    found = [accuracy_of(student, name, data, seed, seconds) for seed in seeds]
    accuracy = statistics.median(found)
    error = (accuracy * (100 - accuracy) / len(data.held_out.y)) ** 0.5
    assert_reaches(
        accuracy,
        goal.threshold,
        floor=goal.floor,
        problem=f"the accuracy on {len(data.held_out.y):,} images held out is {accuracy:.1f}% "
        f"(± {error:.1f}; the median of seeds {seeds}), and all points are earned from "
        f"{goal.threshold:g}% on: hardly any right training falls short of that "
        f"(fewer than {goal.false_fail:.2%})",
        actual=[round(a, 1) for a in found],
    )


@exercise("train_mlp", weight=3)
def test_mlp_recognises_digits(student, reference):
    """Images that it has not seen are recognised, at the median of three seeds."""
    assert_accurate(student, reference, "train_mlp")


@exercise("train_cnn", weight=3)
def test_cnn_recognises_digits(student, reference):
    """Images that it has not seen are recognised, at the median of three seeds."""
    assert_accurate(student, reference, "train_cnn")

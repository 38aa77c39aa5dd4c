"""Hidden checks of `training`: the reference's loop, its modes, and images that nobody has seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from hypothesis import strategies as st
from hypothesis.strategies import booleans, integers, sampled_from

from autograder.checks import (
    Trained,
    assert_accurate,
    assert_logits,
    assert_printed,
    assert_raises,
    assert_that,
    code,
    exercise,
    given,
    goal_of,
    is_measured,
    training_device,
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


def assert_accuracy_and_more(
    student: Any, reference: Any, lines: list[str], *, scale: float
) -> None:
    """The same, where the first is an accuracy: hits have no dtype, and may be added in float32."""
    expected = reference.program(lines)
    more = len(expected) - 1
    dtypes, scales = [torch.float32, *[torch.float64] * more], [100.0, *[scale] * more]
    assert_printed(student.program(lines), expected, dtype=dtypes, terms=30, scale=scales)


def assert_not_seeded(student: Any, lines: list[str], call: str) -> None:
    """Random numbers after a call depend on the seed that was set before it."""
    seeded = [["torch.manual_seed(5)", call, "print(torch.rand(4))"],
              ["torch.manual_seed(6)", call, "print(torch.rand(4))"]]  # fmt: skip
    printed = student.program([*lines, *seeded[0], *seeded[1]])
    problem = "the same random numbers after it, whichever seed was set before: does it set one?"
    assert_that(len({str(numbers) for numbers in printed}) == 2, problem, printed)


CAN_LEARN = ["print([p.requires_grad for p in model.parameters()])"]
CAN_LEARN += ["print(torch.is_grad_enabled())"]
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


@exercise("train_one_epoch", weight=0.5)
@given(case=cases(("linear", "hidden layer")))
def test_epoch_sets_no_seed(student, case):
    """With a seed of its own every epoch would shuffle and drop alike."""
    made = "optimizer = torch.optim.SGD(model.parameters(), lr=0.5)"
    assert_not_seeded(student, case.lines("train_one_epoch", made), EPOCH)


# --- evaluate -------------------------------------------------------------------------------------


@exercise("evaluate", weight=4)
@given(case=cases(), before=booleans())
def test_evaluation_equals_the_reference(student, reference, case, before):
    """Accuracy and loss, and a model that is afterwards what it was: its mode, its statistics."""
    lines = case.lines("evaluate", f"model.train({before})")
    lines += ["accuracy, loss = evaluate(model, loader, nn.CrossEntropyLoss())"]
    lines += ["print(accuracy)", "print(loss)", "print(model.training)", *STATE]
    assert_accuracy_and_more(student, reference, lines, scale=10)


@exercise("evaluate", weight=1)
@given(case=cases(("linear",)))
def test_evaluation_asks_the_loss_that_it_is_given(student, reference, case):
    """`loss_fn` may be any function of logits and labels that gives a mean."""
    other = "def loss_fn(logits, y):\n    return (logits ** 2).sum(1).mean() + y.double().mean()"
    lines = case.lines("evaluate", other, "accuracy, loss = evaluate(model, loader, loss_fn)")
    lines += ["print(accuracy)", "print(loss)"]
    lines += ["print(type(accuracy).__name__, type(loss).__name__)"]
    assert_accuracy_and_more(student, reference, lines, scale=100)


@exercise("evaluate", weight=1)
@given(case=cases(("linear", "hidden layer")))
def test_evaluation_leaves_gradients_alone(student, reference, case):
    """What is in .grad stays as it is: an evaluation may come between backward and step.

    And training goes on after it: parameters want gradients, and they are recorded.
    """
    lines = case.lines("evaluate")
    lines += ["for p in model.parameters():", "    p.grad = torch.ones_like(p)"]
    lines += ["evaluate(model, loader, nn.CrossEntropyLoss())"]
    lines += ["for p in model.parameters():", "    print(p.grad)"]
    assert_as_the_reference(student, reference, [*lines, *CAN_LEARN])


# --- per_class_accuracy ---------------------------------------------------------------------------


@exercise("per_class_accuracy", weight=3)
@given(case=cases(), before=booleans(), more=integers(0, 2))
def test_classes_equal_the_reference(student, reference, case, before, more):
    """Also where there are classes without a sample; and the model is afterwards what it was."""
    classes = f"per_class_accuracy(model, loader, {3 + more})"
    lines = case.lines("per_class_accuracy", f"model.train({before})")
    lines += [f"print({classes}.float())", "print(model.training)", *SINGLE, *CAN_LEARN]
    assert_printed(student.program(lines), reference.program(lines), dtype=torch.float32, scale=100)


# --- fit ------------------------------------------------------------------------------------------

# the last one is what it is unless one is named
OPTIMIZERS = sampled_from([f', optimizer="{name}"' for name in ("adam", "sgd", "rmsprop")] + [""])


@exercise("fit", weight=4)
@given(case=cases(), other=samples(), epochs=integers(1, 3), name=OPTIMIZERS)
def test_fit_equals_the_reference(student, reference, case, other, epochs, name):
    """The curves of validation, and all that the model has learnt and measured in the end."""
    call = f"fit(model, loader, val_loader, epochs={epochs}, lr=0.125{name})"
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
    call = f"fit(model, loader, val_loader, epochs=3, lr=0.125{name})"
    lines = case.lines("fit", *loader(other, "val_loader"), f"curves = {call}")
    lines += ["print(curves[:, 3].float())"]
    assert_printed(
        student.program(lines), reference.program(lines), dtype=torch.float32, terms=30, scale=10
    )


@exercise("fit", weight=0.5)
@given(case=cases(("linear", "hidden layer")), epochs=integers(1, 3))
def test_fit_sets_no_seed(student, case, epochs):
    """A seed is the caller's to set."""
    call = f"fit(model, loader, loader, epochs={epochs}, lr=0.125)"
    assert_not_seeded(student, case.lines("fit"), call)


@exercise("fit", weight=1)
@given(case=cases(("linear",)), name=sampled_from(["Adam", "momentum", ""]))
def test_fit_refuses_what_is_no_optimizer(student, case, name):
    """An `optimizer` that there is not raises ValueError."""
    call = f'fit(model, loader, loader, epochs=1, lr=0.125, optimizer="{name}")'
    assert_raises(ValueError, lambda: student.program(case.lines("fit", call)))


# --- train_mlp, train_cnn -------------------------------------------------------------------------


def trained(student: Any, name: str, data: Any, seed: int) -> Trained:
    """Train within the budget, and ask the model about the images held out."""
    x, y, device = data.train.x.clone(), data.train.y.clone(), training_device()
    took = student.probe.train(name, x, y, seed, device)
    assert_module(took["returned"], name)
    assert_that(
        took["devices"] in ([], [device]),
        f"{name} returned a model on {took['devices']}: it was asked for one on {device}",
        calls=False,
    )
    logits = student.probe.answers(data.held_out.x, device)
    return Trained(seed, logits, took["losses"].tolist(), float(took["epochs"]))


def assert_module(returned: str, name: str) -> None:
    """What a training returned, by the name of its type, is a model."""
    problem = f"{name} should return an nn.Module, and returned a {returned}"
    assert_that(returned == "Module", problem, calls=False)


def assert_recognises(student: Any, name: str) -> None:
    """The median accuracy of three seeds earns the points, from the floor to the threshold."""
    data, goal = load(), goal_of(__file__, name)
    found = [trained(student, name, data, seed) for seed in training_seeds()]
    assert_accurate(student, found, data.held_out.y, data.classes, goal)


def assert_sound(student: Any, name: str) -> None:
    """The same seed gives the same model, and cross-entropy is not asked of probabilities."""
    if is_measured():
        return
    data = load()
    x, y, held_out = data.train.x.clone(), data.train.y.clone(), data.held_out
    device = training_device()
    first = trained(student, name, data, seed=1).logits
    asked, of_probabilities = student.probe.losses_of_probabilities(name, x, y, 1, device)
    again = student.probe.answers(held_out.x, device)
    assert_logits(first, held_out.y, data.classes)
    assert_logits(again, held_out.y, data.classes)
    accuracy = 100 * float((first.argmax(1) == held_out.y).double().mean())
    assert_that(
        accuracy > goal_of(__file__, name).floor,
        f"hardly anything was learnt: {accuracy:.1f}% of the images held out are recognised",
        calls=False,
    )
    assert_that(
        of_probabilities < max(1, asked),
        "cross-entropy was given probabilities each time, and takes the softmax itself: with one "
        "before it the loss can't fall below ln(e + 9) − 1 = 1.46, and its gradients are small",
        calls=False,
    )
    apart, size = float((first - again).abs().max()), float(first.abs().max())
    assert_that(
        apart <= 1e-2 * size,
        f"two trainings with one seed should give the same model, and give logits up to "
        f"{size:.2g} that differ by up to {apart:.2g}: is there something random that the seed "
        "does not decide?",
        calls=False,
    )


@exercise("train_mlp", weight=2)
def test_mlp_recognises_digits(student):
    """Images that it has not seen are recognised, at the median of three seeds."""
    assert_recognises(student, "train_mlp")


@exercise("train_mlp", weight=1)
def test_mlp_training_is_sound(student):
    """The seed decides all that is random, and the loss is asked of logits."""
    assert_sound(student, "train_mlp")


@exercise("train_cnn", weight=2)
def test_cnn_recognises_digits(student):
    """Images that it has not seen are recognised, at the median of three seeds."""
    assert_recognises(student, "train_cnn")


@exercise("train_cnn", weight=1)
def test_cnn_training_is_sound(student):
    """The seed decides all that is random, and the loss is asked of logits."""
    assert_sound(student, "train_cnn")

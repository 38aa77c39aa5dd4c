"""Public checks of `schedules`: PyTorch's schedulers, stepped one by one, and examples by hand."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.strategies import integers, lists, sampled_from
from torch.optim import lr_scheduler

from autograder.checks import assert_close, assert_printed, assert_that, exercise, given

RATES = sampled_from([1.0, 0.5, 0.1, 0.01])
DECAYS = sampled_from([0.5, 0.25, 0.1, 0.02])
BOUNDS = sampled_from([(0.0, 1.0), (0.125, 1.0), (0.1, 0.5), (0.001, 0.1), (0.25, 2.0)])


def stepped(
    lr: float, steps: int, scheduler: Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler]
) -> float:
    """The learning rate that one of PyTorch's schedulers has set after some steps."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=lr)
    with warnings.catch_warnings(action="ignore"):  # it misses the optimizer's steps
        schedule = scheduler(optimizer)
        for _ in range(steps):
            schedule.step()
    return float(optimizer.param_groups[0]["lr"])


def number(answer: object) -> float:
    """A learning rate that came back, as a float."""
    plain = isinstance(answer, int | float) and not isinstance(answer, bool)
    scalar = isinstance(answer, torch.Tensor | np.ndarray) and answer.ndim == 0
    assert_that(plain or scalar, "expected a number", answer)
    return float(answer)


# --- exponential_decay -----------------------------------------------------------------------


@exercise("exponential_decay")
def test_exponential_by_hand(student):
    """With k = ln 2 the learning rate is halved with every step."""
    for step, lr in enumerate([0.5, 0.25, 0.125, 0.0625]):
        assert_close(student.exponential_decay(0.5, math.log(2), step), lr)


@exercise("exponential_decay", weight=2)
@given(lr0=RATES, k=DECAYS, step=integers(0, 40))
def test_exponential_equals_pytorch(student, lr0, k, step):
    """The rate is that of PyTorch's ExponentialLR, which multiplies by γ = e^(−k) in each step."""
    expected = stepped(lr0, step, lambda o: lr_scheduler.ExponentialLR(o, gamma=math.exp(-k)))
    # one may multiply step by step too, and in float32
    assert_close(student.exponential_decay(lr0, k, step), expected, terms=step + 1)


# --- inverse_time_decay ----------------------------------------------------------------------


@exercise("inverse_time_decay")
def test_inverse_by_hand(student):
    """Of k = ½ come the fractions 1, ⅔, ½, ⅖ of the first learning rate."""
    for step, lr in enumerate([1.0, 2 / 3, 1 / 2, 2 / 5]):
        assert_close(student.inverse_time_decay(1.0, 0.5, step), lr)


@exercise("inverse_time_decay", weight=2)
@given(lr0=RATES, k=DECAYS, step=integers(0, 200))
def test_one_over_the_rate_grows_evenly(student, lr0, k, step):
    """One over the learning rate begins at 1/η₀ and grows by k/η₀ with each step."""
    lr = number(student.inverse_time_decay(lr0, k, step))
    assert_that(lr > 0, "a learning rate is above 0", lr)
    assert_close(1 / lr, 1 / lr0 + step * (k / lr0))


# --- triangular ------------------------------------------------------------------------------


@exercise("triangular")
def test_triangle_by_hand(student):
    """Four steps up from 0.125 to 0.625 and four down, then up again."""
    up, down = [0.125, 0.25, 0.375, 0.5], [0.625, 0.5, 0.375, 0.25]
    for step, lr in enumerate(up + down + up):
        assert_close(student.triangular(0.125, 0.625, 4, step), lr)


@exercise("triangular", weight=2)
@given(bounds=BOUNDS, half_cycle=integers(1, 8), step=integers(0, 40))
def test_triangle_equals_pytorch(student, bounds, half_cycle, step):
    """The rate is that of PyTorch's CyclicLR after as many steps."""
    lr_min, lr_max = bounds
    expected = stepped(
        lr_min,
        step,
        lambda o: lr_scheduler.CyclicLR(o, lr_min, lr_max, half_cycle, cycle_momentum=False),
    )
    answer = student.triangular(lr_min, lr_max, half_cycle, step)
    assert_close(answer, expected, scale=lr_max)


# --- cosine_restarts -------------------------------------------------------------------------


@exercise("cosine_restarts")
def test_cosine_by_hand(student):
    """In a period of 3 the rate falls from 1 by ¼ and by ½, then the next period begins at 1."""
    for step, lr in enumerate([1.0, 0.75, 0.25, 1.0, 0.75, 0.25, 1.0]):
        assert_close(student.cosine_restarts(0.0, 1.0, 3, step), lr)


@exercise("cosine_restarts", weight=2)
@given(bounds=BOUNDS, period=integers(1, 6), mult=integers(1, 3), step=integers(0, 40))
def test_cosine_equals_pytorch(student, bounds, period, mult, step):
    """The rate is that of PyTorch's CosineAnnealingWarmRestarts after as many steps."""
    lr_min, lr_max = bounds
    # Stepped one by one it counts. Asked for a step at once, as in `step(121)`, it takes a
    # logarithm and misses some restarts.
    expected = stepped(
        lr_max,
        step,
        lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, period, mult, eta_min=lr_min),
    )
    answer = student.cosine_restarts(lr_min, lr_max, period, step, mult)
    assert_close(answer, expected, scale=lr_max)


# --- EarlyStopping ---------------------------------------------------------------------------


@exercise("EarlyStopping")
def test_stopping_by_hand(student):
    """Two updates in a row that are not below the best by more than ¼ make it stop."""
    lines = [
        "from schedules import EarlyStopping",
        "",
        "stopper = EarlyStopping(patience=2, min_delta=0.25)",
        "for loss in [2.0, 1.75, 1.5, 1.25, 1.0]:",
        "    print(stopper.update(loss))",
        "print(stopper.best)",
        "print(stopper.best_epoch)",
    ]
    # 1.75 is not *below* 2 − ¼; 1.5 is; 1.25 is not below 1.5 − ¼, 1.0 is
    expected = [False, False, False, False, False, 1.0, 4]
    assert_printed(student.program(lines), expected)
    lines[3] = "for loss in [1.0, 1.0, 0.5, 0.75, 0.25]:"
    expected = [False, False, False, False, True, 0.5, 2]
    assert_printed(student.program(lines), expected)


@st.composite
def phases(draw: st.DrawFn) -> tuple[int, list[int]]:
    """A patience, and after how many updates without one each improvement comes."""
    patience = draw(integers(1, 4))
    return patience, draw(lists(integers(0, patience - 1), max_size=4))


@exercise("EarlyStopping", weight=2)
@given(drawn=phases(), rise=sampled_from([0.0, 0.5]), fall=sampled_from([0.5, 2.0**-20]))
def test_patience_begins_anew_with_each_improvement(student, drawn, rise, fall):
    """It stops after `patience` updates in a row without an improvement, and never before."""
    # without a min_delta the smallest fall is an improvement
    patience, waits = drawn
    losses, stops, best = [4.0], [False], 4.0
    for wait in waits:
        losses += [best + rise] * wait + [best - fall]
        stops += [False] * (wait + 1)
        best -= fall
    losses += [best + rise] * patience
    stops += [False] * (patience - 1) + [True]
    lines = [
        "from schedules import EarlyStopping",
        "",
        f"stopper = EarlyStopping(patience={patience})",
        f"for loss in {losses}:",
        "    print(stopper.update(loss))",
    ]
    assert_printed(student.program(lines), stops)

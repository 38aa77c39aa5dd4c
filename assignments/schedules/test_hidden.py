"""Hidden checks of `schedules`: the reference, the laws of each schedule, and the edges."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import example
from hypothesis import strategies as st
from hypothesis.strategies import integers, lists, sampled_from

from autograder.checks import (
    assert_close,
    assert_printed,
    assert_raises,
    assert_that,
    exercise,
    given,
)

RATES = sampled_from([1.0, 0.5, 0.1, 0.01, 3.0])
DECAYS = sampled_from([0.0, 0.5, 0.25, 0.1, 0.02, 0.001, 1.0, 2.0, 4.0])
BOUNDS = sampled_from(
    [(0.0, 1.0), (0.125, 1.0), (0.1, 0.5), (0.001, 0.1), (0.25, 2.0), (2.0, 3.0), (0.5, 0.5)]
)
BELOW_ONE = integers(-3, 0)


@st.composite
def decays(draw: st.DrawFn, most: int) -> tuple[float, int]:
    """A k, and a number of steps so small that float32 is far from its smallest numbers."""
    k = draw(DECAYS)
    return k, draw(integers(0, int(most / max(k, 1))))


@st.composite
def parts(draw: st.DrawFn, high: int) -> tuple[int, int]:
    """A number of steps up to `high`, and one of those between its ends."""
    whole = draw(integers(2, high))
    return whole, draw(integers(1, whole - 1))


def number(answer: object) -> float:
    """A learning rate that came back, as a float."""
    plain = isinstance(answer, int | float) and not isinstance(answer, bool)
    scalar = isinstance(answer, torch.Tensor | np.ndarray) and answer.ndim == 0
    assert_that(plain or scalar, "expected a number", answer)
    return float(answer)


# --- exponential_decay -----------------------------------------------------------------------


@exercise("exponential_decay", weight=2)
@given(lr0=RATES, decay=decays(60))
@example(lr0=1.0, decay=(0.001, 5000))  # deeper than Python lets a function call itself
@example(lr0=0.1, decay=(1.0, 1000))  # e^1000 is beyond all floats, e^(−1000) is 0
def test_exponential_equals_the_reference(student, reference, lr0, decay):
    """The rate is η₀·e^(−k·step), for slow decay, fast decay and none."""
    k, step = decay
    expected = reference.exponential_decay(lr0, k, step)
    # where it is 0, the smallest numbers of float32 are as good
    scale = max(expected, 1e-30)
    assert_close(student.exponential_decay(lr0, k, step), expected, terms=step + 1, scale=scale)


@exercise("exponential_decay")
@given(lr0=RATES, decay=decays(40), more=integers(1, 8))
def test_exponential_goes_on_from_any_step(student, reference, lr0, decay, more):
    """To decay from where a step left off is as good as to go on."""
    k, step = decay
    halfway = number(student.exponential_decay(lr0, k, step))
    expected = reference.exponential_decay(lr0, k, step + more)
    answer = student.exponential_decay(halfway, k, more)
    assert_close(answer, expected, terms=step + more + 1)


@exercise("exponential_decay")
@given(lr0=RATES, k=DECAYS)
def test_exponential_begins_at_lr0(student, lr0, k):
    """At step 0 nothing has decayed."""
    assert_close(student.exponential_decay(lr0, k, 0), lr0)


# --- inverse_time_decay ----------------------------------------------------------------------


@exercise("inverse_time_decay", weight=3)
@given(lr0=RATES, k=DECAYS, step=integers(0, 3000))
def test_inverse_equals_the_reference(student, reference, lr0, k, step):
    """The rate is η₀/(1 + k·step), for slow decay, fast decay and none."""
    expected = reference.inverse_time_decay(lr0, k, step)
    assert_close(student.inverse_time_decay(lr0, k, step), expected)


@exercise("inverse_time_decay")
@given(lr0=RATES, half_life=sampled_from([1, 2, 4, 32, 1024]))
def test_inverse_is_half_after_one_over_k(student, lr0, half_life):
    """At step 0 the rate is η₀, at step 1/k half of it, at step 3/k a quarter."""
    for step, share in ((0, 1), (half_life, 1 / 2), (3 * half_life, 1 / 4)):
        assert_close(student.inverse_time_decay(lr0, 1 / half_life, step), lr0 * share)


# --- triangular ------------------------------------------------------------------------------


@exercise("triangular", weight=3)
@given(bounds=BOUNDS, half_cycle=integers(1, 30), step=integers(0, 200))
@example(bounds=(0.125, 1.0), half_cycle=2, step=5003)  # too deep for a call per step or cycle
def test_triangle_equals_the_reference(student, reference, bounds, half_cycle, step):
    """The rate is on the straight line between the last bound and the next."""
    call = *bounds, half_cycle, step
    assert_close(student.triangular(*call), reference.triangular(*call), scale=bounds[1])


@exercise("triangular")
@given(bounds=BOUNDS, half_cycle=integers(1, 30), cycles=integers(0, 6))
def test_triangle_meets_its_corners(student, bounds, half_cycle, cycles):
    """Every cycle begins at lr_min, is at lr_max after half_cycle steps and ends at lr_min."""
    lr_min, lr_max = bounds
    for halves, lr in ((2 * cycles, lr_min), (2 * cycles + 1, lr_max), (2 * cycles + 2, lr_min)):
        answer = student.triangular(lr_min, lr_max, half_cycle, halves * half_cycle)
        assert_close(answer, lr, scale=lr_max)


@exercise("triangular")
@given(bounds=BOUNDS, drawn=parts(30))
def test_triangle_falls_as_it_rose(student, reference, bounds, drawn):
    """As many steps after the peak as before it, the rate is the same."""
    half_cycle, away = drawn
    expected = reference.triangular(*bounds, half_cycle, half_cycle - away)
    for step in (half_cycle - away, half_cycle + away):
        answer = student.triangular(*bounds, half_cycle, step)
        assert_close(answer, expected, scale=bounds[1])


@exercise("triangular", weight=0.5)
@given(half_cycle=BELOW_ONE, step=integers(0, 4))
def test_triangle_refuses_a_cycle_below_one(student, half_cycle, step):
    """A half cycle below 1 raises ValueError."""
    assert_raises(ValueError, lambda: student.triangular(0.0, 1.0, half_cycle, step))


# --- cosine_restarts -------------------------------------------------------------------------


@exercise("cosine_restarts", weight=3)
@given(bounds=BOUNDS, period=integers(1, 12), mult=integers(1, 4), step=integers(0, 200))
@example(bounds=(0.125, 1.0), period=2, mult=1, step=5003)  # too deep for a call per period
def test_cosine_equals_the_reference(student, reference, bounds, period, mult, step):
    """The rate is on the cosine wave of the period that the step falls into."""
    call = *bounds, period, step, mult
    assert_close(student.cosine_restarts(*call), reference.cosine_restarts(*call), scale=bounds[1])


# (mult, periods gone by): the logarithm of some is a little below the whole number
RESTARTS = sampled_from([(1, 1), (1, 40), (2, 1), (2, 9), (3, 3), (3, 5), (5, 3), (7, 3), (10, 3)])


@exercise("cosine_restarts", weight=5)
@given(bounds=BOUNDS, period=integers(1, 6), restart=RESTARTS)
def test_every_restart_is_at_lr_max(student, reference, bounds, period, restart):
    """The rate is back at lr_max when a period is over, and the step before ends that period."""
    mult, periods = restart
    step = sum(period * mult**i for i in range(periods))
    # the same call, with mult left out where that is the same
    rest = () if mult == 1 else (mult,)
    answer = student.cosine_restarts(*bounds, period, step, *rest)
    assert_close(answer, bounds[1], scale=bounds[1])
    before = student.cosine_restarts(*bounds, period, step - 1, *rest)
    expected = reference.cosine_restarts(*bounds, period, step - 1, mult)
    assert_close(before, expected, scale=bounds[1])


@exercise("cosine_restarts")
@given(bounds=BOUNDS, drawn=parts(50))
def test_cosine_falls_the_same_from_both_ends(student, bounds, drawn):
    """Two steps as far from the two ends of a period are as far below lr_max and above lr_min."""
    period, t = drawn
    begin = number(student.cosine_restarts(*bounds, period, t))
    end = student.cosine_restarts(*bounds, period, period - t)
    assert_close(end, sum(bounds) - begin, scale=bounds[1])


@exercise("cosine_restarts", weight=0.5)
@given(period=BELOW_ONE, step=integers(0, 4), mult=integers(1, 2))
def test_cosine_refuses_a_period_below_one(student, period, step, mult):
    """A period below 1 raises ValueError."""
    assert_raises(ValueError, lambda: student.cosine_restarts(0.0, 1.0, period, step, mult))


@exercise("cosine_restarts", weight=0.5)
@given(period=integers(1, 3), step=integers(0, 6), mult=BELOW_ONE)
def test_cosine_refuses_a_factor_below_one(student, period, step, mult):
    """A mult below 1 raises ValueError."""
    assert_raises(ValueError, lambda: student.cosine_restarts(0.0, 1.0, period, step, mult))


# --- EarlyStopping ---------------------------------------------------------------------------

# exact in binary, so that `best − min_delta` is exact too; few, so that losses come again; the
# plainest first, and some with more than two decimals
QUARTERS = [n / 4 for n in (*range(9), *range(-1, -5, -1))]
LOSSES = sampled_from(QUARTERS + [n / 64 for n in (1, 17, 33, 81, -47, -63)])
DELTAS = sampled_from([0.0, 0.25, 0.5, 1.0])


def driven(options: str, losses: list[float], *after: str, update: str = "") -> list[str]:
    """A program that tells an EarlyStopping some losses."""
    return [
        "from schedules import EarlyStopping",
        "",
        f"stopper = EarlyStopping({options})",
        f"for loss in {losses}:",
        f"    {update or 'stopper.update(loss)'}",
        *after,
    ]


@st.composite
def options(draw: st.DrawFn, patience: int = 4) -> str:
    """The arguments of an EarlyStopping, by position or by name; what is left out is 0."""
    count, delta = draw(integers(1, patience)), draw(DELTAS)
    if not delta:
        return draw(sampled_from([f"patience={count}", f"{count}"]))
    return draw(sampled_from([f"patience={count}, min_delta={delta}", f"{count}, {delta}"]))


def up_to_stop(reference, options: str, losses: list[float]) -> list[float]:
    """The losses up to the one that makes it stop: what comes after is not judged."""
    stops = reference.program(driven(options, losses, update="print(stopper.update(loss))"))
    return losses[: stops.index(True) + 1] if True in stops else losses


@exercise("EarlyStopping", weight=3)
@given(options=options(), losses=lists(LOSSES, min_size=1, max_size=12))
# the third is an improvement on the best, though not on the lowest of those before the last two
@example(options="2, 0.5", losses=[1.25, 1.0, 0.5, 0.5])
def test_stops_when_the_reference_stops(student, reference, options, losses):
    """It says stop at the right update, whatever the losses are."""
    losses = up_to_stop(reference, options, losses)
    lines = driven(options, losses, update="print(stopper.update(loss))")
    assert_printed(student.program(lines), reference.program(lines))


@exercise("EarlyStopping", weight=2)
@given(options=options(), losses=lists(LOSSES, min_size=1, max_size=12))
def test_best_is_the_last_improvement(student, reference, options, losses):
    """The best loss is that of the last improvement; a loss that is none leaves it."""
    losses = up_to_stop(reference, options, losses)
    lines = driven(options, losses, "print(stopper.best)")
    assert_printed(student.program(lines), reference.program(lines))


@exercise("EarlyStopping", weight=1.5)
@given(options=options(), losses=lists(LOSSES, min_size=1, max_size=12))
def test_best_epoch_is_that_of_the_best_loss(student, reference, options, losses):
    """The best epoch is the number of the update that brought the best loss, from 0 on."""
    losses = up_to_stop(reference, options, losses)
    lines = driven(options, losses, "print(stopper.best_epoch)")
    assert_printed(student.program(lines), reference.program(lines))


@exercise("EarlyStopping", weight=1.5)
@given(patience=integers(1, 4), delta=sampled_from([0.25, 0.5, 1.0]), first=LOSSES)
@example(patience=2, delta=0.5, first=2.0**100)  # larger than what a best loss may begin with
def test_an_improvement_is_more_than_min_delta(student, patience, delta, first):
    """A loss of exactly best − min_delta is no improvement, however often it comes."""
    losses = [first] + [first - delta] * patience
    lines = driven(
        f"patience={patience}, min_delta={delta}",
        losses,
        "print(stopper.best)",
        update="print(stopper.update(loss))",
    )
    expected = [False] * patience + [True, first]
    assert_printed(student.program(lines), expected)


@exercise("EarlyStopping")
@given(
    start=integers(0, 200),
    options=options(),
    fall=sampled_from([1.25, 2.0, 4.5]),
    epochs=integers(1, 50),
)
def test_never_stops_while_the_loss_falls(student, start, options, fall, epochs):
    """While each loss is an improvement it goes on, below zero as well."""
    lines = [
        "from schedules import EarlyStopping",
        "",
        f"stopper = EarlyStopping({options})",
        f"for epoch in range({epochs}):",
        f"    print(stopper.update({float(start)} - {fall} * epoch))",
        "print(stopper.best)",
        "print(stopper.best_epoch)",
    ]
    expected = [False] * epochs + [start - fall * (epochs - 1), epochs - 1]
    assert_printed(student.program(lines), expected)


@exercise("EarlyStopping")
@given(options=options(patience=3), losses=lists(st.tuples(LOSSES, LOSSES), min_size=1, max_size=6))
def test_each_object_has_its_own_state(student, reference, options, losses):
    """Two of them side by side don't know of each other."""
    ours = [up_to_stop(reference, options, list(column)) for column in zip(*losses, strict=True)]
    losses = losses[: min(map(len, ours))]
    lines = [
        "from schedules import EarlyStopping",
        "",
        f"one, other = EarlyStopping({options}), EarlyStopping({options})",
        f"for a, b in {losses}:",
        "    print(one.update(a))",
        "    print(other.update(b))",
        "print(one.best)",
        "print(one.best_epoch)",
    ]
    assert_printed(student.program(lines), reference.program(lines))


@exercise("EarlyStopping", weight=0.5)
@given(patience=BELOW_ONE, delta=DELTAS)
def test_stopping_refuses_a_patience_below_one(student, patience, delta):
    """A patience below 1 raises ValueError."""
    lines = [
        "from schedules import EarlyStopping",
        "",
        f"EarlyStopping(patience={patience}, min_delta={delta})",
    ]
    assert_raises(ValueError, lambda: student.program(lines))

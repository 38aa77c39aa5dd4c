"""The two decorators of a check: what it judges, and what it is run on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import hypothesis
import hypothesis.strategies

from autograder.checks.faces import Example, Face, begin_example, note_failure

_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Mark:
    """What `exercise` notes on a check."""

    exercise: str
    weight: float


def exercise(name: str, weight: float = 1) -> Callable[[_Function], _Function]:
    """Say which exercise a check judges, and its weight among the exercise's checks.

    Both have to be literals: a course reads them from the source, without running it.
    """

    def mark(function: _Function) -> _Function:
        function._autograder_mark = Mark(name, float(weight))  # type: ignore[attr-defined]
        return function

    return mark


def mark_of(function: Any) -> Mark | None:
    """What `exercise` noted on a check, None where it is none."""
    mark = getattr(function, "_autograder_mark", None)
    return mark if isinstance(mark, Mark) else None


def given(*args: Any, **strategies: Any) -> Callable[[_Function], _Function]:
    """`hypothesis.given`, with the record of the student's calls cut into examples.

    Raises:
        TypeError: something is drawn by ``data()``. Examples are kept and run again, on other
            submissions too, when there is nothing to draw from any more.
    """
    data = type(hypothesis.strategies.data())
    if any(isinstance(strategy, data) for strategy in (*args, *strategies.values())):
        raise TypeError("a check can't draw by data(): write a strategy with composite instead")

    def decorate(function: _Function) -> _Function:
        @functools.wraps(function)
        def example(*values: Any, **named: Any) -> None:
            faces = [v for v in (*values, *named.values()) if isinstance(v, Face)]
            drawn = Example(function, values, named)
            for face in faces:
                begin_example(face, drawn)
            try:
                function(*values, **named)
            except Exception as error:
                for face in faces[:1]:
                    note_failure(face, error, drawn)
                raise

        draw: Any = hypothesis.given(*args, **strategies)
        return cast(_Function, draw(example))

    return decorate

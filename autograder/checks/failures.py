"""How a check ends other than by passing, and what the student reads then."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from autograder.checks import heatmap
from autograder.checks.formatting import show, show_call
from autograder.checks.patterns import Mismatch
from autograder.report import Outcome
from autograder.sandbox import wire
from autograder.sandbox.runner import Answer, Call, Raised, Returned, Where

_SHOWN_CALLS = 4


class CheckFailure(AssertionError):
    """An answer is wrong.

    Args:
        problem: what is wrong with it, a line or several.
        actual: the very value the student's code returned, by which its call is found.
        mismatch: the tensors that differ, where it is their values that are wrong: only the
            failure that is shown in the end has its picture made.
        share: the part of the check's points that are earned all the same.
        calls: whether the calls that led to it are shown above the problem.
    """

    def __init__(
        self,
        problem: str,
        actual: Any = None,
        mismatch: Mismatch | None = None,
        share: float = 0.0,
        *,
        calls: bool = True,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.actual = actual
        self.mismatch = mismatch
        self.share = share
        self.calls = calls


class StudentRaised(Exception):
    """The student's code raised an exception in a call that should have returned."""

    def __init__(self, raised: Raised) -> None:
        super().__init__(f"{raised.type}: {raised.message}")
        self.raised = raised

    def is_a(self, exception: type[BaseException]) -> bool:
        """Whether it is an exception of this built-in class, or of one derived from it."""
        return exception.__name__ in self.raised.bases


class CheckStopped(BaseException):
    """There is nothing to be had from this worker any more: end the check at once.

    Derived from BaseException so that hypothesis neither shrinks nor retries it.
    """

    def __init__(self, outcome: Outcome, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.message = message


@dataclass(frozen=True)
class Made:
    """A call that a check made, and the answer to it."""

    call: Call
    answer: Answer

    @cached_property
    def fingerprint(self) -> bytes:
        """What the call is known by."""
        return fingerprint(self.call)


def fingerprint(call: Call) -> bytes:
    """A digest of a call: equal for equal functions, arguments and memory layouts.

    Raises:
        UnsendableError: an argument doesn't cross the wire.
    """
    digest = hashlib.blake2b(digest_size=16)
    for piece in wire.encode(0, msgspec.structs.asdict(call), keep_strides=True):
        digest.update(piece)
    return digest.digest()


def explain(error: BaseException, calls: Sequence[Made]) -> str:
    """What a student reads about `error`, which ended an example that had made `calls`."""
    if isinstance(error, CheckStopped):
        return error.message
    if isinstance(error, StudentRaised):
        return _explain_call(calls[-1]) if calls else describe_raised(error.raised)
    if isinstance(error, CheckFailure) and not error.calls:
        return error.problem
    problem = error.problem if isinstance(error, CheckFailure) else str(error)
    actual = error.actual if isinstance(error, CheckFailure) else None
    culprit = _call_that_returned(actual, calls)
    shown = [culprit] if culprit else list(calls[-_SHOWN_CALLS:])
    if mismatch := mismatch_of(error):
        problem = "\n".join(filter(None, (problem, heatmap.text(mismatch))))
    return "\n".join([*map(_explain_call, shown), indent(problem)])


def mismatch_of(error: BaseException) -> Mismatch | None:
    """The tensors that an answer was wrong in."""
    return error.mismatch if isinstance(error, CheckFailure) else None


def describe_raised(raised: Raised) -> str:
    """An exception of the student's, with the line it came from."""
    text = f"{raised.type}: {raised.message}" if raised.message else raised.type
    return text if raised.where is None else f"{text}\n  at {describe_where(raised.where)}"


def describe_where(where: Where) -> str:
    """A line of the student's."""
    line = f"{where.file}, line {where.line}"
    if where.function != "<module>":
        line += f", in {where.function}"
    return line + (f":  {where.source}" if where.source else "")


def indent(text: str) -> str:
    """`text` as it stands below a call."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def _explain_call(made: Made) -> str:
    answer = made.answer
    if isinstance(answer, Raised):
        result = f"raised {describe_raised(answer)}"
    elif isinstance(answer, Returned) and made.call.program:
        result = "\n".join(["printed", *(indent(show(value)) for value in answer.value)])
    elif isinstance(answer, Returned):
        result = f"returned {show(answer.value)}"
        if answer.mutated:
            result += f"\n(and modified its {', '.join(answer.mutated)})"
    else:
        result = "returned nothing that can be compared"
    twice = "   # called twice with the same arguments" if made.call.again else ""
    return f"{show_call(made.call)}{twice}\n{indent(result)}"


def _call_that_returned(actual: Any, calls: Sequence[Made]) -> Made | None:
    """The latest call whose result is `actual`, or has it as an item; None where none has."""
    if actual is None:
        return None
    for made in reversed(calls):
        value = made.answer.value if isinstance(made.answer, Returned) else None
        items = value if isinstance(value, list | tuple) else ()
        if value is actual or any(item is actual for item in items):
            return made
    return None

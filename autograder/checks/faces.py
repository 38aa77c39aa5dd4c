"""`student` and `reference` as a check sees them: attributes that are functions of values.

A face stands before a backend, which is a sandboxed worker when a submission is graded and the
imported module when a student runs pytest. A check can't tell which.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
import torch

from autograder.checks.failures import (
    CheckStopped,
    Made,
    StudentRaised,
    describe_raised,
    describe_where,
    explain,
    indent,
)
from autograder.checks.formatting import show_call
from autograder.checks.guard import Guard
from autograder.sandbox import wire
from autograder.sandbox.runner import (
    Answer,
    Call,
    Missing,
    NotPortable,
    Raised,
    Returned,
    Runner,
    Unsendable,
)
from autograder.torchvision_compat import import_torchvision

_MOST_EXAMPLES = 1000  # shrinking can come to many more, and nobody asks for those


class Backend(Protocol):
    """Whatever runs a student's functions."""

    def load(self) -> None:
        """Import the submission; raises CheckStopped where that fails."""

    def call(self, call: Call) -> Answer:
        """Run one call; raises CheckStopped where there is no answer."""

    def close(self) -> None:
        """Free what the backend holds."""


class Face:
    """A submission as functions of values, with a record of the calls of the current example.

    ``face.f(…)`` calls ``f``; ``face.again.f(…)`` calls it twice with the same arguments and
    gives the second answer; ``face.probe.p(…)`` runs the probe ``p`` beside the submission, and
    ``face.program(…)`` a program (see `autograder.checks.programs`); it gives what that prints.
    ``face.portable.f(…)`` only asks whether the call would run on a GPU: it gives None, and where
    it is certain that it would not, the check fails. ``face.probe.portable.p(…)`` asks it of a
    probe's call.
    """

    def __init__(
        self, backend: Backend, *, trusted: bool = False, guard: Guard | None = None
    ) -> None:
        self._backend = backend
        self._guard = guard
        self._trusted = trusted
        self._loaded = False
        self._calls: list[Made] = []
        self._failing: FailingExample | None = None
        self._examples: list[Example] = []
        self._measured: Measurement | None = None

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args, **kwargs: self._call(Call(name, args, kwargs))

    @property
    def again(self) -> _Variant:
        """The same functions, called twice with the same argument objects."""
        return _Variant(self, again=True)

    @property
    def probe(self) -> _Variant:
        """The stage's probes."""
        return _Variant(self, probe=True)

    def program(self, lines: str | Iterable[str]) -> list[Any]:
        """The values that a program prints which imports names of the submission and uses them."""
        source = lines if isinstance(lines, str) else "\n".join(lines)
        printed: list[Any] = self._call(Call("program", (source,), program=True))
        return printed

    @property
    def portable(self) -> _Variant:
        """The same functions, run on meta tensors for what would break on a GPU."""
        return _Variant(self, portable=True)

    def _call(self, call: Call) -> Any:
        if self._trusted:
            return self._call_trusted(call)
        if not self._loaded:
            self._backend.load()
            self._loaded = True
            call = self._guarded(call)
        try:
            answer = self._backend.call(call)
        except CheckStopped as stop:
            text = f"{show_call(call)}\n{indent(stop.message)}"
            raise CheckStopped(stop.outcome, text) from None
        self._calls.append(Made(call, answer))
        if self._guard and (forbidden := self._guard.judge(answer)):
            raise CheckStopped("failed", forbidden)
        if isinstance(answer, NotPortable):
            raise CheckStopped("failed", f"{show_call(call)}\n{indent(_describe_fault(answer))}")
        if isinstance(answer, Returned):
            return answer.value
        if isinstance(answer, Missing):
            raise CheckStopped("missing", f"`{answer.name}` is missing")
        if isinstance(answer, Unsendable):
            raise CheckStopped("failed", f"{show_call(call)}\n    returned {answer.what}")
        if answer.type == "NotImplementedError" and answer.where and answer.where.direct:
            raise CheckStopped("missing", f"`{answer.where.function}` is not implemented yet")
        if call.portable:
            return None  # whatever this is, it is not about devices
        raise StudentRaised(answer)

    def _guarded(self, call: Call) -> Call:
        """The first call to a backend: it tells what is forbidden from then on."""
        if self._guard is None:
            return call
        if forbidden := self._guard.look():
            raise CheckStopped("failed", forbidden)
        return msgspec.structs.replace(call, forbid=self._guard.forbid)

    def _call_trusted(self, call: Call) -> Any:
        """A call of the reference. Where it has no answer, a check gave it something strange,
        which may have come from the student: not a word of the reference reaches them."""
        try:
            self._backend.load()
            answer = self._backend.call(call)
        except CheckStopped as stop:
            raise NoReferenceError(f"the reference has no {call.name}") from stop
        if not isinstance(answer, Returned):
            raise NoReferenceError(f"the reference has no answer in {call.name}")
        return answer.value


def _is_students(value: object) -> bool:
    return isinstance(value, Face) and not value._trusted


def _describe_fault(fault: NotPortable) -> str:
    text = f"would break on a GPU: {fault.what}"
    return f"{text}\n  at {describe_where(fault.where)}" if fault.where else text


class NoReferenceError(Exception):
    """The reference can't say what is expected."""


class _Variant:
    """One way to call: `how` are fields of `Call`."""

    def __init__(self, face: Face, **how: Any) -> None:
        self._face, self._how = face, how

    @property
    def portable(self) -> _Variant:
        """The same, run on meta tensors for what would break on a GPU."""
        return _Variant(self._face, **{**self._how, "portable": True})

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args, **kwargs: self._face._call(Call(name, args, kwargs, **self._how))


@dataclass(frozen=True)
class Example:
    """One input of a check: it can be run again, on another submission.

    Args:
        check: the check's own function.
        args, kwargs: what it is given; the student's face among them is a place to fill in. They
            are kept as they are now: a check may change what it was given.
    """

    check: Callable[..., object]
    args: Sequence[Any]
    kwargs: Mapping[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "args", _copied(tuple(self.args)))
        object.__setattr__(self, "kwargs", _copied(dict(self.kwargs)))

    def run(self, student: Face) -> Exception | None:
        """Run the example on another submission; how it fails there, None if it holds.

        Raises:
            CheckStopped: that submission gave no answer.
        """
        for value in (*self.args, *self.kwargs.values()):
            if isinstance(value, torch.Generator):  # the check may have drawn from it
                value.manual_seed(value.initial_seed())
        args = [student if _is_students(value) else _copied(value) for value in self.args]
        kwargs = {
            name: student if _is_students(value) else _copied(value)
            for name, value in self.kwargs.items()
        }
        begin_example(student, self)
        try:
            self.check(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  a check may break down on what it is given
            return error
        return None


_ATOMS = frozenset({int, float, bool, str, type(None)})


def _copied(value: Any) -> Any:
    """The same value in containers and tensors of its own; all else stays what it is."""
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is dict:
        return {key: _copied(item) for key, item in value.items()}
    if kind in (list, tuple):
        return kind(_copied(item) for item in value)
    if kind is torch.Tensor and value.is_contiguous() and not value.requires_grad:
        return value.clone()
    if kind is torch.Tensor and value.is_leaf:
        return copy.deepcopy(value)  # with its strides; ten times as slow
    if dataclasses.is_dataclass(kind) and all(f.init for f in dataclasses.fields(kind)):
        fields = {f.name: _copied(getattr(value, f.name)) for f in dataclasses.fields(kind)}
        return dataclasses.replace(value, **fields)
    return value


@dataclass(frozen=True)
class Measurement:
    """What a check has measured, whether that was enough or not.

    Args:
        value: the figure, such as an accuracy in percent.
        text: sentences for the student.
        picture: an SVG made of numbers alone, empty where there is none.
    """

    value: float
    text: str
    picture: str = ""


@dataclass(frozen=True)
class FailingExample:
    """An example that failed, with what was called, what came back, and how it failed."""

    example: Example
    calls: Sequence[Made]
    error: Exception


def begin_example(face: Face, example: Example) -> None:
    """Forget the calls of the last example: the next failure speaks of the new one."""
    face._calls.clear()
    if len(face._examples) < _MOST_EXAMPLES:
        face._examples.append(example)


def note_failure(face: Face, error: Exception, example: Example) -> None:
    """Keep what `error` says of the current example; hypothesis may go on to simpler ones."""
    face._failing = FailingExample(example, list(face._calls), error)


def noted_failure(face: Face) -> str | None:
    """What the last failing example said, None where none has failed."""
    failing = face._failing
    return explain(failing.error, failing.calls) if failing else None


def failing_example(face: Face) -> FailingExample | None:
    """The last example that failed, None where none has."""
    return face._failing


def examples_of(face: Face) -> list[Example]:
    """The examples so far, as they were drawn; of very many, the first."""
    return list(face._examples)


def note_measurement(face: Face, measured: Measurement) -> None:
    """Keep what was measured on a submission, for its report."""
    face._measured = measured


def measurement_of(face: Face) -> Measurement | None:
    """What was measured on a submission, None where nothing was."""
    return face._measured


def calls_of(face: Face) -> list[Made]:
    """The calls of the current example."""
    return list(face._calls)


def names_of(face: Face) -> set[str]:
    """The names of the submission that checks and probes have used, where it runs here."""
    return set(getattr(face._backend, "names", ()))


class ModuleBackend:
    """A module run in this process: the student's own, or the reference in the grader.

    Values pass through the wire's encoding all the same, so that a check meets exactly what it
    would meet before a worker. `progress` is told how far long calls are, see `Runner`.
    """

    def __init__(
        self,
        folder: Path,
        stage: str,
        probes: Path | None,
        progress: Callable[[float, str], None] | None = None,
    ) -> None:
        self._loaded = False
        self._file = folder / f"{stage}.py"
        source = probes.read_text(encoding="utf-8") if probes else None
        self._runner = Runner(
            *(folder, stage, source), progress=progress, let_pass=(KeyboardInterrupt, CheckStopped)
        )

    def load(self) -> None:
        """Import the module, once."""
        if self._loaded:
            return
        if not self._file.is_file():
            raise CheckStopped("missing", f"{self._file.name} is missing in {self._file.parent}")
        with contextlib.suppress(OSError):  # the runner says what is wrong with the file
            repair_for(self._file.read_text(encoding="utf-8", errors="replace"))
        torch.manual_seed(0)
        raised = self._runner.load()
        if raised is not None:
            raise CheckStopped("error", import_failed(self._file.name, raised))
        self._loaded = True

    def call(self, call: Call) -> Answer:
        """Run one call in this process."""
        if call.program:
            repair_for(call.args[0])
        args, kwargs = wire.roundtrip((call.args, call.kwargs), keep_strides=True)
        return self._runner.call(msgspec.structs.replace(call, args=args, kwargs=kwargs))

    @property
    def names(self) -> set[str]:
        """The module's names that calls and probes have used so far."""
        return self._runner.names

    def close(self) -> None:
        """Nothing is held."""


def repair_for(source: str) -> None:
    """Make torchvision importable for what is to be run in this process, as it is in a worker."""
    if "torchvision" in source:
        with contextlib.suppress(ImportError):  # whoever needs it will say so
            import_torchvision()


def import_failed(file: str, raised: Raised) -> str:
    """What a student reads when their file can't be imported."""
    return f"{file} can't be imported: {describe_raised(raised)}"

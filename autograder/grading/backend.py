"""A sandboxed worker as a check's backend: every way to end becomes one clear outcome."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autograder.checks.faces import Backend, import_failed
from autograder.checks.failures import CheckStopped, Made
from autograder.course import Assignment, Limits
from autograder.sandbox.runner import Answer, Call
from autograder.sandbox.workers import (
    BadAnswer,
    OutOfTime,
    SandboxError,
    Worker,
    WorkerDied,
    Zygote,
)

_MOST_KEPT = 40  # calls at either end of a trace
ROOM_OF_A_TRACE = 4_000_000  # bytes


@dataclass
class StageRun:
    """One stage of one submission under grading.

    An import that failed is remembered: it would fail for every other check too, and one that
    never ends should cost its time once. `limits` are the assignment's, unless others are given.
    `with_gpu` has its workers initialise CUDA, and `device` is where the tensors of calls are.
    """

    zygote: Zygote
    folder: Path
    assignment: Assignment
    limits: Limits | None = None
    with_gpu: bool = False
    device: str = "cpu"
    probes: str | None = field(default=None, init=False)
    import_failure: CheckStopped | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.assignment.probes:
            self.probes = self.assignment.probes.read_text(encoding="utf-8")
        module = self.folder / self.assignment.module
        if not module.is_file():
            message = f"{self.assignment.module} is not in the submission"
            self.import_failure = CheckStopped("missing", message)


class WorkerBackend:
    """A fresh worker for one check, started when the check makes its first call."""

    def __init__(self, run: StageRun) -> None:
        self._run = run
        self._worker: Worker | None = None

    def load(self) -> None:
        """Start the worker and import the submission, once."""
        run = self._run
        if self._worker is not None:
            return
        if run.import_failure is None:
            run.import_failure = self._start()
        if run.import_failure is not None:
            raise run.import_failure

    def _start(self) -> CheckStopped | None:
        run = self._run
        try:
            self._worker = run.zygote.spawn(
                run.folder,
                run.assignment.stage,
                run.probes,
                run.limits or run.assignment.limits,
                with_gpu=run.with_gpu,
                device=run.device,
            )
            raised = self._worker.load()
        except SandboxError as error:
            raise CheckStopped("ungraded", str(error)) from None
        except OutOfTime as error:
            return CheckStopped("timeout", f"{error}: does code outside functions never end?")
        except (WorkerDied, BadAnswer) as error:
            return CheckStopped("crashed", f"{run.assignment.module} {error}")
        if raised is None:
            return None
        return CheckStopped("error", import_failed(run.assignment.module, raised))

    def call(self, call: Call) -> Answer:
        """Have the worker run one call."""
        if self._worker is None:
            raise CheckStopped("ungraded", "a call was made before the submission was loaded")
        try:
            return self._worker.call(call)
        except SandboxError as error:
            raise CheckStopped("ungraded", str(error)) from None
        except OutOfTime as error:
            raise CheckStopped("timeout", str(error)) from None
        except (WorkerDied, BadAnswer) as error:
            raise CheckStopped("crashed", str(error)) from None

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None


@dataclass
class Trace:
    """The calls that a check made and their answers: the first ones, and the last.

    The first are as they were drawn, the last those that hypothesis came to in shrinking. What
    would take more than `room` bytes in all is not kept: answers may be as large as they like.
    `used` are the bytes that were taken.
    """

    room: int = ROOM_OF_A_TRACE
    used: int = 0
    first: list[Made] = field(default_factory=list)
    last: deque[Made] = field(default_factory=lambda: deque(maxlen=_MOST_KEPT))

    def add(self, made: Made) -> None:
        """Keep one more call, and forget one in the middle where there are many."""
        size = size_of((made.call.args, made.call.kwargs, getattr(made.answer, "value", None)))
        if self.used + size > self.room:
            return
        self.used += size
        if len(self.first) < _MOST_KEPT:
            self.first.append(made)
        else:
            self.last.append(made)

    def __iter__(self) -> Iterator[Made]:
        yield from self.first
        yield from self.last


_NUMBERS = frozenset({int, float, bool})


def size_of(value: Any) -> int:
    """How many bytes a value takes, about."""
    if isinstance(value, torch.Tensor):
        return 100 + value.numel() * value.element_size()
    if isinstance(value, np.ndarray):
        return 100 + int(value.nbytes)
    if isinstance(value, str | bytes):
        return 50 + len(value)
    if isinstance(value, dict):
        return 100 + sum(100 + size_of(item) for item in value.values())
    if isinstance(value, list | tuple):
        if _NUMBERS.issuperset(map(type, value)):
            return 100 + 50 * len(value)
        return 100 + sum(map(size_of, value))
    return 50


class Recorded:
    """A backend whose calls and answers are kept."""

    def __init__(self, backend: Backend, trace: Trace) -> None:
        self._backend = backend
        self._trace = trace

    def load(self) -> None:
        """Import the submission."""
        self._backend.load()

    def call(self, call: Call) -> Answer:
        """Run one call, and keep it with its answer."""
        answer = self._backend.call(call)
        self._trace.add(Made(call, answer))
        return answer

    def close(self) -> None:
        """Free what the backend holds."""
        self._backend.close()

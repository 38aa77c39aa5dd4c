"""What the checks draw, recorded once on the reference.

Hypothesis draws the same examples for every submission, up to the first that fails. Running the
recorded ones finds out whether a check holds for a variant, and with which example it first
fails, without drawing them again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest

from autograder.checks.comparison import Closeness, watching
from autograder.checks.faces import Backend, Example, Face, examples_of, names_of
from autograder.checks.failures import CheckStopped
from autograder.checks.guard import Guard
from autograder.course import CheckKey, Course
from autograder.errors import AutograderError
from autograder.grading.run import Run, example_of, run_checks


@dataclass
class Recording(Run):
    """A run on the reference that keeps every example, and the names that checks use.

    `names` are those of the module's functions and classes that a check or its probes ask for;
    `seconds_used` is the CPU time of a check, for the grader's part and the reference's together.
    `failed` has the checks that fail here, in the grader's process: their examples are cut short.
    """

    drawn: dict[CheckKey, list[Example]] = field(default_factory=dict)
    names: dict[CheckKey, set[str]] = field(default_factory=dict)
    seconds_used: dict[CheckKey, float] = field(default_factory=dict)
    failed: dict[CheckKey, str] = field(default_factory=dict)
    _started: float = 0.0

    def student(self, stage: str) -> Backend:
        """The reference; its time is taken from here."""
        self._started = time.process_time()
        return super().student(stage)

    def observe(self, key: CheckKey, item: pytest.Item, error: BaseException | None) -> None:
        """Keep what one check drew."""
        student = getattr(item, "funcargs", {}).get("student")
        used = self.seconds_used.get(key, 0.0) + time.process_time() - self._started
        self.seconds_used[key] = used
        if error is not None:
            self.failed[key] = str(error)
        if student is not None:
            self.drawn.setdefault(key, []).extend(examples_of(student) or [example_of(item)])
            self.names.setdefault(key, set()).update(names_of(student))


def record(course: Course, seed: int | None = None) -> Recording:
    """Run all checks of `course` on its references, in this process, and keep what they draw.

    Raises:
        AutograderError: pytest itself failed.
    """
    recording = Recording(course, seed=seed)
    fault = run_checks(course, [recording])
    if fault:
        raise AutograderError(f"the checks can't be run: {fault}")
    return recording


@dataclass(frozen=True)
class Held:
    """What one check came to on recorded examples.

    `first` is the number of the first example that failed, None where all held; `how` says how it
    failed. `closest` has for each dtype the largest error and the finest resolution that any
    comparison had.
    """

    first: int | None
    how: str
    closest: tuple[Closeness, ...] = ()


def replay(examples: list[Example], backend: Backend, guard: Guard | None = None) -> Held:
    """Run recorded examples of one check on another submission, up to the first that fails."""
    closest: dict[str, Closeness] = {}

    def note(seen: Closeness) -> None:
        before = closest.get(str(seen.dtype), seen)
        closest[str(seen.dtype)] = Closeness(
            seen.dtype,
            max(before.error, seen.error),
            min(before.resolution, seen.resolution),
        )

    face = Face(backend, guard=guard)
    with watching(note):
        for number, example in enumerate(examples):
            try:
                error: BaseException | None = example.run(face)
            except CheckStopped as stopped:
                error = stopped
                if stopped.outcome == "ungraded":
                    raise AutograderError(stopped.message) from stopped
            if error is not None:
                how = str(error).split("\n", 1)[0] or type(error).__name__
                return Held(number, how, tuple(closest.values()))
    return Held(None, "", tuple(closest.values()))

"""Run a course's checks: one pytest session, and in it one run after the other.

A `Run` is what checks are run against, and what they came to. `run_checks` collects the checks
once and takes the runs from an iterator, which may look at what the last run came to before it
gives the next: that is how a check that broke down on a submission is tried on the reference.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import hypothesis
import msgspec
import pytest

from autograder.checks.exercises import mark_of
from autograder.checks.faces import (
    Backend,
    Example,
    FailingExample,
    ModuleBackend,
    calls_of,
    failing_example,
)
from autograder.checks.failures import CheckStopped
from autograder.checks.goals import training_on
from autograder.checks.guard import Guard, Guards
from autograder.checks.plugin import SOURCE
from autograder.checks.session import own_pytest, session_arguments
from autograder.course import VISIBILITIES, CheckKey, Course, stage_of, visibility_of
from autograder.grading.backend import ROOM_OF_A_TRACE, Recorded, StageRun, Trace, WorkerBackend
from autograder.grading.deadline import Deadline
from autograder.report import Verdict

# A second time-out is evidence enough: an exercise that never ends should not use up the time
# that the platform gives to the whole submission.
_MAX_TIMEOUTS = 2
_MOST_CAUSES = 20  # of one exception


@dataclass
class Run:
    """One run of checks, on a submission's workers or on the reference.

    Args:
        course: its references, and how many inputs hypothesis draws for each check.
        stages: the submission's stages; None runs the reference, in this process.
        only: the checks to run; None: all of them.
        seed: draw other inputs than usual, from this seed.
        until_failure: end the run with the first check that fails.
        deadline: begin no check after it.
        on_verdict: called after every check.

    `verdicts` is what the checks came to, `failing` has the examples of those that failed, `unsure`
    are those that broke down. `traces` are the calls they made: of the stages before the last,
    those of exercises that failed.
    """

    course: Course
    stages: dict[str, StageRun] | None = None
    only: Collection[CheckKey] | None = None
    seed: int | None = None
    until_failure: bool = False
    deadline: Deadline = field(default_factory=lambda: Deadline(math.inf))
    on_verdict: Callable[[], None] = lambda: None
    verdicts: dict[CheckKey, Verdict] = field(default_factory=dict)
    unsure: set[CheckKey] = field(default_factory=set)
    failing: dict[CheckKey, FailingExample] = field(default_factory=dict)
    guards: Guards = field(default_factory=Guards)
    traces: dict[CheckKey, Trace] = field(default_factory=dict)
    _timeouts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _trace: Trace = field(default_factory=lambda: Trace(0))
    _stage: str = ""
    _room: int = 100_000_000  # bytes, for all traces together: answers come from outside

    def wants(self, key: CheckKey) -> bool:
        """Whether a check is still to be run."""
        if self.until_failure and any(v.outcome != "passed" for v in self.verdicts.values()):
            return False
        if self.deadline.is_over:
            return False
        return self.only is None or key in self.only

    def student(self, stage: str) -> Backend:
        """What the plugin runs a check against."""
        if self.stages is None:
            return self.reference(stage)
        if self._stage not in ("", stage):
            self._forget_what_is_right(self._stage)
        self._stage = stage
        self._trace = Trace(min(ROOM_OF_A_TRACE, self._room))
        return Recorded(WorkerBackend(self.stages[stage]), self._trace)

    def _forget_what_is_right(self, stage: str) -> None:
        """Free the calls of a stage's exercises that did not fail: nobody asks for those."""
        assignment = self.course.assignment(stage)
        for exercise in assignment.exercises:
            keys = {check.key for check in assignment.checks_of(exercise.name)}
            if keys.isdisjoint(self.failing):
                for key in keys & self.traces.keys():
                    self._room += self.traces.pop(key).used

    def reference(self, stage: str) -> Backend:
        """The reference, in this process."""
        return reference_backend(self.course, stage)

    def guard(self, stage: str, exercise: str) -> Guard | None:
        """What holds the submission to what an exercise forbids."""
        assignment = self.course.assignment(stage)
        folder = self.stages[stage].folder if self.stages else assignment.reference.parent
        return self.guards.of(assignment, exercise, folder / assignment.module)

    def seconds(self, stage: str) -> float | None:
        """No limit of this process's: the workers' own hold."""
        return None

    def examples(self, stage: str) -> int:
        """As the course says."""
        return self.course.assignment(stage).settings.examples

    def refuse(self, stage: str, exercise: str) -> None:
        """Raise CheckStopped where it would only cost time to run another check."""
        broken = self.stages is not None and self.stages[stage].import_failure is not None
        so_far = self._timeouts[stage, exercise]
        if not broken and so_far >= (1 if self.deadline.is_near else _MAX_TIMEOUTS):
            checks = "1 check" if so_far == 1 else f"{so_far} checks"
            raise CheckStopped("timeout", f"not run: {checks} of this exercise ran out of time")

    def take(self, found: dict[str, Any], duration: float) -> None:
        """Note what one check came to, or one item of a check with several."""
        key: CheckKey = (found["stage"], found["visibility"], found["name"])
        verdict = Verdict(
            *(found["outcome"], found["message"]),
            **{name: found[name] for name in ("share", "picture", "reached")},
        )
        if verdict.outcome == "timeout":
            self._timeouts[found["stage"], found["exercise"]] += 1
        earlier = self.verdicts.get(key)
        duration += earlier.duration if earlier else 0.0
        if earlier and earlier.outcome != "passed":
            verdict = earlier  # a check of several items fails with the first that does
        elif not found["sure"]:
            self.unsure.add(key)
        self.verdicts[key] = msgspec.structs.replace(verdict, duration=duration)
        self.on_verdict()

    def observe(self, key: CheckKey, item: pytest.Item, error: BaseException | None) -> None:
        """Note on which example a check failed, and what was called on the way."""
        failing = _failing(item, error) if isinstance(error, Exception) else None
        if key not in self.failing:  # of a check with several items, the first that fails
            self.traces[key] = self._trace
            self._room -= self._trace.used
            if failing is not None:
                _forget_frames(failing.error)
                self.failing[key] = failing

    def device(self, stage: str) -> str:
        """Where the checks of a stage train."""
        run = (self.stages or {}).get(stage)
        return "cuda" if run and run.with_gpu else "cpu"

    def on_cpu(self) -> Run:
        """A run on the CPU of what a GPU was there for and did not pass.

        No point is to depend on the machine, nor on a GPU that runs out of memory.
        """
        stages = self.stages or {}
        lost = {
            key
            for key, verdict in self.verdicts.items()
            if verdict.outcome != "passed" and self.device(key[0]) != "cpu"
        }
        without = {
            name: replace(stage, with_gpu=False, device="cpu") for name, stage in stages.items()
        }
        return Run(self.course, without, lost, self.seed, deadline=self.deadline)

    def adopt(self, other: Run) -> None:
        """Take what `other` came to for the checks that it has run."""
        for key, verdict in other.verdicts.items():
            self.verdicts[key] = verdict
            self.unsure.discard(key)
            self.failing.pop(key, None)
            self.traces.pop(key, None)
        self.unsure |= other.unsure
        self.failing |= other.failing
        self.traces |= other.traces


def reference_backend(course: Course, stage: str) -> ModuleBackend:
    """The reference of one stage, run in this process."""
    assignment = course.assignment(stage)
    return ModuleBackend(assignment.reference.parent, stage, assignment.probes)


def run_checks(course: Course, runs: Iterable[Run]) -> str | None:
    """Run the checks of `course` against each of `runs`.

    Args:
        course: whose checks are collected, once.
        runs: what to run them against, one after the other; taken as they come.

    Returns:
        What went wrong with the session as such, None if nothing did.
    """
    session = _Session(course, iter(runs))
    targets = [
        str(path)
        for assignment in course.assignments
        for visibility in VISIBILITIES
        if (path := assignment.folder / f"test_{visibility}.py").is_file()
    ]
    arguments = [*targets, *session_arguments(course.root)]
    output = io.StringIO()
    with (
        own_pytest(course.root),
        contextlib.chdir(course.root),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
    ):
        code = pytest.main(arguments, plugins=[session])
    if session.failure is not None:
        raise session.failure
    if code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return None
    if code == pytest.ExitCode.INTERRUPTED and session.interrupted:
        raise KeyboardInterrupt
    last = [line for line in output.getvalue().splitlines() if line.strip()]
    return f"pytest ended with {code}: {' | '.join(last[-8:])}"


class _Session:
    """The pytest plugin of a session: takes the runs, and gives each its checks' outcomes."""

    def __init__(self, course: Course, runs: Iterator[Run]) -> None:
        self.interrupted = False
        self.failure: Exception | None = None
        self._runs = runs
        self._run = Run(course)  # for the settings; no check is run against it

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[SOURCE] = self._run

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        # nobody reads pytest's own account of a failure, which it keeps until the session ends: the
        # source of every function on the way, hypothesis's too, a quarter of a megabyte each
        item.repr_failure = _briefly  # type: ignore[method-assign]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            raise session.Interrupted(f"{session.testsfailed} of the files can't be collected")
        try:
            for run in self._runs:
                self._run = run
                session.config.stash[SOURCE] = run
                self._run_items(session, run)
        except Exception as error:  # noqa: BLE001  of the runs' iterator: its caller's, not pytest's
            self.failure = error
        return True

    def _run_items(self, session: pytest.Session, run: Run) -> None:
        items = [item for item in session.items if run.wants(_key_of(item))]
        for item, following in zip(items, [*items, None][1:], strict=True):
            if not run.wants(_key_of(item)):
                continue
            if run.until_failure:
                following = None  # it may never be run: leave nothing set up for it
            with _seeded(item, run.seed), training_on(run.device(_key_of(item)[0])):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        mark = mark_of(getattr(item, "function", None))
        if mark is not None:
            self._run.refuse(item.path.parent.name, mark.exercise)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        if call.when == "call":
            error = call.excinfo.value if call.excinfo else None
            self._run.observe(_key_of(item), item, error)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        # what pytest raises itself, over files that it can't collect, is nobody's Ctrl-C
        self.interrupted = not isinstance(excinfo.value, pytest.Session.Interrupted)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found = getattr(report, "autograder", None)
        if found is not None:
            self._run.take(found, report.duration)


def _briefly(excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
    return excinfo.typename


@contextlib.contextmanager
def _seeded(item: pytest.Item, seed: int | None) -> Iterator[None]:
    """Have a check draw from a seed; the next run of the session draws as usual again."""
    if seed is None:
        yield
        return
    check = item.function  # type: ignore[attr-defined]
    before = getattr(check, "_hypothesis_internal_use_seed", None)
    hypothesis.seed(seed)(check)
    try:
        yield
    finally:
        hypothesis.seed(before)(check)


def _failing(item: pytest.Item, error: Exception) -> FailingExample | None:
    """The example on which a check failed; a check without `given` is an example itself."""
    student = getattr(item, "funcargs", {}).get("student")
    if student is None:
        return None
    return failing_example(student) or FailingExample(example_of(item), calls_of(student), error)


def example_of(item: pytest.Item) -> Example:
    """What a check without `given` runs on: its fixtures."""
    check, funcargs = item.function, item.funcargs  # type: ignore[attr-defined]
    return Example(
        check, (), {name: funcargs[name] for name in inspect.signature(check).parameters}
    )


def _forget_frames(error: BaseException | None) -> None:
    """Keep an exception without the frames that it went through, and the tensors in them."""
    for _ in range(_MOST_CAUSES):
        if error is None:
            return
        error.__traceback__ = None
        error = error.__context__


def _key_of(item: pytest.Item) -> CheckKey:
    name = getattr(item, "originalname", item.name)
    return stage_of(item.path) or "", visibility_of(item.path) or "public", name

"""Grade one submission: run every check of the course against it and build the report."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

import autograder
from autograder.checks.faces import Backend, ModuleBackend
from autograder.checks.failures import CheckStopped
from autograder.checks.plugin import SOURCE
from autograder.course import VISIBILITIES, Course
from autograder.errors import AutograderError
from autograder.grading.backend import StageRun, WorkerBackend
from autograder.grading.intake import Submission
from autograder.report import CheckKey, Environment, Report, Verdict, build_report
from autograder.sandbox.workers import Zygote

# A second time-out is evidence enough: an exercise that never ends should not use up the time
# that the platform gives to the whole submission.
_MAX_TIMEOUTS = 2
_NOT_YOURS = "The grader failed here; this is not your fault. Please tell your instructor."

Progress = Callable[[Report], None]


class _Source:
    """What the plugin runs checks against: a submission's workers, or the reference itself."""

    def __init__(self, course: Course, runs: dict[str, StageRun] | None) -> None:
        self.course = course
        self.examples = course.settings.examples
        self._runs = runs

    def student(self, stage: str) -> Backend:
        if self._runs is None:
            return self._reference(stage)
        return WorkerBackend(self._runs[stage])

    def reference(self, stage: str) -> Backend:
        return self._reference(stage)

    def seconds(self, stage: str) -> float | None:
        return None  # the workers' own limits hold

    def is_broken(self, stage: str) -> bool:
        """Whether the stage can't be imported: then no check of it costs time any more."""
        return self._runs is not None and self._runs[stage].import_failure is not None

    def _reference(self, stage: str) -> ModuleBackend:
        assignment = self.course.assignment(stage)
        return ModuleBackend(assignment.reference.parent, stage, assignment.probes)


class _Recorder:
    """The pytest plugin of one grading run: puts the source in place, collects the outcomes."""

    def __init__(self, source: _Source, on_verdict: Callable[[], None]) -> None:
        self.source = source
        self.verdicts: dict[CheckKey, Verdict] = {}
        self.unsure: dict[str, CheckKey] = {}
        self.timeouts: Counter[tuple[str, str]] = Counter()
        self.interrupted = False
        self._on_verdict = on_verdict

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[SOURCE] = self.source

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        from autograder.checks.exercises import mark_of

        mark, stage = mark_of(getattr(item, "function", None)), item.path.parent.name
        if mark is None or self.source.is_broken(stage):
            return
        if self.timeouts[stage, mark.exercise] >= _MAX_TIMEOUTS:
            raise CheckStopped(
                "timeout", f"not run: {_MAX_TIMEOUTS} checks of this exercise ran out of time"
            )

    def pytest_keyboard_interrupt(self) -> None:
        self.interrupted = True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        found: dict[str, Any] | None = getattr(report, "autograder", None)
        if found is None:
            return
        key: CheckKey = (found["stage"], found["visibility"], found["name"])
        outcome, message = found["outcome"], found["message"]
        if outcome == "timeout":
            self.timeouts[found["stage"], found["exercise"]] += 1
        earlier = self.verdicts.get(key)
        duration = report.duration + (earlier.duration if earlier else 0.0)
        if earlier and earlier.outcome != "passed":
            # a check of several items fails with the first that does
            outcome, message = earlier.outcome, earlier.message
        elif not found["sure"]:
            self.unsure[report.nodeid] = key
        self.verdicts[key] = Verdict(outcome, message, duration)
        self._on_verdict()


def grade(
    course: Course,
    submission: Submission,
    zygote: Zygote,
    progress: Progress | None = None,
) -> Report:
    """Grade one submission.

    Args:
        course: what to grade it on; `Course.select` leaves stages out.
        submission: what `take_in` made of it.
        zygote: where workers come from.
        progress: called with the report so far before the first check and after every one.
    """
    started = time.monotonic()
    environment = _environment(course, zygote)
    verdicts: dict[CheckKey, Verdict] = {}

    def report(fault: str | None = None) -> Report:
        return build_report(
            course,
            submission.name,
            verdicts,
            environment=environment,
            notes=submission.notes,
            duration=time.monotonic() - started,
            fault=fault,
        )

    def tell() -> None:
        if progress:
            progress(report())

    runs = {a.stage: StageRun(zygote, submission.folder, a) for a in course.assignments}
    recorder = _Recorder(_Source(course, runs), tell)
    recorder.verdicts = verdicts
    tell()
    fault = _run(course, recorder, _check_files(course))
    if recorder.unsure:
        fault = _settle(course, recorder) or fault
    missing = [check for a in course.assignments for check in a.checks
               if (check.stage, check.visibility, check.name) not in verdicts]  # fmt: skip
    for check in missing:
        verdicts[check.stage, check.visibility, check.name] = Verdict("ungraded", _NOT_YOURS)
        fault = fault or f"check {check.name} of {check.stage} was not run"
    for key, verdict in verdicts.items():
        if verdict.outcome == "ungraded" and verdict.message != _NOT_YOURS:
            fault = fault or verdict.message
            verdicts[key] = Verdict("ungraded", _NOT_YOURS, verdict.duration)
    return report(fault)


def run_reference(course: Course) -> dict[CheckKey, Verdict]:
    """Run every check on the reference, in this process: what a correct solution comes to.

    Raises:
        AutograderError: pytest itself failed.
    """
    recorder = _Recorder(_Source(course, None), lambda: None)
    fault = _run(course, recorder, _check_files(course))
    if fault:
        raise AutograderError(f"the checks can't be run: {fault}")
    return recorder.verdicts


def refused(course: Course, name: str, why: str) -> Report:
    """The report of a submission that could not be taken in: every row, and why."""
    verdicts: dict[CheckKey, Verdict] = {
        (check.stage, check.visibility, check.name): Verdict("missing", why)
        for assignment in course.assignments
        for check in assignment.checks
    }
    return build_report(course, name, verdicts, environment=Environment(), notes=[why])


def _settle(course: Course, recorder: _Recorder) -> str | None:
    """Decide who is to blame for checks that broke down: give them the reference's answers.

    A check that holds for the reference broke down on what the student's code returned. One that
    breaks down on the reference too is ours to mend, and its points are not the student's to lose.
    """
    again = _Recorder(_Source(course, None), lambda: None)
    fault = _run(course, again, list(recorder.unsure))
    for key in recorder.unsure.values():
        verdict = again.verdicts.get(key)
        if verdict is None or verdict.outcome != "passed":
            why = verdict.message if verdict else fault
            recorder.verdicts[key] = Verdict("ungraded", _NOT_YOURS)
            fault = f"check {key[2]} of {key[0]} fails on the reference: {why}"
    return fault


def _check_files(course: Course) -> list[str]:
    paths = [
        assignment.folder / f"test_{visibility}.py"
        for assignment in course.assignments
        for visibility in VISIBILITIES
    ]
    return [str(path) for path in paths if path.is_file()]


def _run(course: Course, recorder: _Recorder, targets: list[str]) -> str | None:
    """Run pytest on `targets`; what went wrong with the run as such, None if nothing did."""
    arguments = [
        *targets,
        f"--rootdir={course.root}",
        f"--config-file={os.devnull}",
        "--noconftest",
        "--disable-plugin-autoload",
        "--import-mode=importlib",
        "--capture=no",
        "--tb=line",
        "-q",
        *("-p", "autograder.checks.plugin", "-p", "no:cacheprovider"),
        # each collects garbage at the end, over all that torch has loaded
        *("-p", "no:unraisableexception", "-p", "no:threadexception"),
    ]
    output = io.StringIO()
    with (
        _own_pytest(course.root),
        contextlib.chdir(course.root),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
    ):
        code = pytest.main(arguments, plugins=[recorder])
    if code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return None
    if code == pytest.ExitCode.INTERRUPTED and recorder.interrupted:
        raise KeyboardInterrupt
    last = [line for line in output.getvalue().splitlines() if line.strip()]
    return f"pytest ended with {code}: {' | '.join(last[-8:])}"


@contextlib.contextmanager
def _own_pytest(root: Path) -> Iterator[None]:
    """Keep this process's settings out of the run, and the run's modules out of this process."""
    addopts = os.environ.pop("PYTEST_ADDOPTS", None)
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    before = set(sys.modules)
    try:
        yield
    finally:
        sys.dont_write_bytecode = bytecode
        if addopts is not None:
            os.environ["PYTEST_ADDOPTS"] = addopts
        # pytest caches a test module by its name, which another course may share
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(root):
                del sys.modules[name]


def _environment(course: Course, zygote: Zygote) -> Environment:
    versions = zygote.versions | {
        "autograder": autograder.__version__,
        "hypothesis": hypothesis.__version__,
        "pytest": pytest.__version__,
    }
    return Environment(
        versions=dict(sorted(versions.items())),
        layers=tuple(zygote.layers),
        examples=course.settings.examples,
    )

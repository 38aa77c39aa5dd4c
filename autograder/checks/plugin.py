"""The pytest plugin: the `student` and `reference` fixtures, outcomes, and the local board.

It does nothing in a project that has no ``autograder_submission`` in its ini file and is run
without ``--submission``. When a submission is graded, the grader puts a `Source` of its own into
the stash; the rest is the same.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from autograder.course import Checks, Course, stage_of, visibility_of
from autograder.errors import AutograderError
from autograder.text import plain

if TYPE_CHECKING:
    from autograder.checks.faces import Backend, Face
    from autograder.checks.guard import Guard
    from autograder.checks.verdicts import Judgement


class Source(Protocol):
    """Where the plugin gets what checks are run against."""

    def examples(self, stage: str) -> int:
        """How many inputs hypothesis draws for each check of a stage."""

    def student(self, stage: str) -> Backend:
        """A fresh backend for the student's module of one stage."""

    def reference(self, stage: str) -> Backend | None:
        """A fresh backend for the reference, None where there is none (as for students)."""

    def guard(self, stage: str, exercise: str) -> Guard | None:
        """What holds the student's module to what an exercise forbids, None where it is nothing."""

    def seconds(self, stage: str) -> float | None:
        """The time that this process has to enforce on a check; None: it is done elsewhere."""


SOURCE = pytest.StashKey[Source]()


class LocalSource:
    """A run in this process: a student's own, or that of an instructor who writes a check."""

    def __init__(
        self,
        folder: Path,
        course: Course,
        examples: int | None,
        progress: Callable[[float, str], None] | None = None,
    ) -> None:
        from autograder.checks.guard import Guards

        self._progress = progress
        self.guards = Guards()
        self.folder = folder
        self.course = course
        self._examples = examples

    def examples(self, stage: str) -> int:
        """As the command line says, else as the course does."""
        # one that the course doesn't list is refused when a check of it is run
        return self._examples or self.course.examples.get(stage, Checks().examples)

    def student(self, stage: str) -> Backend:
        """The student's module, imported afresh."""
        from autograder.checks.faces import ModuleBackend

        probes = self.course.assignment(stage).probes
        return ModuleBackend(self.folder, stage, probes, self._progress)

    def reference(self, stage: str) -> Backend | None:
        """The reference of an instructor who tries a check out; students have none."""
        from autograder.checks.faces import ModuleBackend

        assignment = self.course.assignment(stage)
        if not assignment.reference.is_file():
            return None
        return ModuleBackend(assignment.reference.parent, stage, assignment.probes)

    def guard(self, stage: str, exercise: str) -> Guard | None:
        """The same for all checks of one exercise, in one run."""
        assignment = self.course.assignment(stage)
        return self.guards.of(assignment, exercise, self.folder / assignment.module)

    def seconds(self, stage: str) -> float | None:
        """The stage's limits, as far as one clock can keep them."""
        limits = self.course.assignment(stage).limits
        return min(limits.wall_seconds, limits.cpu_seconds)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of a student's run."""
    group = parser.getgroup("autograder")
    group.addoption("--submission", metavar="DIR", help="folder with the modules to check")
    group.addoption("--examples", type=int, metavar="N", help="inputs to draw for each check")
    parser.addini("autograder_submission", "folder with the modules to check")


def pytest_configure(config: pytest.Config) -> None:
    """Become active where there is something to check."""
    if SOURCE not in config.stash:
        named = config.getoption("--submission") or config.getini("autograder_submission")
        if not named:
            return
        base = config.invocation_params.dir if config.getoption("--submission") else config.rootpath
        folder = (base / named).resolve()
        if not folder.is_dir():
            raise pytest.UsageError(f"--submission: no folder {folder}")
        try:
            course = Course.load(config.rootpath, released=True)
        except AutograderError as error:
            raise pytest.UsageError(str(error)) from error
        bar = _LocalBar(config)
        source = LocalSource(folder, course, config.getoption("--examples"), bar.show)
        config.stash[SOURCE] = source
        config.pluginmanager.register(_LocalBoard(course), "autograder-board")
        config.pluginmanager.register(bar, "autograder-bar")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A check takes hypothesis's settings from where it is imported."""
    source = collector.config.stash.get(SOURCE, None)
    stage = stage_of(collector.path)
    if source is not None and stage is not None:
        from autograder.checks.settings import use

        use(source.examples(stage))
    return (yield)


@pytest.fixture
def student(request: pytest.FixtureRequest) -> Generator[Face, None, None]:
    """The submission under test, as functions of values."""
    yield from _face(request, "student")


@pytest.fixture
def reference(request: pytest.FixtureRequest) -> Generator[Face, None, None]:
    """The instructor's solution, as functions of values; only where a submission is graded."""
    yield from _face(request, "reference")


def _face(request: pytest.FixtureRequest, which: str) -> Generator[Face, None, None]:
    from autograder.checks.faces import Face

    source = request.config.stash.get(SOURCE, None)
    stage = stage_of(request.path)
    if source is None or stage is None:
        pytest.fail(f"no {which}: run pytest with --submission DIR on the checks of a course")
    backend = source.student(stage) if which == "student" else source.reference(stage)
    if backend is None:
        pytest.fail("no reference: it exists only where submissions are graded")
    check = _check_of(request.node) if which == "student" else None
    guard = source.guard(stage, check["exercise"]) if check else None
    try:
        yield Face(backend, trusted=which == "reference", guard=guard)
    finally:
        backend.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Cut off a check that runs in this process and does not end."""
    source = item.config.stash.get(SOURCE, None)
    stage = stage_of(item.path)
    seconds = source.seconds(stage) if source and stage else None
    with _alarm(seconds):
        return (yield)


@contextmanager
def _alarm(seconds: float | None) -> Generator[None, None, None]:
    # Windows has no interval timer, and a signal reaches only the main thread: there a check
    # that never ends has to be ended by hand.
    main = threading.current_thread() is threading.main_thread()
    if seconds is None or not main or not hasattr(signal, "setitimer"):
        yield
        return
    from autograder.checks.failures import CheckStopped

    def ring(*_: object) -> None:
        raise CheckStopped("timeout", f"took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Give a check's report its verdict, and a failing one the student's message."""
    report = yield
    check = _check_of(item)
    error = call.excinfo.value if call.excinfo else None
    if check is None or (error is None and call.when != "call"):
        return report
    from autograder.checks.verdicts import judge

    funcargs = getattr(item, "funcargs", {})
    verdict = judge(error, funcargs.get("student"))
    # plain data: pytest-xdist sends a report's attributes between processes as JSON
    report.autograder = {  # type: ignore[attr-defined]
        **check,
        "outcome": verdict.outcome,
        "message": plain(verdict.message),
        "picture": verdict.picture,
        "share": verdict.share,
        "reached": verdict.reached,
        "sure": verdict.sure,
    }
    if report.failed and call.when == "call" and not check["weight"]:
        # advice is no failure, and stands before the board
        report.outcome, report.longrepr = "passed", None
    if report.failed and item.config.option.tbstyle == "auto":
        _speak_to_the_student(report, check, verdict)
    return report


def pytest_itemcollected(item: pytest.Item) -> None:
    """``pytest -k num_batches`` selects an exercise's checks."""
    if SOURCE not in item.config.stash:
        return
    from autograder.checks.exercises import mark_of

    mark = mark_of(getattr(item, "function", None))
    if mark:
        item.extra_keyword_matches.add(mark.exercise)


def _check_of(item: pytest.Item) -> dict[str, Any] | None:
    if SOURCE not in item.config.stash:
        return None
    from autograder.checks.exercises import mark_of

    stage, visibility = stage_of(item.path), visibility_of(item.path)
    function = getattr(item, "function", None)
    mark = mark_of(function)
    if stage is None or visibility is None or mark is None:
        return None
    return {
        "stage": stage,
        "visibility": visibility,
        "exercise": mark.exercise,
        "weight": mark.weight,
        "name": getattr(item, "originalname", item.name),
        "title": (function.__doc__ or item.name).strip().splitlines()[0],
    }


def _speak_to_the_student(
    report: pytest.TestReport, check: dict[str, Any], verdict: Judgement
) -> None:
    """The counter-example instead of a traceback through our code (``--tb=long`` shows that)."""
    report.longrepr = f"{check['title']}\n\n{plain(verdict.message)}\n"
    report.location = (*report.location[:2], f"{check['stage']}: {check['exercise']}")


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """What is not implemented yet is counted apart, and shown on the board instead of at length.

    So is advice: what a check of weight 0 has to say.
    """
    verdict = getattr(report, "autograder", None)
    if verdict and verdict["outcome"] == "missing":
        return "not implemented", "·", "NOT IMPLEMENTED"
    if verdict and verdict["outcome"] != "passed" and report.passed:
        return "with advice", "!", "ADVICE"
    return None


class _LocalBar:
    """A bar on the terminal for what takes long, such as a training; it leaves nothing behind."""

    def __init__(self, config: pytest.Config) -> None:
        self._capture: Any = config.pluginmanager.getplugin("capturemanager")
        self._progress: Any = None

    def show(self, share: float, text: str) -> None:
        """Show that a share, from 0 to 1, of what is told in `text` is done or used up."""
        if self._progress is None:
            self._progress = self._begin()
        self._progress.update(self._progress.task_ids[0], completed=share, description=text)

    def pytest_runtest_logreport(self) -> None:
        """Take it away when a check has ended."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _begin(self) -> Any:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        # the terminal itself: what a check writes is captured
        captured = self._capture.global_and_fixture_disabled() if self._capture else nullcontext()
        with captured:
            console = Console(file=open(os.dup(2), "w", encoding="utf-8"))  # noqa: SIM115
        progress = Progress(
            *(TextColumn("{task.description}"), BarColumn()),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not console.is_terminal,
        )
        progress.add_task("", total=1)
        progress.start()
        return progress


class _LocalBoard:
    """Collects the outcomes of a student's run and prints a line for each exercise."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.verdicts: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect one check's outcome."""
        verdict = getattr(report, "autograder", None)
        if verdict:
            self.verdicts.append(verdict)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the board."""
        if not self.verdicts:
            return
        from autograder.checks.board import local_advice, local_board, print_board

        writer = terminalreporter._tw
        for verdict in local_advice(self.verdicts):
            where = f"{verdict['stage']}: {verdict['exercise']}"
            terminalreporter.section(f"advice, worth no points: {where}", sep="-", yellow=True)
            writer.line(f"{verdict['title']}\n\n{verdict['message']}")
        for verdict in self.verdicts:
            if verdict["outcome"] == "passed" and verdict["message"]:
                where = f"{verdict['stage']}: {verdict['exercise']}"
                terminalreporter.section(f"measured: {where}", sep="-", green=True)
                writer.line(verdict["message"])
        writer.line()
        board = local_board(self.course, self.verdicts)
        print_board(board, file=writer._file, width=min(terminalreporter._screen_width, 110))

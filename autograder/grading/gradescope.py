"""One run on Gradescope: from ``/autograder/submission`` to ``/autograder/results/results.json``.

The container is a fresh one and ours alone; whatever happens in it, ``results.json`` says what is
known: from the first moment that the autograder failed (without a score, which is not 0 points),
then every row with what it has earned so far, and in the end the result.
"""

from __future__ import annotations

import contextlib
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from autograder.course import Course
from autograder.errors import AutograderError
from autograder.grading.batch import grade_all
from autograder.report import Report, to_json, write_atomically
from autograder.reports import gradescope
from autograder.reports.handed_in import HandedIn, read_metadata

# Before Gradescope's time limit: when no further check is begun, and when grading ends even within
# one. Starting the container and Python counts as well there.
_LAST_CHECK_SECONDS = 75
_END_SECONDS = 25
_SECONDS_BETWEEN_WRITES = 2.0


def run(root: Path, course: Course, *, minutes: float | None = None) -> Report:
    """Grade the submission in `root`; ``results/results.json`` below it has the report returned.

    Args:
        root: the folder ``/autograder`` with ``submission``, ``submission_metadata.json`` and
            ``results``.
        course: what to grade it on.
        minutes: Gradescope's time limit, where it is not the course's.

    Raises:
        AutograderError: it can't be graded; ``results.json`` says that the autograder failed.
    """
    results = _Results(root, course)
    limit = 60 * (course.gradescope.minutes if minutes is None else minutes)
    graded: Report | None = None
    with contextlib.suppress(KeyboardInterrupt), _interrupted_after(limit - _END_SECONDS):
        graded = _grade(root, course, limit - _LAST_CHECK_SECONDS, results)
    return results.last(graded)


def _grade(root: Path, course: Course, seconds: float, results: _Results) -> Report:
    with tempfile.TemporaryDirectory(prefix="autograder-results-") as out:
        [graded] = grade_all(
            *(course, [root / "submission"], Path(out)),
            seconds=seconds,
            formats=(),
            on_check=results.early,
        )
        return graded.report


class _Results:
    """``results.json``, and what it was last told."""

    def __init__(self, root: Path, course: Course) -> None:
        self._file = root / "results" / "results.json"
        self._course = course
        self._handed_in = _metadata(root)
        self._known: Report | None = None
        self._written = time.monotonic()
        write_atomically(self._file, gradescope.failed())
        with contextlib.suppress(OSError):  # it soon says what hidden checks say
            self._file.parent.chmod(0o700)

    def early(self, report: Report) -> None:
        """Tell it what is known so far."""
        self._known = report
        if time.monotonic() - self._written >= _SECONDS_BETWEEN_WRITES:
            # a disk that is full now may not be at the end; if it still is, the last write says so
            with contextlib.suppress(AutograderError):
                self._write(report)

    def last(self, report: Report | None) -> Report:
        """Tell it the result, or what was known when the time was over."""
        report = report or self._known
        if report is None:
            raise AutograderError("the time was over before the first check: raise the time limit")
        if not report.graded and report.fault is None:
            why = "the time was over while a check was running: raise the time limit"
            report = msgspec.structs.replace(report, fault=why)
        return self._write(report)

    def _write(self, report: Report) -> Report:
        if self._handed_in.name:
            report = msgspec.structs.replace(report, submission=self._handed_in.name)
        found = gradescope.results(report, self._course.visibility, self._handed_in)
        write_atomically(self._file, to_json(found))
        self._written = time.monotonic()
        return report


def _metadata(root: Path) -> HandedIn:
    """What Gradescope tells of the submission; not a word of it reaches student code."""
    path = root / "submission_metadata.json"
    try:
        path.chmod(0o600)
        return read_metadata(path.read_bytes())
    except OSError:
        return HandedIn()


@contextlib.contextmanager
def _interrupted_after(seconds: float) -> Iterator[None]:
    """As by Ctrl-C: all that grades knows how to end then."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

"""Otter grades with our sandbox: a plugin of otter-grader's, and what its test files call.

Otter runs a submission and its tests in one kernel, where the one can read and patch the other,
and unpickles what the kernel left, and the submission's ``.OTTER_LOG``, in the grading process
itself. Its plugins run outside of the kernel, and before all that. So `Sandbox` takes every file of
the student's away before otter looks at it, has it graded by ``autograder grade`` in processes of
its own, gives otter an empty notebook to run, and sets the points when that is done. Nothing that a
student wrote runs in otter's processes.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from otter.plugins import AbstractOtterPlugin
from otter.test_files import GradingResults, TestCase
from otter.test_files.abstract_test import TestCaseResult
from otter.test_files.exception_test import ExceptionTestFile

from autograder.errors import AutograderError
from autograder.report import CheckRow, ExerciseRow, Report, advice, judged, read_report

SUPPORT = "autograder-files"  # the folder of the zip that holds what is no test
COURSE = "course.zip"
_REPORT = "autograder-report.json"  # for the tests, in the folder where otter's kernel runs
_NOTEBOOK = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
_GIVE_UP_SECONDS = 6 * 3600  # the platform's own limit comes long before


class GradingFailedError(AutograderError):
    """The grader failed. It is none of otter's errors: those are scored with 0 points."""


class CheckFailed(Exception):
    """A check did not pass; what otter shows of it."""


class Sandbox(AbstractOtterPlugin):  # type: ignore[misc]
    """Grades the submission in our sandbox, whatever it does in otter's kernel.

    Its settings in ``otter_config.json``: `stage`, the assignment's name; `allow_weak`, true to
    grade where the sandbox is below its floor.
    """

    _report: Report

    def before_grading(self, config: Any) -> None:
        """Take the submission away and grade it.

        Raises:
            GradingFailedError: it could not be graded, which is not the student's fault.
        """
        submission = Path(self.submission_path)
        with tempfile.TemporaryDirectory(prefix="autograder-otter-") as base:
            staged = Path(base, "submission")
            _take_away(submission.parent, staged)
            _name_after(self.plugin_config["stage"], staged, submission.name)
            files = submission.parents[1] / "source" / "files" / SUPPORT
            report = _grade(staged, files, Path(base), self.plugin_config.get("allow_weak", False))
            shutil.copy(report, submission.parent / _REPORT)
        self._report = read_report(submission.parent / _REPORT)
        submission.write_bytes(_NOTEBOOK if submission.suffix == ".ipynb" else b"")

    def before_execution(self, submission: Any) -> Any:
        """Whatever otter was about to run, it runs an empty notebook."""
        submission["cells"] = []
        return submission

    def after_grading(self, results: GradingResults) -> None:
        """The points and messages are the report's, whatever the kernel came to."""
        results.clear_results()
        results._catastrophic_error = None
        for stage in self._report.stages:
            for exercise in stage.exercises:
                results.results[exercise.name] = _test_file(exercise)
        if self._report.notes:
            results.set_output("\n".join(self._report.notes))


def outcome(exercise: str, visibility: str, check: str) -> None:
    """What an otter test does: say how a check went that the plugin has had graded.

    Raises:
        CheckFailed: it did not pass; the text has the counter-example and the hint.
    """
    for row in _exercise(exercise).checks:
        if (row.visibility, row.name) == (visibility, check):
            if row.outcome != "passed":
                raise CheckFailed(_said(row))
            return
    raise CheckFailed(f"the check {check} is not in the report")


def _exercise(name: str) -> ExerciseRow:
    report = _cached_report(Path(_REPORT).resolve())
    return next(row for stage in report.stages for row in stage.exercises if row.name == name)


@functools.cache
def _cached_report(path: Path) -> Report:
    if not path.is_file():
        raise CheckFailed(
            "nothing was graded: this autograder.zip was generated without its otter_config.json"
        )
    return read_report(path)


def _take_away(folder: Path, staged: Path) -> None:
    """Move all that is the student's from otter's folder to ours; of otter's, keep the tests."""
    staged.mkdir()
    for entry in sorted(folder.iterdir()):
        if entry.name == "tests" or (entry.name == "__init__.py" and not entry.lstat().st_size):
            continue  # otter's own, put there after the student's
        if entry.name == SUPPORT:
            shutil.rmtree(entry)  # a copy of the course, which the student's files must not meet
        else:
            shutil.move(entry, staged / entry.name)


def _name_after(stage: str, staged: Path, main: str) -> None:
    """Otter grades the one file at the top, whatever it is called; we go by the stage's name."""
    suffix = Path(main).suffix
    if not any(staged.rglob(f"{stage}.py")) and not any(staged.rglob(f"{stage}.ipynb")):
        (staged / main).rename(staged / f"{stage}{suffix}")


def _grade(staged: Path, files: Path, base: Path, allow_weak: bool) -> Path:
    """Grade `staged`; the path of its report."""
    out = base / "graded"
    with zipfile.ZipFile(files / COURSE) as archive:
        archive.extractall(base)  # to course/
    command = [sys.executable, "-I", "-m", "autograder", "grade", str(staged)]
    command += ["--course", str(base / "course"), "--out", str(out), "--json"]
    try:
        done = subprocess.run(
            [*command, *(["--allow-weak"] if allow_weak else [])],
            cwd=base,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_GIVE_UP_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GradingFailedError(f"the submission could not be graded: {error}") from error
    report = out / staged.name / "report.json"
    if not report.is_file() or not read_report(report).graded:
        said = done.stderr.strip() or f"autograder ended with {done.returncode}"
        raise GradingFailedError(f"the submission could not be graded: {said}")
    return report


def _test_file(exercise: ExerciseRow) -> ExceptionTestFile:
    """An exercise as otter's result of one test file."""
    cases, found = [], []
    for row in (*judged(exercise.checks), *advice(exercise.checks)):
        case = TestCase(
            name=row.name,
            body="",
            hidden=row.visibility == "hidden",
            points=float(row.max_points),
            success_message=None,
            failure_message=None,
        )
        # advice costs nothing, so for otter it has passed
        passed = row.outcome == "passed" or not row.weight
        cases.append(case)
        found.append(TestCaseResult(test_case=case, message=_with_mark(row), passed=passed))
    file = ExceptionTestFile(exercise.name, f"tests/{exercise.name}.py", cases)
    file.test_case_results = found
    file.update_score(float(exercise.points))
    return file


def _with_mark(row: CheckRow) -> str:
    if row.outcome == "passed":
        return f"✅ {row.title}"
    return f"❌ {_said(row)}" if row.weight else f"Advice, worth no points: {_said(row)}"


def _said(row: CheckRow) -> str:
    return "\n\n".join(_parts(row))


def _parts(row: CheckRow) -> Iterator[str]:
    yield row.title
    yield row.message
    for hint in row.hint.splitlines():
        yield f"Hint: {hint}"

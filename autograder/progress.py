"""Progress bars, on standard error where that is a terminal."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from autograder.report import Report, check_rows


class Bar:
    """One bar for the submission that is being graded; it leaves nothing behind.

    Args:
        submissions: how many will be graded.
    """

    def __init__(self, submissions: int) -> None:
        # this very stream: while checks run, sys.stderr is pytest's
        self._console = Console(file=sys.stderr)
        self._submissions = submissions
        self._done = 0
        self._progress: Progress | None = None

    def show(self, report: Report) -> None:
        """Show how far a submission is, from its report so far."""
        if not self._console.is_terminal:
            return
        rows = list(check_rows(report.stages))
        if self._progress is None:
            self._done += 1
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.completed:.0f}/{task.total:.0f} checks"),
                console=self._console,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            count = f"{self._done}/{self._submissions} " if self._submissions > 1 else ""
            self._progress.add_task(f"{count}{report.submission}", total=len(rows))
            self._progress.start()
        graded = sum(row.outcome != "ungraded" for row in rows)
        self._progress.update(self._progress.task_ids[0], completed=graded)

    def clear(self) -> None:
        """Take the bar away, before anything else is printed."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


class Count:
    """A bar that counts; a context manager that takes it away.

    Args:
        what: what is counted, in the plural.
    """

    def __init__(self, what: str) -> None:
        self._console = Console(file=sys.stderr)
        self._progress = Progress(
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f} " + what),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task("", total=1)

    def __enter__(self) -> Count:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, done: int, total: int) -> None:
        """Show that `done` of `total` are done."""
        self._progress.update(self._task, completed=done, total=total)

"""The progress bar of a grading run, on standard error where that is a terminal."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

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

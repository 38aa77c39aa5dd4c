"""The rows of a report as platforms list them: of each exercise one for each kind of check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from autograder.course import VISIBILITIES, GradescopeVisibility, Visibility, VisibilityPolicy
from autograder.report import CheckRow, ExerciseRow, Report, StageRow, advice, hints, judged


@dataclass(frozen=True)
class Row:
    """The checks of one exercise that are of one kind, public or hidden."""

    stage: StageRow
    exercise: ExerciseRow
    visibility: Visibility
    checks: tuple[CheckRow, ...]

    @property
    def name(self) -> str:
        """What the row is called; no two of a course have the same name."""
        return f"{self.stage.stage}: {self.exercise.name} ({self.visibility} checks)"

    @property
    def points(self) -> Decimal:
        """What was earned so far."""
        return sum((check.points or Decimal(0) for check in self.checks), Decimal(0))

    @property
    def max_points(self) -> Decimal:
        """What could be earned."""
        return sum((check.max_points for check in self.checks), Decimal(0))

    @property
    def failing(self) -> list[CheckRow]:
        """The checks that count and don't hold."""
        return [check for check in judged(self.checks) if check.outcome != "passed"]

    @property
    def ungraded(self) -> bool:
        """Whether a check that counts says nothing about the student yet."""
        return any(check.outcome == "ungraded" for check in self.failing)


@dataclass(frozen=True)
class Paragraph:
    """A part of what is said about a row.

    `lines` are the course's words and ours. `quoted` is what a check said: it may quote a
    student's code, which may be written to look like anything, so it is shown as it stands.
    """

    lines: tuple[str, ...]
    quoted: str = ""


def rows_of(report: Report) -> Iterator[Row]:
    """The rows, in the order of the course."""
    for stage in report.stages:
        for exercise in stage.exercises:
            for visibility in VISIBILITIES:
                checks = tuple(c for c in exercise.checks if c.visibility == visibility)
                if checks:
                    yield Row(stage, exercise, visibility, checks)


def paragraphs(row: Row) -> list[Paragraph]:
    """What a student reads about a row; what several checks share is said once."""
    count, failing = len(judged(row.checks)), row.failing
    titles: dict[str, list[str]] = {}
    for check in failing:
        titles.setdefault(check.message, []).append(check.title)
    found = [Paragraph((f"{count - len(failing)} of {count} checks pass.",))] if count else []
    found += [Paragraph(tuple(map("✗ {}".format, held)), said) for said, held in titles.items()]
    found += [
        Paragraph((f"✓ {check.title}",), check.message)  # what a training came to
        for check in judged(row.checks)
        if check.outcome == "passed" and check.message
    ]
    found += [Paragraph((f"Hint: {hint}",)) for hint in hints(failing)]
    found += [
        Paragraph((f"Advice, worth no points: {check.title}",), check.message)
        for check in advice(row.checks)
    ]
    return found or [Paragraph(("These checks are advice, worth no points: there is none.",))]


def text(row: Row) -> str:
    """The paragraphs as plain text."""
    return "\n\n".join(
        "\n".join([*part.lines, *([part.quoted] if part.quoted else [])])
        for part in paragraphs(row)
    )


def shortened(text: str, longest: int) -> str:
    """A text of at most so many characters; one that is cut ends in an ellipsis."""
    return text if len(text) <= longest else text[: max(longest - 1, 0)] + "…"


def may_be_shown(row: Row, policy: VisibilityPolicy) -> bool:
    """Whether students may see at once what the checks of a row say.

    Gradescope is told when they may. The other platforms show all that they are given, so what is
    for later there is not said at all.
    """
    when: GradescopeVisibility = getattr(policy, row.visibility)
    return when == "visible"


UNSAID = "What these checks found is not shown here."

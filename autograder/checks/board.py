"""The board: a line for each exercise with its points and how it stands."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Literal

from autograder.course import Course
from autograder.report import ExerciseRow, Report, advice, hints, judged
from autograder.text import points_text

Standing = Literal["good", "partly", "bad", "open"]
MARKS: dict[Standing, tuple[str, str]] = {
    "good": ("✓", "green"),
    "partly": ("◐", "yellow"),
    "bad": ("✗", "red"),
    "open": ("·", "dim"),
}


@dataclass(frozen=True)
class Line:
    """One exercise on the board."""

    number: str
    name: str
    points: str
    standing: Standing
    text: str
    hints: Sequence[str] = ()


@dataclass(frozen=True)
class Board:
    """A titled list of lines, grouped by stage, with a last line that sums up."""

    title: str
    stages: Sequence[tuple[str, Sequence[Line]]]
    summary: str


def local_board(course: Course, verdicts: Iterable[Mapping[str, Any]]) -> Board:
    """The board of a student's own run: what each exercise is worth and how its checks went."""
    by_exercise: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for verdict in verdicts:
        by_exercise.setdefault((verdict["stage"], verdict["exercise"]), []).append(verdict)
    stages, done, total = [], 0, 0
    for assignment in course.assignments:
        lines = []
        for i, exercise in enumerate(assignment.exercises, start=1):
            found = by_exercise.get((assignment.stage, exercise.name))
            if not found:
                continue
            standing, text = _local_standing(found)
            done += standing == "good"
            total += 1
            points = f"{points_text(exercise.points)} pt"
            lines.append(Line(f"{assignment.number}.{i}", exercise.name, points, standing, text))
        if lines:
            stages.append((f"{assignment.number} {assignment.stage}", lines))
    summary = f"{done} of {total} exercises pass their public checks; hidden checks decide the rest"
    return Board(course.title, stages, summary)


def local_advice(verdicts: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What failing checks of weight 0 say that no check with a weight says."""
    verdicts = list(verdicts)
    said = {v["message"] for v in verdicts if v["weight"] and v["outcome"] != "passed"}
    return [
        verdict
        for verdict in verdicts
        if not verdict["weight"]
        and verdict["outcome"] != "passed"
        and verdict["message"] not in said
    ]


def _local_standing(verdicts: Sequence[Mapping[str, Any]]) -> tuple[Standing, str]:
    more = ", with advice" if local_advice(verdicts) else ""
    # where all points are in hidden checks, the others are what there is to show
    counting = [verdict for verdict in verdicts if verdict["weight"]]
    verdicts = counting or verdicts
    passed = sum(verdict["outcome"] == "passed" for verdict in verdicts)
    if passed == len(verdicts):
        return "good", f"{passed} of {passed} checks pass{more}"
    missing = [verdict for verdict in verdicts if verdict["outcome"] == "missing"]
    if missing and passed + len(missing) == len(verdicts):
        return "open", missing[0]["message"].splitlines()[0]
    outcomes = [v["outcome"] for v in verdicts if v["outcome"] not in ("passed", "missing")]
    text = f"{passed} of {len(verdicts)} checks pass"
    if set(outcomes) != {"failed"}:
        text += f" ({', '.join(dict.fromkeys(outcomes))})"
    return ("partly" if passed or not counting else "bad"), text + more


def graded_board(report: Report) -> Board:
    """The board of a graded submission: the points of each exercise and what went wrong first."""
    stages = []
    for stage in report.stages:
        lines = []
        for exercise in stage.exercises:
            standing, text = _graded_standing(exercise)
            points = f"{points_text(exercise.points)} / {points_text(exercise.max_points)}"
            found = hints(exercise.checks)
            lines.append(Line(exercise.number, exercise.name, points, standing, text, found))
        stages.append((f"{stage.number} {stage.stage}", lines))
    summary = f"{points_text(report.points)} of {points_text(report.max_points)} points"
    if not report.graded:
        summary += " so far: not all checks could be graded"
    return Board(report.submission, stages, summary)


def _graded_standing(exercise: ExerciseRow) -> tuple[Standing, str]:
    checks = judged(exercise.checks)
    passed = sum(check.outcome == "passed" for check in checks)
    text = f"{passed} of {len(checks)} checks pass"
    if passed == len(checks):
        return "good", f"{text}, with advice" if advice(exercise.checks) else text
    first = next(check for check in checks if check.outcome != "passed")
    outcomes = {check.outcome for check in checks} - {"passed"}
    if outcomes <= {"missing", "ungraded"}:
        return "open", first.message.splitlines()[0]
    if outcomes == {"failed"}:
        return ("partly" if passed else "bad"), f"{text}: {first.title}"
    return ("partly" if passed else "bad"), f"{text} ({first.outcome}): {_gist(first.message)}"


def _gist(message: str) -> str:
    """A message's lines on one line, shortened."""
    text = " ".join(line.strip() for line in message.splitlines())
    return text if len(text) <= 120 else text[:119] + "…"


def board_text(board: Board, width: int = 100) -> str:
    """A board as plain text."""
    text = io.StringIO()
    print_board(board, text, width, plain=True)
    return text.getvalue()


def print_board(
    board: Board, file: IO[str], width: int | None = None, *, plain: bool = False
) -> None:
    """Print a board with rich, in colour where `file` is a terminal that wants it.

    `plain`: never in colour, whatever the environment says.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # never as Jupyter output of its own: whoever wants that has HTML
    console = Console(
        file=file,
        width=width,
        highlight=False,
        force_jupyter=False,
        force_terminal=False if plain else None,
    )
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for i, (stage, lines) in enumerate(board.stages):
        if i:
            table.add_row()
        number, name = stage.split(" ", 1)
        table.add_row(Text(number, "bold"), Text(name, "bold"))
        for line in lines:
            mark, style = MARKS[line.standing]
            table.add_row(
                Text(line.number, "dim"),
                Text(line.name),
                Text(line.points),
                Text(f"{mark} {line.text}", style),
            )
            for hint in line.hints:
                table.add_row("", "", "", Text(f"  {hint}", "italic"))
    console.print(Text(board.title, "bold"))
    console.print()
    console.print(table)
    console.print()
    console.print(Text(board.summary))

"""A proof as a person reads it: a table of counts, one of tolerances, and what does not hold."""

from __future__ import annotations

from typing import IO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.checks.goals import Calibration
from autograder.proof.matrix import StageMatrix
from autograder.proof.proof import Precision, Proof, StageProof
from autograder.report import inputs_text
from autograder.text import points_text


def print_proof(proof: Proof, file: IO[str], width: int | None = None) -> None:
    """Print a proof; in colour where `file` is a terminal that wants it."""
    console = Console(file=file, width=width, highlight=False)
    console.print(Text(proof.course, "bold"))
    for table in (_right(proof.stages), _wrong(proof.stages), _precision(proof.stages)):
        if table.row_count:
            console.print()
            console.print(table)
    failures = [("", failure) for failure in proof.failures]
    failures += [(stage.stage, failure) for stage in proof.stages for failure in stage.failures]
    console.print()
    for where, failure in failures:
        line = Text.assemble((f"{where} {failure.what}: ".lstrip(), "bold"), failure.name)
        console.print(_hanging(Text("✗", "red"), line))
        console.print(_hanging(Text("   "), Text(failure.why)))
    pace = f"; {proof.mutants_per_minute} mutants a minute" if proof.mutants_per_minute else ""
    told = f"{inputs_text(proof.examples)}, {proof.seconds:.0f} s{pace}"
    if proof.holds:
        console.print(Text.assemble(("✓ all of it holds", "green"), f" ({told})"))
    else:
        console.print(Text.assemble((f"✗ {len(failures)} don't hold", "red"), f" ({told})"))


def _right(stages: list[StageProof]) -> Table:
    """What is right, and the stub."""
    table = _table(
        *("what is right", "points of the\nreference", "of the\nstub", "alternatives\nwith all"),
        "CPU time of the\nslowest check",
    )
    for stage in stages:
        table.add_row(
            stage.stage,
            f"{points_text(stage.reference_points)} of {points_text(stage.max_points)}",
            points_text(stage.stub_points),
            f"{stage.alternatives_full} of {stage.alternatives}",
            f"{stage.slowest_share_of_limit:.0%} of its limit",
        )
    return table


def _wrong(stages: list[StageProof]) -> Table:
    """What is wrong: known mistakes, and mutants."""
    table = _table(
        *("what is wrong", "mistakes\ncaught", "cost points\nelsewhere", "told by\na hint"),
        *("points\nkept", "mutants\nnoticed", "equi-\nvalent"),
    )
    for stage in stages:
        judged = stage.killed + stage.survived
        table.add_row(
            stage.stage,
            f"{stage.caught}/{stage.mistakes}",
            f"{stage.misplaced}",
            f"{stage.diagnosed}/{stage.mistakes}",
            f"{stage.kept:.0%}",
            f"{stage.killed}/{judged}" if judged else "–",
            f"{stage.equivalent}" if judged else "–",
        )
    return table


def _precision(stages: list[StageProof]) -> Table:
    """How tolerances lie between right and wrong."""
    table = _table(
        *("errors in tolerances", "", "largest of\nwhat is right", "smallest of\nwhat is wrong"),
        "noticed\nfrom",
    )
    for stage in stages:
        for row in stage.precision:
            table.add_row(f"{stage.stage} {row.exercise}", row.dtype, *_measures(row))
    return table


def _measures(row: Precision) -> tuple[str, str, str]:
    wrong = f"{row.wrong:.3g}" if row.wrong is not None else "–"
    noticed = f"{row.resolution:.0f} eps" if row.resolution is not None else "–"
    return f"{row.right:.2g}", wrong, noticed


def _table(first: str, *others: str) -> Table:
    """A table of numbers that is no wider than 80 characters."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(first, vertical="bottom")
    for name in others:
        table.add_column(name, justify="right" if name else "left")
    for column in table.columns:
        column.header_style = "none"
    return table


def _hanging(mark: Text, text: Text) -> Table:
    """A text whose further lines begin where the first does."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_row(mark, text)
    return table


def print_matrix(stages: list[StageMatrix], file: IO[str], width: int | None = None) -> None:
    """Print how many inputs it takes, and the checks that notice nothing alone."""
    console = Console(file=file, width=width, highlight=False)
    for stage in stages:
        told = f"{stage.mistakes} mistakes and {stage.mutants} mutants, {stage.seeds} seeds"
        console.print(Text.assemble((stage.stage, "bold"), f": {told}"))
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for name in ("inputs a check", "mistakes noticed", "worst seed", "mutants noticed"):
            table.add_column(name, justify="right")
        for row in stage.caught:
            shares = (row.mistakes, row.worst, row.mutants)
            table.add_row(str(row.inputs), *(f"{share:.1%}" for share in shares))
        console.print(table)
        idle = [check for check in stage.checks if not check.alone]
        if idle:
            console.print("Checks that notice nothing that no other does:")
        for check in idle:
            console.print(f"  {check.exercise}: {check.name} (notices {check.notices})")
        console.print()


def print_calibration(found: Calibration, file: IO[str], width: int | None = None) -> None:
    """Print what each training has to reach, and how often mistakes earn all points."""
    console = Console(file=file, width=width, highlight=False)
    for name, goal in found.goals.items():
        told = (
            f"all points from {goal.threshold:g}%, none up to {goal.floor:g}%; the weakest right "
            f"training has {goal.mean:g} ± {goal.spread:g}% over {goal.seeds} seeds and misses it "
            f"with a probability below {goal.false_fail:g}"
        )
        console.print(Text.assemble((name, "bold"), f": {told}"))
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("mistake")
        for column in ("seeds", "refused", "accuracy", "earns all points"):
            table.add_column(column, justify="right")
        for mistake in goal.mistakes:
            odds = f"below {mistake.full:g}"
            mean = f"{mistake.mean:g}%" if mistake.refused < mistake.seeds else "–"
            table.add_row(mistake.name, str(mistake.seeds), str(mistake.refused), mean, odds)
        if goal.mistakes:
            console.print(table)
        console.print()

"""A proof as a person reads it: a table of counts, one of tolerances, and what does not hold."""

from __future__ import annotations

from typing import IO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.proof.proof import Precision, Proof, StageProof


def print_proof(proof: Proof, file: IO[str], width: int | None = None) -> None:
    """Print a proof; in colour where `file` is a terminal that wants it."""
    console = Console(file=file, width=width, highlight=False)
    console.print(Text(proof.course, "bold"))
    console.print()
    console.print(_counts(proof.stages))
    if any(stage.precision for stage in proof.stages):
        console.print()
        console.print(_precision(proof.stages))
    failures = [("", failure) for failure in proof.failures]
    failures += [(stage.stage, failure) for stage in proof.stages for failure in stage.failures]
    console.print()
    for where, failure in failures:
        line = Text.assemble(
            ("✗ ", "red"), (f"{where} {failure.what}: ".lstrip(), "bold"), failure.name
        )
        console.print(line)
        console.print(Text(f"    {failure.why}"))
    pace = f"; {proof.mutants_per_minute} mutants a minute" if proof.mutants_per_minute else ""
    told = f"{proof.examples} inputs a check, {proof.seconds:.0f} s{pace}"
    if proof.holds:
        console.print(Text.assemble(("✓ all of it holds", "green"), f" ({told})"))
    else:
        console.print(Text.assemble((f"✗ {len(failures)} don't hold", "red"), f" ({told})"))


def _counts(stages: list[StageProof]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("stage")
    for name in (
        "reference",
        "stub",
        "alternatives full",
        "mistakes caught",
        "misplaced",
        "diagnosed",
        "points kept",
        "mutants killed",
        "equivalent",
        "slowest of limit",
    ):
        table.add_column(name, justify="right")
    for stage in stages:
        judged = stage.killed + stage.survived
        table.add_row(
            stage.stage,
            f"{stage.reference_points:f}/{stage.max_points:f}",
            f"{stage.stub_points:f}",
            f"{stage.alternatives_full}/{stage.alternatives}",
            f"{stage.caught}/{stage.mistakes}",
            f"{stage.misplaced}",
            f"{stage.diagnosed}/{stage.mistakes}",
            f"{stage.kept:.0%}",
            f"{stage.killed}/{judged}" if judged else "–",
            f"{stage.equivalent}",
            f"{stage.slowest_share_of_limit:.0%}",
        )
    return table


def _precision(stages: list[StageProof]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("tolerances", "dtype"):
        table.add_column(name)
    for name in ("largest right error", "tolerance", "smallest wrong error", "notices"):
        table.add_column(name, justify="right")
    for stage in stages:
        for row in stage.precision:
            table.add_row(f"{stage.stage} {row.exercise}", row.dtype, *_measures(row))
    return table


def _measures(row: Precision) -> tuple[str, str, str, str]:
    wrong = f"{row.wrong:.3g}" if row.wrong is not None else "–"
    notices = f"{row.resolution:.0f} eps" if row.resolution is not None else "–"
    return f"{row.right:.2g}", "1", wrong, notices

"""A proof as a person reads it, also in a narrow terminal."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest

from autograder.checks.goals import Calibration, Goal, MistakeOdds
from autograder.proof.proof import Failure, Precision, Proof, StageProof
from autograder.proof.summary import print_calibration, print_proof

CULPRIT = Failure("mutant", "line 7, pairs: return n → return -n", "no check notices it " * 8)


def stage(name: str, *failures: Failure) -> StageProof:
    return StageProof(
        stage=name,
        checks=120,
        max_points=Decimal("12.50"),
        reference_points=Decimal("12.50"),
        mistakes=105,
        caught=104,
        misplaced=3,
        diagnosed=103,
        kept=0.321,
        alternatives=12,
        alternatives_full=11,
        mutants=312,
        killed=301,
        survived=5,
        equivalent=6,
        slowest_check="test_is_close",
        slowest_share_of_limit=0.083,
        precision=[
            Precision("train_val_split", "float32", 0.0143, 69312.5, 56.0),
            Precision("train_val_split", "float64", 0.3, None, None),
        ],
        failures=list(failures),
    )


def printed(width: int, *stages: StageProof, failures: tuple[Failure, ...] = ()) -> list[str]:
    out = io.StringIO()
    proof = Proof("A course", {"sums": 50}, list(stages), list(failures), 61.2, 2810)
    print_proof(proof, out, width)
    return [line.rstrip() for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("width", [80, 120])
def test_every_number_is_readable(width: int) -> None:
    lines = printed(width, stage("convolutions"), stage("batching"))
    assert all(len(line) <= width for line in lines)
    assert not any("…" in line for line in lines)
    right, wrong, *near = (line.split() for line in lines if line.startswith("convolutions"))
    assert right[1:] == ["12.5", "of", "12.5", "0", "11", "of", "12", "8%", "of", "its", "limit"]
    assert wrong[1:] == ["104/105", "3", "103/105", "32%", "301/306", "6"]
    assert [row[2:] for row in near] == [
        ["float32", "0.014", "6.93e+04", "56", "eps"],
        ["float64", "0.3", "–", "–"],
    ]
    assert lines[-1] == "✓ all of it holds (50 inputs a check, 61 s; 2810 mutants a minute)"


def test_what_does_not_hold_comes_last_with_its_stage_and_why() -> None:
    lines = printed(80, stage("sums", CULPRIT), failures=(Failure("release", "student", "no"),))
    at = lines.index("✗ release: student")
    assert lines[at + 1] == "    no"
    assert lines[at + 2] == "✗ sums mutant: line 7, pairs: return n → return -n"
    assert " ".join(" ".join(lines[at + 3 : -1]).split()) == CULPRIT.why.strip()
    assert all(line.startswith("    ") for line in lines[at + 3 : -1])
    assert lines[-1].startswith("✗ 2 don't hold (")


def test_without_mutants_and_floats_nothing_is_said_of_them() -> None:
    bare = StageProof("words", 1, Decimal(1), Decimal(1), slowest_check="test_shout")
    lines = printed(80, bare)
    assert [line.split() for line in lines if line.startswith("words")][1][1:] == [
        *("0/0", "0", "0/0", "0%", "–", "–")
    ]
    assert not any("tolerances" in line for line in lines)


def test_a_calibration_says_how_often_it_is_unfair() -> None:
    """What has to be reached, with its error rate, and what each mistake reaches."""
    blind = MistakeOdds("blind", 60, 10.25, 0.017, refused=3)
    lost = MistakeOdds("lost", 60, 0.0, 0.016, refused=60)
    goal = Goal(80.2, 90.2, 0.00069, 0.99, 300, 0, 93.1, 0.42, [blind, lost])
    out = io.StringIO()
    print_calibration(Calibration("2026-11-21", "d", {}, {"train": goal}), out, 200)
    first, head, row, refused, *_ = (line.split() for line in out.getvalue().splitlines())
    for said in ("train:", "90.2%,", "80.2%;", "93.1", "0.42%", "300", "0.00069"):
        assert said in first
    assert head == ["mistake", "seeds", "refused", "accuracy", "earns", "all", "points"]
    assert row == ["blind", "60", "3", "10.25%", "below", "0.017"]
    assert refused == ["lost", "60", "60", "–", "below", "0.016"]

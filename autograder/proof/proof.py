"""What a proof comes to: counts for each stage, and whatever does not hold, with its culprit."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class Failure(msgspec.Struct, frozen=True):
    """Something that does not hold.

    `what` is the kind of thing (`mistake`, `alternative`, `release`, …), `name` the culprit.
    """

    what: str
    name: str
    why: str


class Precision(msgspec.Struct, frozen=True):
    """How the tolerance of one exercise and dtype lies between right and wrong.

    Args:
        exercise: the exercise.
        dtype: what was computed in.
        right: the largest error of the reference or an alternative, in units of the tolerance;
            above 1 a right answer would be refused.
        wrong: the smallest error that gave a mistake away, in the same units; None where every
            mistake is given away by something else than its values.
        resolution: the relative error that the check with the widest tolerance still notices, in
            units of the dtype's eps.
    """

    exercise: str
    dtype: str
    right: float
    wrong: float | None
    resolution: float | None


class MistakeRow(msgspec.Struct, frozen=True):
    """What one mistake came to.

    Args:
        exercise, name: which it is.
        kept: the share of its exercise's points that it keeps.
        error: the largest error of its answers, in units of the tolerance, over all inputs that
            were drawn; None where something else than a value gives it away.
        named: the mistakes that a student who makes it is told of.
    """

    exercise: str
    name: str
    kept: float
    error: float | None
    named: list[str]


class StageProof(msgspec.Struct):
    """The counts of one stage."""

    stage: str
    checks: int
    max_points: Decimal
    reference_points: Decimal = Decimal(0)
    stub_points: Decimal = Decimal(0)
    mistakes: int = 0
    caught: int = 0
    misplaced: int = 0
    diagnosed: int = 0
    diagnosed_alone: int = 0
    kept: float = 0.0  # the share of its exercise's points that a mistake keeps, on average
    alternatives: int = 0
    alternatives_full: int = 0
    mutants: int = 0
    killed: int = 0
    equivalent: int = 0
    survived: int = 0
    slowest_check: str = ""
    slowest_share_of_limit: float = 0.0
    precision: list[Precision] = []
    each_mistake: list[MistakeRow] = []
    failures: list[Failure] = []


class Proof(msgspec.Struct):
    """The whole proof; `failures` are those of the course as such.

    `examples` is the number of inputs a check, by stage.
    """

    course: str
    examples: dict[str, int]
    stages: list[StageProof]
    failures: list[Failure]
    seconds: float
    mutants_per_minute: float | None = None

    @property
    def holds(self) -> bool:
        """Whether nothing has failed."""
        return not self.failures and not any(stage.failures for stage in self.stages)

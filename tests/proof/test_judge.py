"""What is demanded of a stage, judged on trials that were made up."""

from __future__ import annotations

import dataclasses
import math
from decimal import Decimal

import pytest
import torch

from autograder.checks.comparison import Closeness
from autograder.course import CheckKey, Course, Limits
from autograder.mistakes import Mistake
from autograder.proof.bench import Trial
from autograder.proof.judge import judge
from autograder.proof.mutants import Equivalent, Mutant, Sorted
from autograder.proof.plan import Plan
from autograder.proof.proof import Failure, Precision, StageProof
from autograder.proof.variants import Kind, Variant
from autograder.report import Diagnosis

MORE: CheckKey = ("sums", "public", "test_one_thing_more_pairs_with_all_others")
PAIRS: CheckKey = ("sums", "hidden", "test_is_the_reference")
ABOVE: CheckKey = ("sums", "hidden", "test_above_the_range")
VARIANCE: CheckKey = ("sums", "hidden", "test_is_close")


def trial(
    kind: Kind, name: str = "", *failed: CheckKey, exercise: str = "", **more: object
) -> Trial:
    """What a variant came to: the checks that failed, and more of a `Trial`'s fields."""
    variant = Variant(kind, "sums", name, "", exercise)
    return dataclasses.replace(Trial(variant, dict.fromkeys(failed, "expected 1")), **more)


def mistake(name: str, *failed: CheckKey, told: tuple[str, ...] = ()) -> Trial:
    """A mistake in `pairs`, and what it was taken for."""
    diagnoses = {key: Diagnosis(told, "?") for key in failed} if told else {}
    return trial("mistake", name, *failed, exercise="pairs", diagnoses=diagnoses)


def mutant(number: int) -> Mutant:
    return Mutant("Add→Sub", number, "pairs", "return a", f"return {number}", "")


class Judging:
    """The stage `sums`, with trials of what is right that hold; `of` adds to them."""

    def __init__(self, course: Course) -> None:
        assignment = course.assignment("sums")
        self.plan = Plan(assignment, (), (), (), Sorted((), (), ()))
        everything = [(c.stage, c.visibility, c.name) for c in assignment.checks]
        self.right = trial("reference", seconds=dict.fromkeys(everything, 0.1))
        self.stub = trial("stub", "stub", *everything)

    def without_weight(self, key: CheckKey) -> None:
        """Make a check advice; another of its exercise gets its points."""
        checks = list(self.plan.assignment.checks)
        (old,) = (c for c in checks if (c.stage, c.visibility, c.name) == key)
        other = next(c for c in checks if c.exercise == old.exercise and c is not old)
        new = {
            old: dataclasses.replace(old, weight=0.0, points=Decimal(0)),
            other: dataclasses.replace(other, points=other.points + old.points),
        }
        checks = [new.get(check, check) for check in checks]
        assignment = dataclasses.replace(self.plan.assignment, checks=tuple(checks))
        self.plan = dataclasses.replace(self.plan, assignment=assignment)

    def of(self, *trials: Trial, **plan: object) -> StageProof:
        return judge(dataclasses.replace(self.plan, **plan), [self.right, self.stub, *trials])


@pytest.fixture
def judging(known_course: Course) -> Judging:
    return Judging(known_course)


def test_where_all_is_right_nothing_fails(judging: Judging) -> None:
    proof = judging.of(
        trial("alternative", "loops"),
        mistake("twice", PAIRS, told=("twice",)),
        trial("mutant", "0", PAIRS),
        mutants=Sorted((mutant(1),), (), ()),
    )
    assert proof.failures == []
    assert (proof.stage, proof.checks, proof.max_points) == ("sums", 12, 10)
    assert (proof.reference_points, proof.stub_points) == (10, 0)
    assert (proof.alternatives, proof.alternatives_full) == (1, 1)
    assert (proof.mistakes, proof.caught, proof.misplaced) == (1, 1, 0)
    assert (proof.diagnosed, proof.diagnosed_alone) == (1, 1)
    assert (proof.mutants, proof.killed, proof.survived, proof.equivalent) == (1, 1, 0, 0)


class TestWhatIsRight:
    def test_a_reference_has_to_have_every_point(self, judging: Judging) -> None:
        """When graded in full, and on the recorded inputs."""
        proof = judging.of(trial("reference", "", PAIRS))
        assert proof.failures == [Failure("reference", PAIRS[2], "expected 1")]
        assert proof.reference_points == 9

    def test_a_stub_has_to_have_none(self, judging: Judging) -> None:
        del judging.stub.failed[PAIRS]
        proof = judging.of()
        assert proof.failures == [Failure("stub", PAIRS[2], "passes on the stub")]
        assert proof.stub_points == 1

    def test_a_check_without_points_may_pass_on_the_stub(self, judging: Judging) -> None:
        free = tuple(
            dataclasses.replace(check, points=Decimal(0)) if check.name == PAIRS[2] else check
            for check in judging.plan.assignment.checks
        )
        judging.plan = dataclasses.replace(
            judging.plan, assignment=dataclasses.replace(judging.plan.assignment, checks=free)
        )
        del judging.stub.failed[PAIRS]
        assert not [f for f in judging.of().failures if f.what == "stub"]

    def test_an_alternative_has_to_lose_nothing(self, judging: Judging) -> None:
        proof = judging.of(
            trial("alternative", "loops", PAIRS, ABOVE), trial("alternative", "numpy")
        )
        assert proof.failures == [
            Failure("alternative", "loops", f"{PAIRS[2]}: expected 1"),
            Failure("alternative", "loops", f"{ABOVE[2]}: expected 1"),
        ]
        assert (proof.alternatives, proof.alternatives_full) == (2, 1)

    def test_advice_that_an_alternative_is_given_costs_it_nothing(self, judging: Judging) -> None:
        """It stands on a check of weight 0; the reference has to follow it."""
        judging.without_weight(MORE)
        proof = judging.of(trial("alternative", "numpy", MORE))
        assert proof.failures == []
        assert proof.alternatives_full == 1
        proof = judging.of(trial("reference", "", MORE))
        assert proof.failures == [Failure("reference", MORE[2], "expected 1")]
        assert proof.reference_points == 10

    def test_the_slowest_check_may_take_a_third_of_its_limit(self, judging: Judging) -> None:
        """Of the CPU time or that by the clock, whichever is less: here 3 s of the former."""
        judging.right.seconds[PAIRS] = 0.99
        proof = judging.of()
        assert proof.failures == []
        assert (proof.slowest_check, proof.slowest_share_of_limit) == (PAIRS[2], 0.33)
        judging.right.seconds[PAIRS] = 1.01
        proof = judging.of()
        assert proof.failures == [Failure("limit", PAIRS[2], "the reference takes 1.0 s of 3 s")]
        limits = Limits(wall_seconds=1.5, cpu_seconds=3)
        assignment = dataclasses.replace(judging.plan.assignment, limits=limits)
        proof = judging.of(assignment=assignment)
        assert proof.failures[0].why == "the reference takes 1.0 s of 1.5 s"

    def test_every_exercise_has_a_hidden_check_with_points(self, judging: Judging) -> None:
        assignment = judging.plan.assignment
        checks = tuple(c for c in assignment.checks if c.name != PAIRS[2])
        proof = judging.of(assignment=dataclasses.replace(assignment, checks=checks))
        assert Failure("exercise", "pairs", "is judged by no hidden check") in proof.failures


class TestMistakes:
    def test_one_has_to_lose_points(self, judging: Judging) -> None:
        proof = judging.of(mistake("twice"), mistake("other", PAIRS, told=("other",)))
        assert Failure("mistake", "pairs: twice", "loses no points") in proof.failures
        assert (proof.mistakes, proof.caught) == (2, 1)
        assert proof.kept == 0.75  # the one keeps all of them, the other half

    def test_no_points_of_another_exercise(self, judging: Judging) -> None:
        proof = judging.of(mistake("twice", PAIRS, ABOVE, told=("twice",)))
        assert proof.failures == [
            Failure("mistake", "pairs: twice", f"fails {ABOVE[2]} of clamp too")
        ]
        assert (proof.caught, proof.misplaced) == (1, 1)

    def test_advice_is_neither_lost_nor_misplaced(self, judging: Judging) -> None:
        judging.without_weight(ABOVE)
        proof = judging.of(mistake("twice", PAIRS, ABOVE, told=("twice",)))
        assert proof.failures == []
        assert (proof.caught, proof.misplaced) == (1, 0)
        judging.without_weight(MORE)
        proof = judging.of(mistake("twice", MORE, told=("twice",)))
        assert proof.failures == [Failure("mistake", "pairs: twice", "loses no points")]

    def test_one_that_is_found_elsewhere_only_is_not_caught(self, judging: Judging) -> None:
        proof = judging.of(mistake("twice", ABOVE, told=("twice",)))
        assert [failure.why for failure in proof.failures] == [
            "loses no points",
            f"fails {ABOVE[2]} of clamp too",
        ]

    def test_95_of_100_have_to_be_diagnosed(self, judging: Judging) -> None:
        def proof(diagnosed: int) -> StageProof:
            return judging.of(
                *(mistake(f"m{i}", PAIRS, told=(f"m{i}", "x")) for i in range(diagnosed)),
                *(mistake(f"m{i}", PAIRS, told=("x", "b")) for i in range(diagnosed, 99)),
                mistake("m99", PAIRS),
            )

        enough, too_few = proof(95), proof(94)
        assert enough.failures == []
        assert (enough.diagnosed, enough.diagnosed_alone) == (95, 0)
        assert len(too_few.failures) == 6
        assert too_few.failures[0] == Failure("diagnosis", "pairs: m94", "is taken for b, x")
        assert too_few.failures[-1] == Failure("diagnosis", "pairs: m99", "is taken for none")

    def test_one_that_can_not_be_made_is_named_and_counts(self, judging: Judging) -> None:
        unfit = Failure("mistake", "pairs: old", "`find` occurs 0 times in the reference, not once")
        proof = judging.of(unfit=(unfit,))
        assert proof.failures == [unfit]
        assert (proof.mistakes, proof.caught) == (1, 0)

    def test_a_hint_may_not_quote_its_patch(self, judging: Judging) -> None:
        told = Mistake("pairs", "twice", "return 1", "return 2", "Why `return 2`?")
        assert judging.of(mistakes=(told,)).failures == [
            Failure("hint", "pairs: twice", "the hint quotes the patch")
        ]


class TestMutants:
    def test_98_of_100_have_to_be_noticed(self, judging: Judging) -> None:
        judged = Sorted(tuple(mutant(number) for number in range(100)), (), ())

        def proof(killed: int) -> StageProof:
            found = [trial("mutant", str(i), *([PAIRS] if i < killed else [])) for i in range(100)]
            return judging.of(*found, mutants=judged)

        enough, too_few = proof(98), proof(97)
        assert enough.failures == []
        assert (enough.mutants, enough.killed, enough.survived) == (100, 98, 2)
        assert too_few.failures == [
            Failure("mutant", f"line {i}, pairs: return a → return {i}", "no check notices it")
            for i in (97, 98, 99)
        ]

    def test_advice_does_not_notice_one(self, judging: Judging) -> None:
        judging.without_weight(MORE)
        proof = judging.of(trial("mutant", "0", MORE), mutants=Sorted((mutant(1),), (), ()))
        assert (proof.killed, proof.survived) == (0, 1)

    def test_an_equivalent_one_may_not_be_noticed(self, judging: Judging) -> None:
        """Nor does it count, where it is not."""
        reason = Equivalent("pairs", "return a", "return 2", "they are the same")
        found = Sorted((mutant(1),), ((mutant(2), reason), (mutant(3), reason)), ())
        proof = judging.of(
            trial("mutant", "0", PAIRS), trial("mutant", "1"), trial("mutant", "2", ABOVE),
            mutants=found,
        )  # fmt: skip
        assert (proof.mutants, proof.killed, proof.survived, proof.equivalent) == (3, 1, 0, 2)
        why = f"is not equivalent (they are the same): {ABOVE[2]} notices it"
        assert proof.failures == [Failure("mutant", "line 3, pairs: return a → return 3", why)]

    def test_an_entry_for_none_has_to_go(self, judging: Judging) -> None:
        stale = Equivalent("pairs", "return a", "return b", "they are the same")
        assert judging.of(mutants=Sorted((), (), (stale,))).failures == [
            Failure("equivalent.toml", "pairs: return a → return b", "there is no such mutant")
        ]


def near(error: float, resolution: float, dtype: torch.dtype = torch.float32) -> dict[str, object]:
    return {"closest": ((VARIANCE, Closeness(dtype, error, resolution)),)}


class TestTolerances:
    def test_they_lie_between_the_largest_right_and_the_smallest_wrong_error(
        self, judging: Judging
    ) -> None:
        proof = judging.of(
            trial("reference", **near(0.2, 24.04)),
            trial("alternative", "loops", **near(0.31, 30)),
            trial("mistake", "a", VARIANCE, exercise="variance", **near(70.0, 24)),
            trial("mistake", "b", VARIANCE, exercise="variance", **near(9.0, 24)),
            # given away by its shape, and by a NaN
            trial("mistake", "c", VARIANCE, exercise="variance", **near(0.2, 24)),
            trial("mistake", "d", VARIANCE, exercise="variance", **near(math.inf, 24)),
        )
        assert proof.precision == [Precision("variance", "float32", 0.31, 9.0, 30.0)]

    def test_a_mistake_has_to_be_well_outside_of_them(self, judging: Judging) -> None:
        """Ten times the tolerance, where it is values that give it away."""
        proof = judging.of(
            trial("reference", **near(0.2, 24)),
            trial("mistake", "near", VARIANCE, exercise="variance", **near(9.9, 24)),
            trial("mistake", "far", VARIANCE, exercise="variance", **near(10.0, 24)),
            trial("mistake", "shape", VARIANCE, exercise="variance", **near(0.2, 24)),
            trial("mistake", "nan", VARIANCE, exercise="variance", **near(math.inf, 24)),
        )
        rows = {row.name: row.error for row in proof.each_mistake}
        assert rows == {"near": 9.9, "far": 10.0, "shape": None, "nan": None}
        why = "is off by 9.9 times the tolerance, and should be by 10"
        assert [f for f in proof.failures if f.what == "mistake"] == [
            Failure("mistake", "variance: near", why)
        ]

    def test_each_dtype_has_its_own(self, judging: Judging) -> None:
        proof = judging.of(
            trial("reference", **near(0.2, 24)),
            trial("reference", **near(0.1, 12, torch.float64)),
        )
        assert proof.precision == [
            Precision("variance", "float32", 0.2, None, 24.0),
            Precision("variance", "float64", 0.1, None, 12.0),
        ]

    def test_where_nothing_but_zeros_is_expected_there_is_no_resolution(
        self, judging: Judging
    ) -> None:
        proof = judging.of(trial("reference", **near(0.0, math.inf)))
        assert proof.precision == [Precision("variance", "float32", 0.0, None, None)]
        assert proof.failures == []

    def test_a_check_that_would_not_notice_what_its_exercise_asks_for_is_named(
        self, judging: Judging
    ) -> None:
        """100 eps, unless the exercise's `resolution` says otherwise."""
        coarse = trial("reference", **near(0.0, 240))
        why = (
            "notices a relative error of 240 eps in torch.float32 at the least, "
            "and should notice one of 100 eps"
        )
        assert judging.of(coarse).failures == [Failure("tolerance", VARIANCE[2], why)]
        assert judging.of(trial("reference", **near(0.0, 99))).failures == []
        exercises = tuple(
            type(e)(name=e.name, points=e.points, resolution=300)
            for e in judging.plan.assignment.exercises
        )
        assignment = dataclasses.replace(judging.plan.assignment, exercises=exercises)
        assert judging.of(coarse, assignment=assignment).failures == []

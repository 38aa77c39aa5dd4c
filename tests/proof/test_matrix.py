"""The matrix of checks and wrong variants, summed up."""

from __future__ import annotations

from autograder.course import CheckKey, Course
from autograder.proof.bench import Trial
from autograder.proof.matrix import StageMatrix, sum_up
from autograder.proof.variants import Kind, Variant

SUM: CheckKey = ("doubles", "public", "test_double_is_a_sum")
NEGATIVE: CheckKey = ("doubles", "hidden", "test_double_of_negative")


def trial(kind: Kind, name: str, seed: int, **first: int) -> Trial:
    """A variant of `double` that was given away by these inputs of `sum` and `negative`."""
    keys = {"sum": SUM, "negative": NEGATIVE}
    found = {keys[check]: number for check, number in first.items()}
    variant = Variant(kind, "doubles", name, "", "double" if kind == "mistake" else "")
    return Trial(variant, dict.fromkeys(found, "wrong"), found, seed=seed)


def matrix(toy_course: Course, *trials: Trial) -> StageMatrix:
    return sum_up(toy_course.assignment("doubles"), 2, trials)


def test_a_check_that_notices_nothing_alone_is_told_from_one_that_does(toy_course: Course) -> None:
    found = matrix(
        toy_course,
        trial("mistake", "a", 1, sum=0, negative=0),
        trial("mistake", "a", 2, sum=0, negative=3),
        trial("mutant", "0", 1, negative=0),
        trial("mutant", "0", 2),
    )
    worth = {check.name: check for check in found.checks}
    assert (worth[SUM[2]].notices, worth[SUM[2]].alone) == (1, 0)
    assert (worth[NEGATIVE[2]].notices, worth[NEGATIVE[2]].alone) == (2, 1)
    assert worth["test_half_of_double"].notices == 0
    assert (found.mistakes, found.mutants) == (1, 1)


def test_inputs_are_those_with_which_nearly_all_was_noticed(toy_course: Course) -> None:
    found = matrix(
        toy_course,
        trial("mistake", "a", 1, sum=0, negative=0),
        trial("mistake", "a", 2, sum=6, negative=0),
        trial("mistake", "b", 1, negative=0),
        trial("mistake", "b", 2),
    )
    worth = {check.name: check for check in found.checks}
    assert worth[SUM[2]].inputs == 7
    assert worth[NEGATIVE[2]].inputs is None, "one of four was never noticed"
    assert worth["test_half_of_double"].inputs is None


def test_what_is_noticed_grows_with_the_inputs(toy_course: Course) -> None:
    found = matrix(
        toy_course,
        trial("mistake", "a", 1, sum=0, negative=60),
        trial("mistake", "a", 2, sum=7),
        trial("mistake", "b", 1, negative=3),
        trial("mistake", "b", 2, negative=3),
        trial("mutant", "0", 1, sum=1),
        trial("mutant", "0", 2, sum=1),
    )
    caught = {row.inputs: row for row in found.caught}
    assert (caught[1].mistakes, caught[1].worst, caught[1].mutants) == (0.25, 0.0, 0.0)
    assert (caught[5].mistakes, caught[5].worst, caught[5].mutants) == (0.75, 0.5, 1.0)
    assert (caught[10].mistakes, caught[10].worst) == (1.0, 1.0)

"""What there is to try of a stage: its variants, right and wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from autograder.course import Assignment
from autograder.mistakes import Mistake, read_mistakes
from autograder.proof.mutants import Mutant, Sorted, mutants, read_equivalents, set_aside
from autograder.proof.proof import Failure
from autograder.proof.variants import Variant, alternatives, reference


@dataclass(frozen=True)
class Plan:
    """What is tried of one stage; `unfit` is what can't be."""

    assignment: Assignment
    alternatives: tuple[Variant, ...]
    mistakes: tuple[Mistake, ...]
    unfit: tuple[Failure, ...]
    mutants: Sorted


def plan_stage(assignment: Assignment, *, with_mutants: bool = True) -> Plan:
    """What there is to try of one stage."""
    source = reference(assignment).source
    fitting, unfit = [], []
    for mistake in read_mistakes(assignment):
        try:
            mistake.apply(source)
        except ValueError as error:
            unfit.append(Failure("mistake", f"{mistake.exercise}: {mistake.name}", str(error)))
        else:
            fitting.append(mistake)
    found: Iterable[Mutant] = ()
    equivalents = read_equivalents(assignment.folder / "equivalent.toml")
    if with_mutants:
        recipes = {name for e in assignment.exercises if e.recipe for name in e.names}
        found = [
            mutant
            for mutant in mutants(source, str(assignment.reference))
            if mutant.function.partition(".")[0] not in recipes
        ]
    return Plan(
        assignment=assignment,
        alternatives=tuple(alternatives(assignment)),
        mistakes=tuple(fitting),
        unfit=tuple(unfit),
        mutants=set_aside(found, equivalents if with_mutants else ()),
    )


def mistaken(plan: Plan) -> list[Variant]:
    """The reference with each of its mistakes."""
    stage, source = plan.assignment.stage, reference(plan.assignment).source
    return [
        Variant("mistake", stage, mistake.name, mistake.apply(source), mistake.exercise)
        for mistake in plan.mistakes
    ]


def mutated(plan: Plan, changed: Sequence[Mutant]) -> list[Variant]:
    """Mutants as variants; each is called by its number."""
    return [
        Variant("mutant", plan.assignment.stage, str(number), mutant.source)
        for number, mutant in enumerate(changed)
    ]


def in_parts(variants: Sequence[Variant], size: int) -> Iterator[tuple[Variant, ...]]:
    """`variants` in parts of at most `size`."""
    return (tuple(variants[start : start + size]) for start in range(0, len(variants), size))

"""What is demanded of a stage, and which of its variants or checks fall short of it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from decimal import Decimal

import torch

from autograder.checks.comparison import Closeness
from autograder.course import Assignment, CheckKey
from autograder.proof.bench import Trial
from autograder.proof.evidence import stale
from autograder.proof.mutants import Mutant
from autograder.proof.plan import Plan
from autograder.proof.proof import Failure, MistakeRow, Precision, StageProof
from autograder.proof.variants import Kind

DIAGNOSED = 0.95  # of the mistakes
KILLED = 0.98  # of the mutants that are not equivalent
SEPARATED = 10.0  # times the tolerance, for the values that give a mistake away
OF_LIMIT = 1 / 3  # of the CPU time that a check has, for the slowest on the reference


def judge(plan: Plan, trials: list[Trial]) -> StageProof:
    """The proof of one stage from what its variants came to."""
    assignment = plan.assignment
    proof = StageProof(assignment.stage, len(assignment.checks), assignment.points)
    proof.failures = [*plan.unfit, *stale(assignment)]

    def of(kind: Kind) -> list[Trial]:
        return [trial for trial in trials if trial.variant.kind == kind]

    # the reference has to follow its own advice; of the others only what has a weight counts
    judged = {check.key for check in assignment.checks if check.weight}
    trials = [
        trial if trial.variant.kind == "reference" else _of(trial, judged) for trial in trials
    ]
    _judge_right(proof, assignment, of("reference"))
    _judge_stub(proof, assignment, of("stub"))
    _judge_alternatives(proof, of("alternative"))
    _judge_mistakes(proof, plan, of("mistake"))
    _judge_mutants(proof, plan, of("mutant"))
    proof.failures += _uncovered(assignment)
    right = of("reference") + of("alternative")
    proof.precision = list(_precision(assignment, right, of("mistake")))
    proof.failures += _coarse(assignment, of("reference"))
    return proof


def _of(trial: Trial, keys: set[CheckKey]) -> Trial:
    """A trial without the failures of all other checks."""
    failed = {key: how for key, how in trial.failed.items() if key in keys}
    return dataclasses.replace(trial, failed=failed)


def _judge_right(proof: StageProof, assignment: Assignment, trials: list[Trial]) -> None:
    proof.reference_points = min(_points(assignment, trial) for trial in trials)
    failed = {key: how for trial in trials for key, how in trial.failed.items()}
    for (_, _, name), how in failed.items():
        proof.failures.append(Failure("reference", name, how))
    limit = min(assignment.limits.cpu_seconds, assignment.limits.wall_seconds)
    slowest, seconds = max(
        ((key[2], seconds) for trial in trials for key, seconds in trial.seconds.items()),
        key=lambda pair: pair[1],
    )
    proof.slowest_check, proof.slowest_share_of_limit = slowest, round(seconds / limit, 3)
    if seconds > OF_LIMIT * limit:
        proof.failures.append(
            Failure("limit", slowest, f"the reference takes {seconds:.1f} s of {limit:g} s")
        )


def _judge_stub(proof: StageProof, assignment: Assignment, trials: list[Trial]) -> None:
    for trial in trials:
        proof.stub_points = _points(assignment, trial)
        for check in assignment.checks:
            if check.points and check.key not in trial.failed:
                proof.failures.append(Failure("stub", check.name, "passes on the stub"))


def _judge_alternatives(proof: StageProof, trials: list[Trial]) -> None:
    proof.alternatives = len(trials)
    for trial in trials:
        proof.alternatives_full += not trial.failed
        for (_, _, name), how in trial.failed.items():
            proof.failures.append(Failure("alternative", trial.variant.name, f"{name}: {how}"))


def _judge_mistakes(proof: StageProof, plan: Plan, trials: list[Trial]) -> None:
    proof.mistakes = len(trials) + len(plan.unfit)
    exercises = {exercise.name: exercise for exercise in plan.assignment.exercises}
    checks = {check.key: check for check in plan.assignment.checks}
    undiagnosed = []
    by_answers = 0  # how many mistakes could be told by their answers
    kept = []
    for trial in trials:
        variant = trial.variant
        name = f"{variant.exercise}: {variant.name}"
        own = [key for key in trial.failed if checks[key].exercise == variant.exercise]
        elsewhere = [key for key in trial.failed if checks[key].exercise != variant.exercise]
        lost = sum((checks[key].points for key in own), Decimal(0))
        kept.append(1 - float(lost / exercises[variant.exercise].points))
        proof.caught += lost > 0
        proof.misplaced += bool(elsewhere)
        if not lost:
            proof.failures.append(Failure("mistake", name, "loses no points"))
        for key in elsewhere:
            proof.failures.append(
                Failure("mistake", name, f"fails {key[2]} of {checks[key].exercise} too")
            )
        named = {mistake for found in trial.diagnoses.values() for mistake in found.mistakes}
        error = max((near.error for key, near in trial.closest if key in own), default=0.0)
        by_value = 1 < error < math.inf
        proof.each_mistake.append(
            MistakeRow(
                exercise=variant.exercise,
                name=variant.name,
                kept=round(kept[-1], 3),
                error=round(error, 1) if by_value else None,
                named=sorted(named),
            )
        )
        if by_value and error < SEPARATED:
            why = f"is off by {error:.1f} times the tolerance, and should be by {SEPARATED:g}"
            proof.failures.append(Failure("mistake", name, why))
        proof.diagnosed += variant.name in named
        proof.diagnosed_alone += named == {variant.name}
        if exercises[variant.exercise].recipe:
            continue
        by_answers += 1
        if variant.name not in named:
            undiagnosed.append((name, f"is taken for {', '.join(sorted(named)) or 'none'}"))
    for mistake in plan.mistakes:
        if mistake.quotes_itself:
            name = f"{mistake.exercise}: {mistake.name}"
            proof.failures.append(Failure("hint", name, "the hint quotes the patch"))
    if proof.diagnosed < DIAGNOSED * by_answers:
        proof.failures += [Failure("diagnosis", name, why) for name, why in undiagnosed]
    proof.kept = round(sum(kept) / len(kept), 3) if kept else 0.0


def _judge_mutants(proof: StageProof, plan: Plan, trials: list[Trial]) -> None:
    judged, excused = plan.mutants.judged, plan.mutants.excused
    by_number = {int(trial.variant.name): trial for trial in trials}
    survivors = [m for number, m in enumerate(judged) if not by_number[number].failed]
    proof.mutants = len(by_number)
    proof.equivalent = len(excused)
    proof.survived = len(survivors)
    proof.killed = len(judged) - len(survivors)
    if proof.killed < KILLED * len(judged):
        proof.failures += [Failure("mutant", _place(m), "no check notices it") for m in survivors]
    for number, (mutant, reason) in enumerate(excused, start=len(judged)):
        for _, _, name in by_number[number].failed:
            why = f"is not equivalent ({reason.reason}): {name} notices it"
            proof.failures.append(Failure("mutant", _place(mutant), why))
    for entry in plan.mutants.stale:
        name = f"{entry.function}: {entry.before} → {entry.after}"
        proof.failures.append(Failure("equivalent.toml", name, "there is no such mutant"))


def _place(mutant: Mutant) -> str:
    return f"line {mutant.line}, {mutant.function}: {mutant.before} → {mutant.after}"


def _uncovered(assignment: Assignment) -> Iterator[Failure]:
    for exercise in assignment.exercises:
        if not any(check.points for check in assignment.checks_of(exercise.name, "hidden")):
            yield Failure("exercise", exercise.name, "is judged by no hidden check")


def _precision(
    assignment: Assignment, right: list[Trial], wrong: list[Trial]
) -> Iterator[Precision]:
    """How tolerances lie between right and wrong, for each exercise and dtype."""
    for exercise in assignment.exercises:
        keys = {check.key for check in assignment.checks_of(exercise.name)}
        mine = [trial for trial in wrong if trial.variant.exercise == exercise.name]
        for dtype in (torch.float32, torch.float64):
            seen = [near for trial in right for near in _near(trial, keys, dtype)]
            if not seen:
                continue
            # what gives a mistake away is its largest error
            errors = [max((n.error for n in _near(t, keys, dtype)), default=0.0) for t in mine]
            wide = [near.resolution for near in seen if near.resolution < math.inf]
            yield Precision(
                exercise=exercise.name,
                dtype=str(dtype).removeprefix("torch."),
                right=round(max(near.error for near in seen), 4),
                wrong=min((error for error in errors if 1 < error < math.inf), default=None),
                resolution=round(max(wide), 1) if wide else None,
            )


def _coarse(assignment: Assignment, trials: list[Trial]) -> Iterator[Failure]:
    """Checks that would not notice an error that their exercise has to notice."""
    exercises = {exercise.name: exercise for exercise in assignment.exercises}
    checks = {check.key: check for check in assignment.checks}
    for key, near in {(key, near) for trial in trials for key, near in trial.closest}:
        asked = exercises[checks[key].exercise].resolution
        if asked < near.resolution < math.inf:
            why = (
                f"notices a relative error of {near.resolution:.0f} eps in {near.dtype} at the "
                f"least, and should notice one of {asked:g} eps"
            )
            yield Failure("tolerance", key[2], why)


def _near(trial: Trial, keys: set[CheckKey], dtype: torch.dtype) -> list[Closeness]:
    return [near for key, near in trial.closest if key in keys and near.dtype is dtype]


def _points(assignment: Assignment, trial: Trial) -> Decimal:
    return sum(
        (check.points for check in assignment.checks if check.key not in trial.failed),
        Decimal(0),
    )

"""Where variants are tried: one process's zygote, recordings and workers."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

from autograder.checks.comparison import Closeness
from autograder.checks.goals import trying
from autograder.checks.guard import Guards
from autograder.course import Assignment, Check, CheckKey, Course, Limits
from autograder.data import embedded_folder
from autograder.errors import AutograderError
from autograder.grading.backend import Recorded, StageRun, Trace, WorkerBackend
from autograder.grading.diagnose import Diagnoser
from autograder.grading.run import Run, run_checks
from autograder.proof.recording import Held, Recording, record, replay
from autograder.proof.variants import Variant, touched
from autograder.report import Diagnosis, Verdict
from autograder.sandbox.workers import Zygote

# A mutant may loop for ever: it gets many times what any reference takes, and no more.
_MUTANT_LIMITS = Limits(wall_seconds=20, cpu_seconds=2, import_seconds=20)


@dataclass(frozen=True)
class Trial:
    """What one variant came to.

    Args:
        variant: which it was.
        failed: the checks that failed, and how; of those that were run.
        examples: the number of the first example that failed, by check.
        closest: for each check and dtype how close the answers came to the tolerance.
        diagnoses: what a student would have been told.
        seconds: the CPU time of each check on the reference; only where it was graded in full.
        seed: where the inputs came from, None for the usual ones.
        reached: the accuracy in percent that a training came to; None where it was refused before.
    """

    variant: Variant
    failed: dict[CheckKey, str]
    examples: dict[CheckKey, int] = field(default_factory=dict)
    closest: tuple[tuple[CheckKey, Closeness], ...] = ()
    diagnoses: dict[CheckKey, Diagnosis] = field(default_factory=dict)
    seconds: dict[CheckKey, float] = field(default_factory=dict)
    seed: int | None = None
    reached: float | None = None


class Bench:
    """Tries variants in sandboxed workers, one after the other.

    Args:
        course: whose checks are tried.
        staging: a folder that workers can enter, for the variants' modules.
        allow_weak: go on where the sandbox is below its floor.
    """

    def __init__(self, course: Course, staging: Path, *, allow_weak: bool = False) -> None:
        self._course = course
        self._staging = staging
        secret = [course.root / "assignments", course.root / "solutions"]
        closed = [embedded_folder()]
        self._zygote = Zygote(
            readable=[staging], secret=secret, closed=closed, allow_weak=allow_weak
        )
        self._recordings: dict[tuple[str, int | None], Recording] = {}
        self._diagnosers: dict[str, Diagnoser] = {}

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all workers and the zygote."""
        for diagnoser in self._diagnosers.values():
            diagnoser.close()
        self._zygote.close()

    def grade(self, variant: Variant) -> Trial:
        """Run every check as in grading."""
        course = self._course.select([variant.stage])
        run = Run(course, self._stages(course.assignments[0], variant))
        self._run(course, [run])
        failed = {
            key: f"{verdict.outcome}: {verdict.message}"
            for key, verdict in run.verdicts.items()
            if verdict.outcome != "passed"
        }
        recording = self._recording(variant.stage)
        for key, how in recording.failed.items():  # what was recorded is cut short by it
            failed.setdefault(key, f"in the grader's own process: {how}")
        return Trial(variant, failed, seconds=recording.seconds_used)

    def hold(self, variant: Variant, seed: int | None = None) -> Trial:
        """Run every check on the examples that the reference met; a fresh worker for each."""
        assignment = self._course.assignment(variant.stage)
        stage = self._stages(assignment, variant)[variant.stage]
        held = self._replay(assignment.checks, stage, seed=seed)
        return dataclasses.replace(_trial(variant, held), seed=seed)

    def diagnose(self, variants: Sequence[Variant]) -> list[Trial]:
        """Find out which checks each mistake fails; grade those, and say what it looks like.

        Args:
            variants: mistakes of one stage; of one exercise is quickest.
        """
        course = self._course.select([variants[0].stage])
        self._recording(variants[0].stage)  # now: one session of pytest can't be in another
        trials: list[Trial] = []

        def runs() -> Generator[Run, None, None]:
            for variant in variants:
                trials.append((yield from self._diagnose(course, variant)))

        self._run(course, runs())
        return trials

    def _diagnose(self, course: Course, variant: Variant) -> Generator[Run, None, Trial]:
        assignment = course.assignments[0]
        stages = self._stages(assignment, variant)
        traces: dict[CheckKey, Trace] = {}
        affected = self._affected(assignment, variant)
        replayed = self._replay(affected, stages[variant.stage], traces, in_one=True)
        trial = _trial(variant, replayed)
        own = {check.key for check in assignment.checks_of(variant.exercise)}
        failing = own & trial.failed.keys()
        if failing:
            # the others hold: on the very inputs that grading would draw, none fails
            passed = {key: Verdict("passed") for key in own - failing}
            run = Run(course, stages, only=failing, verdicts=passed, traces=traces)
            yield run
            trial.diagnoses.update((yield from self._diagnoser(course).diagnose(run)))
        return trial

    def kill(self, variant: Variant, *, every: bool = False, seed: int | None = None) -> Trial:
        """Run the checks that a mutant may change on the reference's examples, in one worker.

        Args:
            variant: the mutant.
            every: run all of them; else the first that fails is enough.
            seed: where the examples come from, None for the usual ones.
        """
        assignment = self._course.assignment(variant.stage)
        stage = self._stages(assignment, variant, _MUTANT_LIMITS)[variant.stage]
        held: dict[CheckKey, Held] = {}
        backend = WorkerBackend(stage)
        try:
            for check in self._affected(assignment, variant):
                examples = self._recording(assignment.stage, seed).drawn[check.key]
                held[check.key] = result = replay(examples, backend)
                if result.first is not None and not every:
                    break
                if result.first is not None:  # it may have ended, or be short of time
                    backend.close()
                    backend = WorkerBackend(stage)
        finally:
            backend.close()
        return dataclasses.replace(_trial(variant, held), seed=seed)

    def train(self, variant: Variant, seeds: Sequence[int]) -> list[Trial]:
        """Have the hidden checks of the variant's exercise judge a training with each seed.

        Raises:
            AutograderError: the check itself failed: that says nothing of the training.
        """
        course = self._course.select([variant.stage])
        assignment = course.assignments[0]
        keys = {c.key for c in assignment.checks_of(variant.exercise, "hidden") if c.weight}
        stages = self._stages(assignment, variant)
        trials: list[Trial] = []

        def runs() -> Iterator[Run]:
            for seed in seeds:
                run = Run(course, stages, only=keys)
                with trying(seed) as trial:
                    yield run
                failed = {}
                for key, verdict in run.verdicts.items():
                    if verdict.outcome == "ungraded":
                        raise AutograderError(f"{key[2]} can't judge: {verdict.message}")
                    if verdict.outcome != "passed":
                        failed[key] = verdict.message
                reached = min(trial.reached, default=None)
                trials.append(Trial(variant, failed, seed=seed, reached=reached))

        self._run(course, runs())
        return trials

    def _run(self, course: Course, runs: Iterable[Run]) -> None:
        if fault := run_checks(course, runs):
            raise AutograderError(f"the checks can't be run: {fault}")

    def _stages(
        self, assignment: Assignment, variant: Variant, limits: Limits | None = None
    ) -> dict[str, StageRun]:
        folder = Path(mkdtemp(dir=self._staging))
        folder.chmod(0o755)
        module = folder / assignment.module
        module.write_text(variant.source, encoding="utf-8")
        module.chmod(0o644)
        return {assignment.stage: StageRun(self._zygote, folder, assignment, limits=limits)}

    def _recording(self, stage: str, seed: int | None = None) -> Recording:
        if (stage, seed) not in self._recordings:
            for old in [key for key in self._recordings if key[1] is not None]:
                del self._recordings[old]  # of a seed that is done with: they hold tensors
            self._recordings[stage, seed] = record(self._course.select([stage]), seed)
        return self._recordings[stage, seed]

    def _diagnoser(self, course: Course) -> Diagnoser:
        stage = course.assignments[0].stage
        if stage not in self._diagnosers:
            self._diagnosers[stage] = Diagnoser(course, self._zygote, self._staging, keep=True)
        return self._diagnosers[stage]

    def _affected(self, assignment: Assignment, variant: Variant) -> list[Check]:
        """The checks that use something which the variant changes; the others can't tell it.

        Apart from those of weight 0: they are advice, and what is wrong has to lose points.
        """
        source = assignment.reference.read_text(encoding="utf-8")
        names, used = touched(source, variant.source), self._recording(assignment.stage).names
        return [
            check
            for check in assignment.checks
            if check.weight and (names is None or names & used.get(check.key, set()))
        ]

    def _replay(
        self,
        checks: Sequence[Check],
        stage: StageRun,
        traces: dict[CheckKey, Trace] | None = None,
        seed: int | None = None,
        *,
        in_one: bool = False,
    ) -> dict[CheckKey, Held]:
        """What checks come to on recorded examples; `traces` gets the calls that were made.

        With `in_one` a worker is kept for the checks of an exercise, until one fails.
        """
        drawn = self._recording(stage.assignment.stage, seed).drawn
        guards, module = Guards(), stage.folder / stage.assignment.module
        held = {}
        worker, exercise = WorkerBackend(stage), ""
        try:
            for check in checks:
                if check.exercise != exercise or not in_one:
                    worker.close()
                    worker, exercise = WorkerBackend(stage), check.exercise
                trace = Trace()
                guard = guards.of(stage.assignment, check.exercise, module)
                result = replay(drawn[check.key], Recorded(worker, trace), guard)
                held[check.key] = result
                if result.first is not None:
                    worker.close()  # the next `load` starts another
                if traces is not None:
                    traces[check.key] = trace
        finally:
            worker.close()
        return held


def _trial(variant: Variant, held: dict[CheckKey, Held]) -> Trial:
    return Trial(
        variant,
        failed={key: result.how for key, result in held.items() if result.first is not None},
        examples={key: result.first for key, result in held.items() if result.first is not None},
        closest=tuple((key, seen) for key, result in held.items() for seen in result.closest),
    )

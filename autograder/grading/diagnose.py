"""Which known mistake a failing submission looks like.

A check that failed leaves its failing example, the smallest that was found. It is run again on
each of the exercise's known mistakes, in sandboxed workers like any submission. A mistake explains
the failure where the check fails on it too and every answer on the way is the student's. Small
examples coincide by chance, so it also has to agree with the student on the other inputs that the
check drew, and on those that it draws for right code, as far as they tell right from wrong.

What is random gives no equal answers: two right ways to shuffle draw differently. There (a call has
a generator or a seed, or is answered otherwise the second time) a mistake explains the failures
where the same checks fail with the same sentence, and all others pass.
"""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch

from autograder.checks.faces import Backend, Face, FailingExample
from autograder.checks.failures import (
    CheckFailure,
    CheckStopped,
    Made,
    StudentRaised,
    fingerprint,
)
from autograder.course import Assignment, CheckKey, Course, Limits
from autograder.grading.answers import same_answer, same_exception, without_numbers
from autograder.grading.backend import Recorded, StageRun, Trace, WorkerBackend, size_of
from autograder.grading.run import Run
from autograder.mistakes import Mistake, read_mistakes
from autograder.report import Diagnosis
from autograder.sandbox.runner import Answer, Call
from autograder.sandbox.wire import UnsendableError
from autograder.sandbox.workers import Zygote

_AGREE = 0.75  # of the calls that tell a mistake from the reference, or the student from it
_MOST_NAMED = 2  # more mistakes than that fit: the failure says too little
_MOST_RUNNING = 12  # mistakes at a time, unless they are kept
_MOST_ALIKE = 8  # mistakes that are run on all checks, to find one that fails in the same ones
_SHARE = 0.1  # of a check's time: a mistake that takes longer is not what the student did
_ROOM = 8_000_000  # bytes of answers that are remembered of one mistake


class Diagnoser:
    """Compares failing submissions with a course's known mistakes.

    Args:
        course: whose mistakes are known.
        zygote: where the workers come from that run the mistakes.
        folder: where the mistakes' modules are written; closed to all but those workers.
        keep: leave an exercise's workers running for the next submission that fails in it, until
            one fails in another; then `close` it.

    Raises:
        CourseError: a ``mistakes.toml`` is wrong.
    """

    def __init__(self, course: Course, zygote: Zygote, folder: Path, *, keep: bool = False) -> None:
        self._zygote = zygote
        self._keep = keep
        self._workers: dict[Path, _Lasting] = {}
        self._workers_for = ("", "")  # the stage and exercise
        self._running: dict[_Lasting, None] = {}
        self._answers: dict[Path, _Answers] = {}
        self._suspects = {a.stage: _suspects(a, folder) for a in course.assignments}
        self._references = {
            a.stage: _write(folder, a, a.reference.read_text(encoding="utf-8"))
            for a in course.assignments
            if self._suspects[a.stage]
        }
        self._profiles: dict[tuple[str, str, str], dict[CheckKey, str]] = {}
        self._usual: dict[tuple[CheckKey, int | None], list[Call]] = {}

    def diagnose(self, run: Run) -> Generator[Run, None, dict[CheckKey, Diagnosis]]:
        """The diagnoses of a run that is over, by failing check.

        A generator: it yields runs that have to be made before it goes on (see `run_checks`).
        """
        found: dict[CheckKey, Diagnosis] = {}
        for assignment in run.course.assignments:
            for exercise in assignment.exercises:
                if exercise.recipe:
                    continue  # right answers differ, and each takes as long as a training
                keys = [
                    key
                    for check in assignment.checks_of(exercise.name)
                    if check.weight
                    and (key := check.key) in run.failing
                    and run.verdicts[key].outcome in ("failed", "error")
                    and key not in run.unsure
                ]
                suspects = [s for s in self._suspects[assignment.stage] if s.of(exercise.name)]
                if keys and suspects:
                    found |= yield from self._exercise(run, assignment, suspects, keys)
        return found

    def _exercise(
        self, run: Run, assignment: Assignment, suspects: list[_Suspect], keys: list[CheckKey]
    ) -> Generator[Run, None, dict[CheckKey, Diagnosis]]:
        if self._workers_for != (own := (assignment.stage, suspects[0].mistake.exercise)):
            self.close()  # hundreds that wait for nothing would fill the memory
            self._workers_for = own
        try:
            return (yield from self._compare(run, assignment, suspects, keys))
        finally:
            if not self._keep:
                self.close()

    def _compare(
        self, run: Run, assignment: Assignment, suspects: list[_Suspect], keys: list[CheckKey]
    ) -> Generator[Run, None, dict[CheckKey, Diagnosis]]:
        for lasting in self._workers.values():
            lasting.forgive()
        reference = self._worker(assignment, self._references[assignment.stage])
        workers = [(suspect, self._worker(assignment, suspect.folder)) for suspect in suspects]
        scores: dict[CheckKey, dict[_Suspect, float]] = {key: {} for key in keys}
        for suspect, worker in workers:  # one after the other: not all of them may stay
            for key in keys:
                if (score := _score(run, key, worker, reference)) >= _AGREE:
                    scores[key][suspect] = score
        if any(scores.values()):
            scores = yield from self._agreeing(run, assignment, scores)
        if not any(scores.values()) and self._is_random(run, assignment, keys):
            alike = [s for s, worker in workers if _fails_alike(run, keys, worker)]
            scores = yield from self._same_profile(run, assignment, alike, keys)
        asked = {c.name for c in assignment.checks_of(suspects[0].mistake.exercise)}
        traces = [
            trace
            for (stage, _, name), trace in run.traces.items()
            if stage == assignment.stage and name in asked
        ]

        def over_all(suspect: _Suspect) -> float:
            """How well a mistake agrees with the student on what all checks drew."""
            worker = self._worker(assignment, suspect.folder)
            return _agreement(itertools.chain(*traces), worker, reference)

        return dict(_fewest_that_explain(scores, over_all))

    def close(self) -> None:
        """End the workers."""
        for worker in self._workers.values():
            worker.close()
        self._workers.clear()
        self._running.clear()

    def _worker(self, assignment: Assignment, folder: Path) -> _Lasting:
        if folder not in self._workers:
            stage = StageRun(self._zygote, folder, assignment, _limits(assignment))
            known = self._answers.setdefault(folder, _Answers())
            is_reference = folder == self._references[assignment.stage]
            begins = _nothing if self._keep or is_reference else self._make_room
            self._workers[folder] = _Lasting(stage, known, begins)
        return self._workers[folder]

    def _make_room(self, begins: _Lasting) -> None:
        """End the mistake that has been running longest, where there are many.

        Each takes some megabytes of a machine that may have few; it begins again when it is asked.
        """
        self._running.pop(begins, None)
        self._running[begins] = None
        if len(self._running) > _MOST_RUNNING:
            oldest = next(iter(self._running))
            del self._running[oldest]
            oldest.close()

    def _agreeing(
        self,
        run: Run,
        assignment: Assignment,
        scores: dict[CheckKey, dict[_Suspect, float]],
    ) -> Generator[Run, None, dict[CheckKey, dict[_Suspect, float]]]:
        """The suspects that agree with the student on what each check draws for right code too.

        A check ends with the first failure, which may have been on its first input.
        """
        some = {key for key, suspects in scores.items() if suspects}
        if unknown := {key for key in some if (key, run.seed) not in self._usual}:
            usual = _OnReference(run.course, only=unknown, seed=run.seed)
            yield usual
            for key in unknown:
                first = usual.traces[key].first if key in usual.traces else ()
                self._usual[key, run.seed] = [made.call for made in first]
        reference = self._worker(assignment, self._references[assignment.stage])
        agreeing = dict(scores)
        asked = sorted(some)
        answers = self._ask_student(run, assignment, [self._usual[key, run.seed] for key in asked])
        for key, made in zip(asked, answers, strict=True):
            agreeing[key] = {
                suspect: score
                for suspect, score in scores[key].items()
                if _agreement(made, self._worker(assignment, suspect.folder), reference) >= _AGREE
            }
        return agreeing

    def _is_random(self, run: Run, assignment: Assignment, keys: Iterable[CheckKey]) -> bool:
        """Whether right answers to the calls of the failing examples may differ."""
        calls = [made.call for key in keys for made in run.failing[key].calls]
        if any(_is_seeded(call) for call in calls):
            return True
        [made] = self._ask_student(run, assignment, [[call for call in calls for _ in range(2)]])
        return any(
            not same_answer(one.answer, other.answer)
            for one, other in zip(made[::2], made[1::2], strict=False)
        )

    def _ask_student(
        self, run: Run, assignment: Assignment, checks: Iterable[Iterable[Call]]
    ) -> list[list[Made]]:
        """The student's answers to the calls of some checks, of each up to one that has none."""
        assert run.stages is not None
        folder = run.stages[assignment.stage].folder
        answers: list[list[Made]] = []
        worker = WorkerBackend(StageRun(self._zygote, folder, assignment))
        try:
            for calls in checks:
                answers.append([])
                try:
                    worker.load()
                    for call in calls:
                        answers[-1].append(Made(call, worker.call(call)))
                except (CheckStopped, UnsendableError):
                    worker.close()  # the next `load` starts another
        finally:
            worker.close()
        return answers

    def _same_profile(
        self, run: Run, assignment: Assignment, alike: list[_Suspect], keys: list[CheckKey]
    ) -> Generator[Run, None, dict[CheckKey, dict[_Suspect, float]]]:
        """The suspects that fail in exactly the checks that the submission fails in."""
        explain: list[_Suspect] = []
        for suspect in alike if len(alike) <= _MOST_ALIKE else []:
            name = suspect.mistake
            profile = self._profiles.get((assignment.stage, name.exercise, name.name))
            if profile is None:
                checks = assignment.checks_of(name.exercise)
                stage = StageRun(self._zygote, suspect.folder, assignment, _limits(assignment))
                trial = Run(
                    run.course,
                    {assignment.stage: stage},
                    only={check.key for check in checks},
                )
                yield trial
                profile = {key: verdict.outcome for key, verdict in trial.verdicts.items()}
                self._profiles[assignment.stage, name.exercise, name.name] = profile
            if all(run.verdicts[key].outcome == outcome for key, outcome in profile.items()):
                explain.append(suspect)
        return {key: dict.fromkeys(explain, 1.0) for key in keys}


@dataclass(frozen=True)
class _Suspect:
    """A mistake, and the folder of a module that makes it."""

    mistake: Mistake
    folder: Path

    def of(self, exercise: str) -> bool:
        return self.mistake.exercise == exercise


def _suspects(assignment: Assignment, folder: Path) -> list[_Suspect]:
    source = assignment.reference.read_text(encoding="utf-8")
    found = []
    for mistake in read_mistakes(assignment):
        # one that is no patch of the reference any more is for `verify` to report, and no reason
        # to leave a class ungraded
        with contextlib.suppress(ValueError):
            found.append(_Suspect(mistake, _write(folder, assignment, mistake.apply(source))))
    return found


def _limits(assignment: Assignment) -> Limits:
    limits = assignment.limits
    return msgspec.structs.replace(
        limits,
        cpu_seconds=max(1.0, _SHARE * limits.cpu_seconds),
        wall_seconds=max(5.0, _SHARE * limits.wall_seconds),
    )


def _write(folder: Path, assignment: Assignment, source: str) -> Path:
    # the name can't be guessed and the folder above can't be listed: without Landlock, that is
    # what keeps a student's worker from reading it
    home = Path(tempfile.mkdtemp(dir=folder))
    home.chmod(0o755)
    (home / assignment.module).write_text(source, encoding="utf-8")
    (home / assignment.module).chmod(0o644)
    return home


class _OnReference(Run):
    """A run on the reference that keeps the calls of every check."""

    def student(self, stage: str) -> Backend:
        self._trace = Trace()
        return Recorded(self.reference(stage), self._trace)


def _is_seeded(call: Call) -> bool:
    """Whether the answer to a call is drawn at random."""
    if call.program:
        return "manual_seed" in call.args[0]
    values = (*call.args, *call.kwargs.values())
    has_generator = any(isinstance(value, torch.Generator) for value in values)
    return has_generator or any("seed" in name for name in call.kwargs)


@dataclass
class _Known:
    """An answer, None if there is none, and what was found out about it, None if nothing yet.

    `varies`: it is another one when it is asked for again. `is_right`: it is the reference's.
    """

    answer: Answer | None
    size: int
    varies: bool | None = None
    is_right: bool | None = None


class _Answers:
    """What one module has answered to calls; of too many, the latest."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, _Known] = OrderedDict()
        self._used = 0

    def __contains__(self, call: bytes) -> bool:
        return call in self._kept

    def __getitem__(self, call: bytes) -> _Known:
        self._kept.move_to_end(call)
        return self._kept[call]

    def keep(self, call: bytes, answer: Answer | None) -> None:
        known = _Known(answer, size_of(getattr(answer, "value", None)))
        self._kept[call] = known
        self._used += known.size
        while self._used > _ROOM and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._used -= oldest.size


def _nothing(begins: _Lasting) -> None:
    """Whoever is kept needs no room."""


class _Lasting:
    """A backend that is used for many examples, by faces that come and go.

    Submissions meet the same inputs up to the first failure, so that most calls come again and
    again: `ask` answers from memory.

    Where a fresh worker runs out of time, it is not asked again until `forgive`: a mistake that
    never ends would cost its time for every example.
    """

    def __init__(
        self, stage: StageRun, known: _Answers, begins: Callable[[_Lasting], None]
    ) -> None:
        self._stage = stage
        self._known = known
        self._begins = begins
        self._worker: WorkerBackend | None = None
        self._is_used = False
        self._stopped: CheckStopped | None = None

    def load(self) -> None:
        if self._stopped is not None:
            raise self._stopped
        if self._worker is None:
            self._begins(self)
            self._worker = WorkerBackend(self._stage)
            self._is_used = False
            self._worker.load()

    def call(self, call: Call) -> Answer:
        self.load()
        assert self._worker is not None
        was_used, self._is_used = self._is_used, True
        try:
            return self._worker.call(call)
        except CheckStopped as stopped:
            self.close()
            if not was_used:
                self._stopped = stopped if stopped.outcome == "timeout" else None
                raise
        return self.call(call)  # what it has used up of its limits was for other examples

    def ask(self, call: Call, known_as: bytes) -> Answer | None:
        """The answer to a call, None if there is none; `known_as` is the call's fingerprint."""
        known = self._find(call, known_as)
        return known.answer if known else None

    def varies(self, call: Call, known_as: bytes) -> bool:
        """Whether the answer to a call is another one when it is asked for again."""
        known = self._find(call, known_as)
        if known is None or known.answer is None:
            return False
        if known.varies is None:
            again = self._answer(call)
            known.varies = again is not None and not same_answer(known.answer, again)
        return known.varies

    def is_right(self, call: Call, known_as: bytes, right: Answer) -> bool:
        """Whether the answer to a call is `right`, the reference's."""
        known = self._find(call, known_as)
        if known is None or known.answer is None:
            return False
        if known.is_right is None:
            known.is_right = same_answer(known.answer, right)
        return known.is_right

    def _find(self, call: Call, known_as: bytes) -> _Known | None:
        if known_as not in self._known:
            if self._stopped is not None:
                return None
            self._known.keep(known_as, self._answer(call))
        return self._known[known_as]

    def _answer(self, call: Call) -> Answer | None:
        try:
            return self.call(call)
        except (CheckStopped, UnsendableError):
            return None

    def forgive(self) -> None:
        self._stopped = None

    def close(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None


class _DifferentAnswer(BaseException):
    """Not the student's answer: the rest of the example doesn't matter."""


class _Following:
    """A backend that gives up at the first answer that is not the student's."""

    def __init__(self, mistake: _Lasting, made: Sequence[Made], reference: _Lasting) -> None:
        self._mistake, self._reference = mistake, reference
        self._made = iter(made)

    def load(self) -> None:
        self._mistake.load()

    def call(self, call: Call) -> Answer:
        students = next(self._made, None)
        answer = self._mistake.ask(call, fingerprint(call))
        if students is None or answer is None or not self._agree(students.answer, answer, call):
            raise _DifferentAnswer
        return answer

    def _agree(self, students: Answer, mistakes: Answer, call: Call) -> bool:
        if same_answer(students, mistakes):
            return True
        return same_answer(students, mistakes, self._reference.ask(call, fingerprint(call)))

    def close(self) -> None:
        pass


def _score(run: Run, key: CheckKey, worker: _Lasting, reference: _Lasting) -> float:
    """How well a mistake explains that a check failed: 0 if not at all, 1 if in every call."""
    failing = run.failing[key]
    try:
        error = failing.example.run(Face(_Following(worker, failing.calls, reference)))
    except (CheckStopped, _DifferentAnswer):
        return 0.0
    if error is None or not _alike(error, failing.error):
        return 0.0
    return _agreement(run.traces[key], worker, reference)


def _agreement(calls: Iterable[Made], worker: _Lasting, reference: _Lasting) -> float:
    """The share of the telling calls in which the student's answer is the mistake's.

    Where no call tells anything it is 1, and 0 where no call could be compared.
    """
    asked = compared = telling = agreed = 0
    for made in calls:
        asked += 1
        call, known_as = made.call, made.fingerprint
        answer, right = worker.ask(call, known_as), reference.ask(call, known_as)
        if answer is None or right is None:
            continue
        compared += 1
        is_same = same_answer(made.answer, answer) or same_answer(made.answer, answer, right)
        if is_same and worker.is_right(call, known_as, right):
            continue  # all three agree: it says nothing
        if not is_same and worker.varies(call, known_as):
            continue  # nor does this
        telling += 1
        agreed += is_same
    if telling:
        return agreed / telling
    return 1.0 if compared or not asked else 0.0


def _fails_alike(run: Run, keys: Iterable[CheckKey], worker: _Lasting) -> bool:
    """Whether a mistake fails on every failing example with the same sentence."""
    for key in keys:
        failing: FailingExample = run.failing[key]
        try:
            error = failing.example.run(Face(worker))
        except CheckStopped:
            return False
        if error is None or not _alike(error, failing.error):
            return False
    return True


def _alike(one: Exception, other: Exception) -> bool:
    """Whether two errors say the same, but for their numbers."""
    if isinstance(one, StudentRaised) and isinstance(other, StudentRaised):
        return same_exception(one.raised, other.raised)
    texts = (e.problem if isinstance(e, CheckFailure) else str(e) for e in (one, other))
    said = {without_numbers(text) for text in texts}
    return type(one) is type(other) and len(said) == 1


def _fewest_that_explain(
    scores: dict[CheckKey, dict[_Suspect, float]], over_all: Callable[[_Suspect], float]
) -> Iterable[tuple[CheckKey, Diagnosis]]:
    """The fewest mistakes that explain all failures that can be explained, by check.

    One that explains more checks goes first, then one that explains them better, then one that
    agrees better with the student on what the other checks drew.
    """
    left = {key: suspects for key, suspects in scores.items() if suspects}
    while left:
        every = {suspect for suspects in left.values() for suspect in suspects}
        rank = {
            suspect: (
                sum(suspect in suspects for suspects in left.values()),
                round(sum(suspects.get(suspect, 0.0) for suspects in left.values()), 6),
            )
            for suspect in every
        }
        best = max(rank.values())
        chosen = sorted(
            (suspect for suspect in every if rank[suspect] == best), key=lambda s: s.mistake.name
        )
        if len(chosen) > 1:
            wider = [round(over_all(suspect), 6) for suspect in chosen]
            chosen = [s for s, agreed in zip(chosen, wider, strict=True) if agreed == max(wider)]
        # what explains other checks is another mistake, and has its turn
        explained = [key for key in left if chosen[0] in left[key]]
        chosen = [s for s in chosen if [key for key in left if s in left[key]] == explained]
        if len(chosen) <= _MOST_NAMED:
            hints = dict.fromkeys(suspect.mistake.hint for suspect in chosen)
            names = tuple(suspect.mistake.name for suspect in chosen)
            for key in explained:
                yield key, Diagnosis(names, "\n".join(hints))
        for key in explained:
            del left[key]

"""Grade one submission: run every check of the course against it and build the report."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import msgspec
import pytest

import autograder
from autograder.course import Assignment, CheckKey, Course
from autograder.errors import AutograderError
from autograder.grading.backend import StageRun
from autograder.grading.charge import charge
from autograder.grading.deadline import Deadline, span, too_late
from autograder.grading.diagnose import Diagnoser
from autograder.grading.intake import Submission
from autograder.grading.run import Run, run_checks
from autograder.report import Environment, Report, Verdict, build_report
from autograder.sandbox.workers import Zygote

_NOT_YOURS = "The grader failed here; this is not your fault. Please tell your instructor."

Progress = Callable[[Report], None]


def grade(
    course: Course,
    submission: Submission,
    zygote: Zygote,
    progress: Progress | None = None,
    diagnoser: Diagnoser | None = None,
    seconds: float = math.inf,
    *,
    all_on_gpu: bool = False,
) -> Report:
    """Grade one submission.

    Args:
        course: what to grade it on; `Course.select` leaves stages out.
        submission: what `take_in` made of it.
        zygote: where workers come from.
        progress: called with the report so far before the first check, after every one, and when
            only hints are missing.
        diagnoser: says which known mistake a failure looks like; None: nobody does.
        seconds: after so many no further check is begun.
        all_on_gpu: where the zygote's workers use a GPU, they do for every call, and not for
            training networks alone.
    """
    started = time.monotonic()
    deadline = Deadline(seconds)
    environment = _environment(course, zygote)

    def report(verdicts: dict[CheckKey, Verdict], fault: str | None = None) -> Report:
        return build_report(
            course,
            submission.name,
            {key: located(verdict) for key, verdict in verdicts.items()},
            environment=environment,
            notes=submission.notes,
            duration=time.monotonic() - started,
            fault=fault,
        )

    def located(verdict: Verdict) -> Verdict:
        message = submission.origins.locate(verdict.message)
        return msgspec.structs.replace(verdict, message=message)

    def finished(fault: str | None) -> Report:
        verdicts = dict(run.verdicts)
        charge(course, run.guards, verdicts)
        not_run, hidden = _fill_in(course, verdicts, deadline), _hide_faults(verdicts)
        return report(verdicts, fault or not_run or hidden)

    def tell() -> None:
        if progress:
            progress(report(run.verdicts))

    def tell_without_hints(fault: str | None) -> None:
        if progress:
            progress(finished(fault))

    stages = {
        assignment.stage: _stage_run(zygote, submission.folder, assignment, all_on_gpu)
        for assignment in course.assignments
    }
    run = Run(course, stages, on_verdict=tell, deadline=deadline)
    tell()
    return finished(_run_and_settle(course, run, diagnoser, tell_without_hints))


def _stage_run(zygote: Zygote, folder: Path, assignment: Assignment, all_on_gpu: bool) -> StageRun:
    with_gpu = zygote.device == "cuda" and (all_on_gpu or assignment.trains)
    # checks that train say themselves what goes to the GPU: a loader shuffles on the CPU
    device = "cuda" if with_gpu and not assignment.trains else "cpu"
    return StageRun(zygote, folder, assignment, with_gpu=with_gpu, device=device)


def _fill_in(course: Course, verdicts: dict[CheckKey, Verdict], deadline: Deadline) -> str | None:
    """Give every check that was not run its verdict; what the instructor is told, if anything."""
    missing = [check for a in course.assignments for check in a.checks
               if check.key not in verdicts]  # fmt: skip
    if not missing:
        return None
    lost = deadline.blames(verdicts) if deadline.is_over else None
    verdict = Verdict("ungraded", _NOT_YOURS) if lost is None else too_late(deadline, lost)
    verdicts |= {check.key: verdict for check in missing}
    if lost is not None:
        return None
    if deadline.is_over:
        return (
            f"{len(missing)} checks were not run: the {span(deadline.seconds)} that a submission "
            "may take were over; give it more"
        )
    return f"check {missing[0].name} of {missing[0].stage} was not run"


def _hide_faults(verdicts: dict[CheckKey, Verdict]) -> str | None:
    """Have no student read what went wrong in the grader; the instructor is told."""
    fault = None
    for key, verdict in verdicts.items():
        if verdict.outcome == "ungraded" and verdict.message != _NOT_YOURS:
            fault = fault or verdict.message
            verdicts[key] = Verdict("ungraded", _NOT_YOURS, verdict.duration)
    return fault


def run_reference(course: Course) -> dict[CheckKey, Verdict]:
    """Run every check on the reference, in this process: what a correct solution comes to.

    Raises:
        AutograderError: pytest itself failed.
    """
    run = Run(course)
    fault = run_checks(course, [run])
    if fault:
        raise AutograderError(f"the checks can't be run: {fault}")
    return run.verdicts


def refused(course: Course, name: str, why: str) -> Report:
    """The report of a submission that could not be taken in: every row, and why."""
    verdicts: dict[CheckKey, Verdict] = {
        check.key: Verdict("missing", why)
        for assignment in course.assignments
        for check in assignment.checks
    }
    return build_report(course, name, verdicts, environment=Environment(), notes=[why])


def _run_and_settle(
    course: Course,
    run: Run,
    diagnoser: Diagnoser | None,
    before_hints: Callable[[str | None], None],
) -> str | None:
    """Run the checks, and find out who is to blame for those that broke down.

    What a GPU was used for and did not pass is run once more without: no point depends on it.

    They are given the reference's answers. A check that holds for the reference broke down on what
    the student's code returned. One that breaks down on the reference too is ours to mend, and its
    points are not the student's to lose.
    """
    again = Run(course, only=run.unsure)
    no_hints: str | None = None

    def runs() -> Iterator[Run]:
        nonlocal no_hints
        yield run
        if (on_cpu := run.on_cpu()).only:
            yield on_cpu
            run.adopt(on_cpu)
        if run.unsure:
            yield again
        if diagnoser is None or run.deadline.is_over:
            return
        # they take their time: whoever ends us meanwhile has all the points
        before_hints(_settle(run, again, None))
        try:
            diagnoses = yield from diagnoser.diagnose(run)
        except Exception as error:  # noqa: BLE001  no hint is worth a grade
            no_hints = f"hints are missing: {type(error).__name__}: {error}"
            return
        for key, diagnosis in diagnoses.items():
            run.verdicts[key] = msgspec.structs.replace(run.verdicts[key], diagnosis=diagnosis)

    fault = run_checks(course, runs()) or no_hints
    return _settle(run, again, fault) or fault


def _settle(run: Run, again: Run, fault: str | None) -> str | None:
    """Take back the verdicts of checks that break down on the reference too; what is wrong."""
    for key in sorted(run.unsure):
        verdict = again.verdicts.get(key)
        if verdict is None or verdict.outcome != "passed":
            why = verdict.message if verdict else fault
            run.verdicts[key] = Verdict("ungraded", _NOT_YOURS)
            fault = f"check {key[2]} of {key[0]} fails on the reference: {why}"
    return fault


def _environment(course: Course, zygote: Zygote) -> Environment:
    versions = zygote.versions | {
        "autograder": autograder.__version__,
        "hypothesis": hypothesis.__version__,
        "pytest": pytest.__version__,
    }
    return Environment(
        versions=dict(sorted(versions.items())),
        device=zygote.device,
        layers=tuple(zygote.layers),
        examples=course.examples,
    )

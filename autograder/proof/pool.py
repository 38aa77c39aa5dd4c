"""Many variants, tried by several processes side by side."""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import util
from pathlib import Path
from typing import Literal

from autograder.course import Course
from autograder.errors import AutograderError
from autograder.proof.bench import Bench, Trial
from autograder.proof.variants import Variant
from autograder.sandbox.jail import die_with_parent, hide_memory

How = Literal["grade", "hold", "diagnose", "kill", "kill all"]


@dataclass(frozen=True)
class Task:
    """Some variants of one stage that are tried in one go; `seed` draws other inputs."""

    how: How
    variants: tuple[Variant, ...]
    seed: int | None = None


def on_all_cores(
    course: Course, tasks: Sequence[Task], jobs: int | None = None, *, allow_weak: bool = False
) -> Iterator[tuple[list[Trial], float]]:
    """Try all tasks; the trials of each with the seconds it took, as they come.

    Args:
        course: whose checks are tried.
        tasks: what is tried; stage by stage is quickest.
        jobs: how many processes; None: one for each core.
        allow_weak: go on where the sandbox is below its floor.

    Raises:
        AutograderError: the sandbox or pytest failed.
    """
    # spawned, not forked: this process may have threads by now
    context = multiprocessing.get_context("spawn")
    count = min(jobs or len(os.sched_getaffinity(0)), len(tasks))
    with tempfile.TemporaryDirectory(prefix="autograder-verify-") as base:
        staging = Path(base)
        staging.chmod(0o711)
        pool = ProcessPoolExecutor(count, context, _begin, (course, staging, allow_weak))
        is_done = False
        try:
            for future in as_completed([pool.submit(_try, task) for task in tasks]):
                yield future.result()
            is_done = True
        except BrokenProcessPool as error:
            raise AutograderError("a process that tried variants has ended") from error
        finally:
            if not is_done:  # interrupted: what is under way may take minutes
                for process in multiprocessing.active_children():
                    process.terminate()
            pool.shutdown(cancel_futures=True)


@dataclass
class _Process:
    """What one of the processes keeps between its tasks."""

    course: Course
    staging: Path
    allow_weak: bool
    bench: Bench | None = None


_PROCESSES: list[_Process] = []  # of this process: at most one


def _begin(course: Course, staging: Path, allow_weak: bool) -> None:
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted, and ends us
    die_with_parent()
    hide_memory()
    tempfile.tempdir = str(staging)  # the parent removes it, however we end
    torch.set_num_threads(1)  # two active threads on a busy core are ten times slower
    _PROCESSES.append(_Process(course, staging, allow_weak))


def _try(task: Task) -> tuple[list[Trial], float]:
    [process] = _PROCESSES
    if process.bench is None:
        # here and not in `_begin`, where an error would only break the pool
        process.bench = Bench(process.course, process.staging, allow_weak=process.allow_weak)
        # a process of a pool ends without atexit's functions
        util.Finalize(process.bench, process.bench.close, exitpriority=1)
    started = time.monotonic()
    trials = _try_all(process.bench, task)
    return trials, time.monotonic() - started


def _try_all(bench: Bench, task: Task) -> list[Trial]:
    match task.how:
        case "grade":
            return [bench.grade(variant) for variant in task.variants]
        case "hold":
            return [bench.hold(variant, task.seed) for variant in task.variants]
        case "diagnose":
            return bench.diagnose(task.variants)
        case "kill":
            return [bench.kill(variant) for variant in task.variants]
        case "kill all":
            kill = functools.partial(bench.kill, every=True, seed=task.seed)
            return [kill(variant) for variant in task.variants]

"""Many variants, tried by several processes side by side."""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
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

How = Literal["grade", "hold", "diagnose", "kill", "kill all", "train"]


@dataclass(frozen=True)
class Task:
    """Some variants of one stage that are tried in one go.

    `seed` draws other inputs; `seeds` are what each is trained with.
    """

    how: How
    variants: tuple[Variant, ...]
    seed: int | None = None
    seeds: tuple[int, ...] = ()

    @property
    def shares(self) -> tuple[str, ...]:
        """Tasks that say the same here are quickest in one process: what one needs is there."""
        first = self.variants[0]
        exercise = first.exercise if self.how == "diagnose" else ""
        return self.how, first.stage, exercise, str(self.seed)


def on_all_cores(
    course: Course, tasks: Sequence[Task], jobs: int | None = None, *, allow_weak: bool = False
) -> Iterator[tuple[list[Trial], float]]:
    """Try all tasks; the trials of each with the seconds it took, as they come.

    Args:
        course: whose checks are tried.
        tasks: what is tried; what takes longest comes best first.
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
        cores = sorted(os.sched_getaffinity(0))
        lanes = [
            ProcessPoolExecutor(
                1, context, _begin, (course, staging, allow_weak, cores[number % len(cores)])
            )
            for number in range(count)
        ]
        queue, is_done = _Queue(tasks), False
        running: dict[Future[tuple[list[Trial], float]], ProcessPoolExecutor] = {}
        try:
            while True:
                for lane in set(lanes) - set(running.values()):
                    if task := queue.next(lane):
                        running[lane.submit(_try, task)] = lane
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    del running[future]
                    yield future.result()
            is_done = True
        except BrokenProcessPool as error:
            raise AutograderError("a process that tried variants has ended") from error
        finally:
            if not is_done:  # interrupted: what is under way may take minutes
                for process in multiprocessing.active_children():
                    process.terminate()
            for lane in lanes:
                lane.shutdown(cancel_futures=True)


class _Queue:
    """Tasks for several processes: each gets those that share much with what it did last."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._groups: dict[tuple[str, ...], deque[Task]] = {}
        for task in tasks:
            self._groups.setdefault(task.shares, deque()).append(task)
        self._last: dict[object, tuple[str, ...]] = {}

    def next(self, process: object) -> Task | None:
        """What `process` does next; None: nothing is left."""
        last = self._last.get(process)
        if last not in self._groups:
            others = {key for other, key in self._last.items() if other is not process}
            fresh = [key for key in self._groups if key not in others]
            # help another process with most of what is left
            busiest = max(self._groups, key=lambda key: len(self._groups[key]), default=None)
            last = fresh[0] if fresh else busiest
        if last is None:
            return None
        self._last[process] = last
        task = self._groups[last].popleft()
        if not self._groups[last]:
            del self._groups[last]
        return task


@dataclass
class _Process:
    """What one of the processes keeps between its tasks."""

    course: Course
    staging: Path
    allow_weak: bool
    bench: Bench | None = None


_PROCESSES: list[_Process] = []  # of this process: at most one


def _begin(course: Course, staging: Path, allow_weak: bool, core: int) -> None:
    import torch

    # a process and its worker take turns: to wake one on another core takes longer than a call
    os.sched_setaffinity(0, [core])
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
        case "train":
            return [trial for v in task.variants for trial in bench.train(v, task.seeds)]
        case "kill all":
            kill = functools.partial(bench.kill, every=True, seed=task.seed)
            return [kill(variant) for variant in task.variants]

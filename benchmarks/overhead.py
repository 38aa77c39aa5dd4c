"""What the sandbox costs: the reference's checks through workers, over the same in process.

Both sides run the same checks on the same inputs, in turn, in this one process; the ratio is
taken pair by pair. The zygote's start is paid once for any number of submissions and stands
apart.

    python benchmarks/overhead.py [--rounds 5] [--course DIR]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from autograder.course import Course, find_course
from autograder.grading.grade import grade, run_reference
from autograder.grading.intake import take_in
from autograder.sandbox.workers import Zygote


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--course", type=Path)
    options = parser.parse_args()
    course = Course.load(options.course or find_course(Path(__file__).parent))

    with tempfile.TemporaryDirectory() as base:
        Path(base).chmod(0o711)
        started = time.perf_counter()
        measure(course, Path(base), started, options.rounds)


def measure(course: Course, staging: Path, started: float, rounds: int) -> None:
    with Zygote(readable=[staging]) as zygote:
        start = time.perf_counter() - started
        modules = [assignment.module for assignment in course.assignments]
        submission = take_in(course.root / "solutions", modules, staging)
        run_reference(course)  # imports, caches
        pairs = []
        for _ in range(rounds):
            started = time.perf_counter()
            run_reference(course)
            between = time.perf_counter()
            report = grade(course, submission, zygote)
            pairs.append((between - started, time.perf_counter() - between))
            if report.points != report.max_points:
                sys.exit(f"the reference got {report.points} of {report.max_points}")
        layers = ", ".join(zygote.layers)

    checks = sum(len(assignment.checks) for assignment in course.assignments)
    inside, sandboxed = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratios = sorted(b / a for a, b in pairs)
    print(f"{checks} checks of {len(course.assignments)} stages, {rounds} pairs of runs")
    print(f"zygote's start          {start:8.3f} s   (once, not part of the ratio)")
    print(f"in process, median      {inside:8.3f} s")
    print(f"sandboxed, median       {sandboxed:8.3f} s   ({layers})")
    print(
        f"sandboxed / in process  {statistics.median(ratios):8.3f}     "
        f"(pairs from {ratios[0]:.3f} to {ratios[-1]:.3f})"
    )


if __name__ == "__main__":
    main()

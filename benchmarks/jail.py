"""What the jail costs: workers with every layer that this machine allows, against none.

Two zygotes side by side in this one process, taken in turn: from spawn to the first answer, and the
reference's checks.

    python benchmarks/jail.py [--workers 100] [--rounds 3] [--course DIR]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from autograder.course import Course, Limits, find_course
from autograder.grading.grade import grade
from autograder.grading.intake import take_in
from autograder.sandbox.jail import LAYERS
from autograder.sandbox.runner import Call
from autograder.sandbox.workers import Zygote


def first_answer(zygote: Zygote, folder: Path) -> float:
    """Seconds from asking for a worker to its first answer."""
    started = time.perf_counter()
    worker = zygote.spawn(folder, "first", None, Limits())
    worker.load()
    worker.call(Call("f", (1,)))
    seconds = time.perf_counter() - started
    worker.close()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--course", type=Path)
    options = parser.parse_args()
    course = Course.load(options.course or find_course(Path(__file__).parent))
    with tempfile.TemporaryDirectory() as base:
        Path(base).chmod(0o711)
        measure(course, Path(base), options)


def measure(course: Course, staging: Path, options: argparse.Namespace) -> None:
    with (
        Zygote(readable=[staging]) as jailed,
        Zygote(readable=[staging], without=LAYERS, allow_weak=True) as free,
    ):
        folder = staging / "first"
        folder.mkdir(mode=0o755)
        (folder / "first.py").write_text("def f(x):\n    return x\n")
        modules = [assignment.module for assignment in course.assignments]
        submission = take_in(course.root / "solutions", modules, staging)
        starts: dict[str, list[float]] = {"jailed": [], "free": []}
        for _ in range(options.workers):
            starts["jailed"].append(first_answer(jailed, folder))
            starts["free"].append(first_answer(free, folder))
        ratios = []
        for _ in range(options.rounds):
            times = []
            for zygote in (jailed, free):
                started = time.perf_counter()
                report = grade(course, submission, zygote)
                times.append(time.perf_counter() - started)
                if report.points != report.max_points:
                    sys.exit(f"the reference got {report.points} of {report.max_points}")
            ratios.append(times[0] / times[1])
        layers = ", ".join(jailed.layers)
    with_jail, without = (1000 * statistics.median(starts[name]) for name in ("jailed", "free"))
    print(f"layers: {layers}")
    print(f"spawn to first answer, {options.workers} workers each, medians: {with_jail:.1f} ms "
          f"jailed, {without:.1f} ms without, {with_jail - without:+.1f} ms")  # fmt: skip
    print(f"the reference's checks, jailed / without: median {statistics.median(ratios):.3f}, "
          f"from {min(ratios):.3f} to {max(ratios):.3f} in {options.rounds} pairs")  # fmt: skip


if __name__ == "__main__":
    main()

"""The grader's own misfortunes: none of them costs a student a point, or the results so far."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autograder.course import Course
from autograder.grading.batch import grade_all
from autograder.report import Report
from autograder.sandbox.workers import Zygote

RIGHT = {
    "doubles": "def double(n):\n    return 2 * n\n\ndef half(n):\n    return n // 2\n",
    "words": "def shout(word):\n    return word.upper()\n",
}


@pytest.fixture
def right(tmp_path: Path) -> Path:
    """A submission that gets every point."""
    folder = tmp_path / "ada"
    folder.mkdir()
    for stage, source in RIGHT.items():
        (folder / f"{stage}.py").write_text(source)
    return folder


def command(course: Course, *arguments: object) -> list[str]:
    grade = [sys.executable, "-m", "autograder", "grade", "--course", str(course.root)]
    return [*grade, *map(str, arguments)]


def read(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "ada" / name).read_text())
    return found


def test_a_zygote_that_is_killed_is_replaced_and_the_submission_graded(
    toy_course: Course, right: Path, tmp_path: Path
) -> None:
    """As by the kernel when memory runs out, or by hand."""
    zygotes: list[Zygote] = []
    killed = []

    def kill_once(report: Report) -> None:
        if not killed:
            killed.append(zygotes[0]._process.pid)
            os.kill(killed[0], signal.SIGKILL)

    (graded,) = grade_all(
        toy_course, [right], tmp_path / "out", on_start=zygotes.append, on_check=kill_once
    )
    assert killed
    assert graded.report.graded
    assert graded.report.points == graded.report.max_points == 6


def test_a_check_that_breaks_down_on_the_reference_is_our_fault(
    toy_course: Course, right: Path, tmp_path: Path
) -> None:
    """It is not graded, and says so; the command exits with 3."""
    root = tmp_path / "course"
    for path in sorted(toy_course.root.rglob("*.*")):
        target = root / path.relative_to(toy_course.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    checks = root / "assignments" / "words" / "test_public.py"
    checks.write_text(checks.read_text().replace('"HEY"', "undefined"))
    run = subprocess.run(
        command(Course.load(root), right, "--out", tmp_path / "out"), capture_output=True, text=True
    )
    assert run.returncode == 3
    assert "not by its fault" in run.stderr
    assert "Traceback" not in run.stderr
    report = read(tmp_path / "out", "report.json")
    assert report["graded"] is False
    (row,) = report["stages"][1]["exercises"][0]["checks"]
    assert (row["outcome"], row["points"]) == ("ungraded", None)
    assert "not your fault" in row["message"]
    assert "undefined" not in json.dumps(read(tmp_path / "out", "results.json"))
    assert report["stages"][0]["points"] == 5


def test_a_check_that_breaks_down_on_an_answer_is_the_answers_fault(
    toy_course: Course, right: Path, tmp_path: Path
) -> None:
    """Returning something that a check does not expect must not undo a grade."""
    (right / "words.py").write_text("def shout(word):\n    return {'a': [None]}\n")
    (graded,) = grade_all(toy_course, [right], tmp_path / "out")
    assert graded.report.graded
    assert graded.report.points == 5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_results_so_far_stand_when_the_grader_is_ended(
    toy_course: Course, right: Path, tmp_path: Path, number: int
) -> None:
    """Every row is there, and nothing of ours is left running or lying about."""
    (right / "words.py").write_text("while True:\n    pass\n")
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    run = subprocess.Popen(
        command(toy_course, right, "--out", tmp_path / "out"),
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    results = tmp_path / "out" / "ada" / "results.json"
    while not results.exists() and run.poll() is None:
        pass  # it is written before the first check
    assert run.poll() is None
    run.send_signal(number)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said
    found = json.loads(results.read_text())
    assert [row["max_score"] for row in found["tests"]] == [1, 2, 2, 1]
    assert "not final" in found["output"]
    assert not list(tmp_path.glob("autograder-*"))


def test_results_that_do_not_fit_the_disk_are_one_sentence(
    toy_course: Course, right: Path, tmp_path: Path
) -> None:
    """Exit 3, and no half-written file."""
    limited = ["prlimit", "--fsize=1000", *command(toy_course, right, "--out", tmp_path / "out")]
    # no .pyc either, which the limit would cut short
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(limited, capture_output=True, text=True, env=environment)
    assert run.returncode == 3
    assert len(run.stderr.strip().splitlines()) == 1
    assert "can't be written" in run.stderr
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_two_graders_on_one_machine_do_not_disturb_each_other(
    toy_course: Course, right: Path, tmp_path: Path
) -> None:
    runs = [
        subprocess.Popen(
            command(toy_course, right, "--out", tmp_path / name), stdout=subprocess.DEVNULL
        )
        for name in ("one", "two")
    ]
    assert [run.wait(timeout=120) for run in runs] == [0, 0]
    for name in ("one", "two"):
        assert read(tmp_path / name, "report.json")["points"] == 6

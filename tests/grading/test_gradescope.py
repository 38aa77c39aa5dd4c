"""A run on Gradescope, in a folder laid out as Gradescope does; no root and no container needed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder.course import Course
from autograder.errors import AutograderError
from autograder.grading import gradescope
from autograder.grading.gradescope import run
from autograder.release.course_files import course_files

RIGHT = {
    "doubles.py": "def double(n):\n    return 2 * n\ndef half(n):\n    return n // 2\n",
    "words.py": "def shout(word):\n    return word.upper()\n",
}
METADATA = {
    "created_at": "2026-10-02T09:00:00-07:00",
    "assignment": {"due_date": "2026-10-02T08:00:00-07:00"},
    "users": [{"name": "Ada Lovelace"}, {"name": "Emmy Noether"}],
    "previous_submissions": [],
}


class Platform:
    """Gradescope's folder."""

    def __init__(self, root: Path, course: Course) -> None:
        self.root = root
        for name in ("submission", "results", "source"):
            (root / name).mkdir(parents=True)
        for file, content in course_files(course).items():
            path = root / "source" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.tell(METADATA)

    def hand_in(self, files: dict[str, str]) -> Platform:
        for name, text in files.items():
            (self.root / "submission" / name).write_text(text, encoding="utf-8")
        return self

    def tell(self, metadata: Any) -> None:
        (self.root / "submission_metadata.json").write_text(json.dumps(metadata), encoding="utf-8")

    def command(self, *more: str) -> list[str]:
        course = ["--course", str(self.root / "source/course")]
        command = [sys.executable, "-m", "autograder", "gradescope", "--root", str(self.root)]
        return [*command, *course, *more]

    @property
    def results(self) -> dict[str, Any]:
        content = (self.root / "results/results.json").read_bytes()
        found: dict[str, Any] = json.loads(content, parse_constant=pytest.fail)
        return found


@pytest.fixture
def platform(tmp_path: Path, toy_course: Course) -> Platform:
    return Platform(tmp_path / "autograder", toy_course)


def score(results: dict[str, Any]) -> float:
    return sum(row["score"] for row in results["tests"])


def ended(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_a_right_submission_has_all_points(platform):
    done = ended(platform.hand_in(RIGHT).command())
    assert (done.returncode, score(platform.results)) == (0, 6)
    assert platform.results["extra_data"] == {
        "graded": True,
        "submission_number": 1,
        "late_seconds": 3600,
    }
    assert platform.results["output"] == "Handed in 1 h after it was due."
    assert done.stdout.startswith("Ada Lovelace, Emmy Noether\n")


@pytest.mark.parametrize("metadata", [None, [], {"users": 3}, {"users": [{"name": None}]}])
def test_no_grade_depends_on_the_metadata(platform, toy_course, metadata):
    platform.hand_in(RIGHT).tell(metadata)
    assert run(platform.root, toy_course).submission == "submission"
    assert score(platform.results) == 6


def test_nor_on_its_being_there(platform, toy_course):
    (platform.root / "submission_metadata.json").unlink()
    run(platform.hand_in(RIGHT).root, toy_course)
    assert score(platform.results) == 6


def test_nothing_handed_in_has_every_row(platform):
    done = ended(platform.command())
    assert (done.returncode, score(platform.results)) == (0, 0)
    assert sum(row["max_score"] for row in platform.results["tests"]) == 6


def test_student_code_reads_nothing_of_gradescopes(platform, toy_course):
    """Neither who else handed in nor what hidden checks say, also by the files' modes alone."""
    run(platform.hand_in(RIGHT).root, toy_course)
    assert (platform.root / "submission_metadata.json").stat().st_mode & 0o077 == 0
    assert (platform.root / "results").stat().st_mode & 0o077 == 0


class TestWhenItFails:
    def test_a_grader_that_fails_is_no_score(self, platform, toy_course, monkeypatch):
        """Not 0 points: Gradescope says that the autograder failed."""

        def fail(*_: object, **__: object) -> None:
            raise AutograderError("the sandbox can't be started")

        monkeypatch.setattr(gradescope, "grade_all", fail)
        with pytest.raises(AutograderError):
            run(platform.root, toy_course)
        assert not {"score", "tests"} & platform.results.keys()
        assert "not your fault" in platform.results["output"]

    def test_a_check_that_breaks_has_no_score(self, platform):
        """The others keep theirs; the command says what is wrong, to instructors alone."""
        path = platform.root / "source/course/assignments/words/test_public.py"
        path.write_text(path.read_text().replace('"HEY"', "1 / 0"))
        done = ended(platform.hand_in(RIGHT).command())
        scores = {row["number"]: row.get("score") for row in platform.results["tests"]}
        assert (done.returncode, scores["2.1"], scores["1.2"]) == (3, None, 2)
        assert "ZeroDivisionError" in done.stderr
        assert "ZeroDivisionError" not in json.dumps(platform.results)


class TestWhenTimeIsOver:
    @pytest.fixture
    def short(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[float, float], None]:
        """So many seconds to begin checks in, and to end in."""

        def set_to(last_check: float, end: float) -> None:
            monkeypatch.setattr(gradescope, "_LAST_CHECK_SECONDS", 180 - last_check)
            monkeypatch.setattr(gradescope, "_END_SECONDS", 180 - end)

        return set_to

    def test_before_the_first_check_it_is_no_score(self, platform, toy_course, short):
        short(60, 0.01)
        with pytest.raises(AutograderError, match="raise the time limit"):
            run(platform.hand_in(RIGHT).root, toy_course, minutes=3)
        assert not {"score", "tests"} & platform.results.keys()

    def test_between_two_checks_code_that_never_ends_has_taken_it(
        self, platform, toy_course, short
    ):
        """Its rows are final, and what there was no time for is told why."""
        short(3, 60)
        endless = RIGHT["doubles.py"].replace("return", "while True: pass\n    return")
        report = run(platform.hand_in(RIGHT | {"doubles.py": endless}).root, toy_course, minutes=3)
        assert report.graded
        assert score(platform.results) == 0
        [shout] = [row for row in platform.results["tests"] if row["number"] == "2.1"]
        assert "mend those first" in shout["output"]

    def test_within_a_check_what_is_known_stands(self, platform, toy_course, short, monkeypatch):
        """And what is not has no score."""
        began = []

        def early(results: Any, report: Any) -> None:
            original(results, report)
            if any(check.outcome != "ungraded" for check in report.stages[0].exercises[0].checks):
                began.append(report)
                os.kill(os.getpid(), signal.SIGALRM)

        original = gradescope._Results.early
        monkeypatch.setattr(gradescope._Results, "early", early)
        report = run(platform.hand_in(RIGHT).root, toy_course, minutes=3)
        assert len(began) == 1
        assert not report.graded
        assert "the time was over" in report.fault
        scores = {(r["number"], r["visibility"]): r.get("score") for r in platform.results["tests"]}
        assert scores[("1.1", "visible")] == 1
        assert scores[("2.1", "visible")] is None


def test_is_ended_as_by_ctrl_c(platform):
    """A container that is stopped leaves what is known by then."""
    sleepy = "import time\ndef shout(word):\n    time.sleep(60)\n"
    running = subprocess.Popen(
        platform.hand_in(RIGHT | {"words.py": sleepy}).command(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    path = platform.root / "results/results.json"
    while running.poll() is None and (not path.is_file() or b'"tests"' not in path.read_bytes()):
        pass  # soon it says that the checks have begun
    running.terminate()
    assert running.wait(60) in (0, 3)
    running.communicate()
    assert len(platform.results["tests"]) == 4

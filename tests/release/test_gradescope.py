"""The zip for Gradescope: what is in it, and that its scripts do what they say.

Here they run without root and without a network; `gradescope/container.py` builds the image.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.errors import CourseError
from autograder.release.archive import zipped
from autograder.release.gradescope import gradescope_files
from autograder.release.wheel import Wheel
from autograder.reports import gradescope as report

WHEEL = Wheel("autograder-1-py3-none-any.whl", b"the toolkit")
RIGHT = {
    "doubles.py": "def double(n):\n    return 2 * n\ndef half(n):\n    return n // 2\n",
    "words.py": "def shout(word):\n    return word.upper()\n",
}


@pytest.fixture
def files(toy_course: Course) -> dict[str, bytes]:
    return gradescope_files(toy_course, WHEEL)


def with_settings(course: Course, tmp_path: Path, settings: str, **more: str) -> Course:
    """The same course with a [gradescope] table."""
    root = tmp_path / "course"
    shutil.copytree(course.root, root)
    path = root / "assignments/course.toml"
    path.write_text(f"{path.read_text()}\n[gradescope]\n{settings}\n")
    for name, text in more.items():
        (root / f"{name}.txt").write_text(text)
    return Course.load(root)


def test_is_the_scripts_the_course_and_the_toolkit(files):
    top = {name.partition("/")[0] for name in files}
    assert top == {"setup.sh", "run_autograder", "constraints.txt", "course", WHEEL.name}
    assert files[WHEEL.name] == WHEEL.content
    assert list(files) == sorted(files)


def test_scripts_can_be_run(files):
    """In the zip they are executable, whatever system it was made on, and end their lines as
    bash wants it."""
    with zipfile.ZipFile(BytesIO(zipped(files))) as archive:
        for name in ("setup.sh", "run_autograder"):
            assert archive.getinfo(name).external_attr >> 16 & stat.S_IXUSR
            assert b"\r" not in archive.read(name)


@pytest.mark.parametrize("name", ["setup.sh", "run_autograder"])
def test_scripts_are_bash(files, name):
    assert not re.search(rb"@[A-Z_]+@", files[name])  # nothing is left to fill in
    subprocess.run(["bash", "-n"], input=files[name], check=True)


def test_torch_is_the_one_of_the_constraints(toy_course, tmp_path):
    """The course's own pins come before those that the toolkit was tested with."""
    own = with_settings(toy_course, tmp_path, "", constraints="torch==2.9.1  # ours\n")
    files = gradescope_files(own, WHEEL)
    assert b"\ntorch=2.9.1\n" in files["setup.sh"]
    assert files["constraints.txt"] == b"torch==2.9.1  # ours\n"


def test_options_for_pip_are_quoted(toy_course, tmp_path):
    course = with_settings(toy_course, tmp_path, 'pip = ["--find-links", "/a b; rm -rf /"]')
    setup = gradescope_files(course, WHEEL)["setup.sh"].decode()
    assert "pip_options=(--find-links '/a b; rm -rf /')" in setup


def test_ends_before_gradescope_does(toy_course, tmp_path):
    course = with_settings(toy_course, tmp_path, "minutes = 40")
    assert b"--kill-after=5 2390 " in gradescope_files(course, WHEEL)["run_autograder"]


@pytest.mark.parametrize("minutes", ["0", "41", "nan", '"ten"'])
def test_a_time_limit_that_gradescope_does_not_have_is_refused(toy_course, tmp_path, minutes):
    with pytest.raises(CourseError, match=r"course\.toml: `gradescope"):
        with_settings(toy_course, tmp_path, f"minutes = {minutes}")


class TestRunAutograder:
    """The script in a folder laid out as Gradescope does, with this Python."""

    @pytest.fixture
    def root(self, files: dict[str, bytes], tmp_path: Path) -> Path:
        root = tmp_path / "autograder"
        for name, content in {**files, "failed.json": report.failed()}.items():
            path = root / "source" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        shutil.copy(root / "source/run_autograder", root)
        (root / "submission").mkdir()
        for name, text in RIGHT.items():
            (root / "submission" / name).write_text(text)
        return root

    def run(self, root: Path, home: Path) -> tuple[int, dict]:
        command = ["bash", str(root / "run_autograder")]
        environment = os.environ | {"AUTOGRADER_HOME": str(home)}
        done = subprocess.run(command, env=environment, capture_output=True, timeout=120)
        return done.returncode, json.loads((root / "results/results.json").read_bytes())

    def test_grades(self, root):
        """It makes the folder for the results where Gradescope has not."""
        code, results = self.run(root, Path(sys.prefix))
        assert (code, sum(row["score"] for row in results["tests"])) == (0, 6)

    @pytest.mark.parametrize("ending", ["exit 1", "kill -9 $$"])
    def test_a_grader_that_dies_is_no_score(self, root, tmp_path, ending):
        """Whatever it has written before: what stands there has points for a part only."""
        python = tmp_path / "home/bin/python"
        python.parent.mkdir(parents=True)
        results = root / "results/results.json"
        python.write_text(f"#!/bin/sh\necho '{{\"score\": 0}}' > '{results}'\n{ending}\n")
        python.chmod(0o755)
        code, found = self.run(root, tmp_path / "home")
        assert code != 0
        assert found == json.loads(report.failed())

    def test_a_course_that_can_t_be_read_is_no_score(self, root):
        (root / "source/course/assignments/course.toml").write_text("title = 3")
        code, found = self.run(root, Path(sys.prefix))
        assert code == 2
        assert found == json.loads(report.failed())

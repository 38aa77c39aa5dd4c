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
from collections.abc import Callable
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


class TestSetup:
    """The script with a stand-in for what it calls: `container.py` runs it for real."""

    @pytest.fixture
    def build(self, toy_course: Course, tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
        """Its exit code, output and the calls of pip, where the system has these Pythons and
        pip has what does not match `lacks`."""

        def run(*pythons: str, lacks: str = "nothing") -> tuple[int, str, str]:
            home, log = tmp_path / "home", tmp_path / "pip.log"
            course = with_settings(toy_course, tmp_path, 'pip = ["--find-links", "a b"]')
            for name, content in gradescope_files(course, WHEEL).items():
                path = tmp_path / "source" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            python = f"""#!/bin/sh
                case "$*" in
                *"-m venv"*) mkdir -p '{home}/bin'; cp "$0" '{home}/bin/python'
                    echo "environment by $0" ;;
                *"-m pip"*{lacks}*) exit 1 ;;
                *"-m pip"*) printf '%s\\n' "$*" >> '{log}' ;;
                *embedded_folder*) mktemp -d ;;
                esac
                """
            found = " ".join(f"^python{version}-venv$" for version in pythons)
            tools = {
                "apt-get": "#!/bin/sh\n",
                "apt-cache": f"#!/bin/sh\ncase ' {found} ' in *\" $3 \"*) echo found;; esac\n",
                **{f"python{version}": python for version in pythons},
            }
            for name, script in tools.items():
                path = tmp_path / "bin" / name
                path.parent.mkdir(exist_ok=True)
                path.write_text(script)
                path.chmod(0o755)
            environment = {
                "PATH": f"{path.parent}:{os.environ['PATH']}",
                "AUTOGRADER_HOME": str(home),
            }
            command = ["bash", str(tmp_path / "source/setup.sh")]
            done = subprocess.run(command, env=environment, capture_output=True, text=True)
            calls = log.read_text() if log.is_file() else ""
            return done.returncode, done.stdout + done.stderr, calls

        return run

    def test_takes_the_build_for_cpus(self, build):
        """Pinned as the constraints have it, and with the course's options for pip."""
        code, said, calls = build("3.11")
        assert code == 0, said
        first, second = calls.splitlines()
        assert re.search(r"--find-links a b -c \S+constraints\.txt torch==[\d.]+\+cpu$", first)
        assert second.endswith(WHEEL.name)

    def test_takes_another_where_there_is_none(self, build):
        """And says what to put into the course for a small image."""
        code, said, calls = build("3.11", lacks="+cpu")
        assert (code, calls.splitlines()[0].split()[-1]) == (0, "torch")
        assert "[gradescope]" in said

    @pytest.mark.parametrize(
        "pythons, taken", [(["3.11"], "3.11"), (["3.13", "3.12"], "3.12"), (["3.13"], "3.13")]
    )
    def test_takes_a_python_that_the_system_has(self, build, pythons, taken):
        _, said, _ = build(*pythons)
        assert re.search(rf"environment by \S+/python{taken}$", said, re.MULTILINE)

    def test_without_one_it_says_what_to_choose(self, build):
        code, said, _ = build("3.9")
        assert code != 0
        assert "choose Ubuntu 22.04 or later" in said
        assert "setup.sh FAILED while looking for a Python" in said

    def test_a_failure_says_at_what(self, build):
        code, said, _ = build("3.11", lacks=WHEEL.name)
        assert code != 0
        assert "setup.sh FAILED while installing the autograder" in said
        assert "== done" not in said

    def test_closes_the_course_to_student_code(self, build, tmp_path):
        build("3.11")
        assert (tmp_path / "source/course").stat().st_mode & 0o077 == 0

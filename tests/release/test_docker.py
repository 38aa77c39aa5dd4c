"""The grader as an image: what is built holds together, without building it."""

from __future__ import annotations

import re
import subprocess

from autograder.course import Course
from autograder.release.docker import docker_files
from autograder.release.wheel import Wheel

WHEEL = Wheel("autograder-0.1.0-py3-none-any.whl", b"wheel")


def test_holds_all_that_the_dockerfile_copies(known_course):
    """And the README runs the image under the name that it builds."""
    files = docker_files(known_course, WHEEL)
    dockerfile = files["Dockerfile"].decode()
    for source in re.findall(r"^COPY (?:--\S+ )?(\S+) ", dockerfile, re.MULTILINE):
        assert any(name.startswith(source) for name in files), source
    assert f"/opt/toolkit/{WHEEL.name}" in dockerfile
    assert files["course/solutions/sums.py"]
    assert b"docker build -t grader " in files["README.md"]
    # without `constraints.txt` in the course nothing asks for it
    assert "constraints" not in dockerfile


def test_pins_what_the_course_pins(known):
    """Where the course has constraints, the image is built with them."""
    known.write("constraints.txt", "torch==2.13.0\n")
    files = docker_files(known.load(), WHEEL)
    assert files["toolkit/constraints.txt"] == b"torch==2.13.0\n"
    assert b"-c /opt/toolkit/constraints.txt /opt/toolkit/autograder" in files["Dockerfile"]


def test_its_script_grades_what_lies_in_the_folder(known_course, tmp_path):
    """Run with a command in `autograder`'s place that says how it was called."""
    said = tmp_path / "autograder"
    said.write_text('#!/bin/sh\nfor one in "$@"; do echo "$one"; done\n')
    said.chmod(0o755)
    script = docker_files(known_course, WHEEL)["grade-all"].decode()
    assert script.startswith("#!/bin/sh")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "Ada L.zip").touch()
    (tmp_path / "in" / "bob").mkdir()
    moved = script.replace("/submissions", str(tmp_path / "in"))
    run = subprocess.run(
        ["sh", "-c", moved, "grade-all", "--stage", "sums"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    command, *paths = run.stdout.splitlines()[:3]
    assert (command, [path.rpartition("/")[2] for path in paths]) == ("grade", ["Ada L.zip", "bob"])
    assert run.stdout.splitlines()[3:] == [
        *("--out", "/graded", "--course", "/opt/course", "--stage", "sums")
    ]


def test_its_course_is_a_course(known_course, tmp_path):
    """`autograder grade --course` can read it."""
    for name, content in docker_files(known_course, WHEEL).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert Course.load(tmp_path / "course").points == known_course.points

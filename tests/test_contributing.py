"""CONTRIBUTING.md is followed: its commands are run, its files written, its claims tried."""

from __future__ import annotations

import ast
import configparser
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from shutil import copytree

import pytest

from autograder.course import Assignment, Course, Exercise
from autograder.mistakes import read_mistakes
from autograder.proof import judge

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """What the page has an instructor type, in order."""
    consoles = [text for language, text in BLOCKS if language == "console"]
    typed = [part for text in consoles for part in re.split(r"&&|\n", text) if part.strip()]
    return [shlex.split(part) for part in typed]


def files() -> dict[str, str]:
    """What the page has an instructor write: blocks whose first line is a comment with the path."""
    found = {}
    for _, text in BLOCKS:
        if marked := re.match(r"# (\w+/[\w./]+)\n", text):
            found[marked[1]] = text
    return found


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, capture_output=True, text=True, timeout=600
    )


@dataclass
class Followed:
    """The course after the page was followed, and what its commands printed."""

    root: Path
    printed: dict[str, str]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """`autograder new` first, then the files, then whatever else is typed; all of it succeeds."""
    root = tmp_path_factory.mktemp("course")
    (root / "assignments").mkdir()
    (root / "assignments" / "course.toml").write_text('title = "A course"\nstages = []\n')
    typed = commands()
    scaffolds = [command for command in typed if command[1] == "new"]
    assert [command[0] for command in typed] == ["autograder"] * len(typed)
    assert [command[1] for command in typed] == ["new", "release", "verify"]
    printed = {}
    for command in scaffolds:
        printed["new"] = run(*command, cwd=root).stdout
    for name, text in files().items():
        assert (root / name).parent.is_dir(), f"{name}: `autograder new` made no such folder"
        (root / name).write_text(text, encoding="utf-8")
    for command in typed:
        if command not in scaffolds:
            done = run(*command, cwd=root)
            assert done.returncode == 0, done.stdout + done.stderr
            printed[command[1]] = done.stdout
    return Followed(root, printed)


def stage_of(course: Path) -> Assignment:
    (assignment,) = Course.load(course).assignments
    return assignment


def test_the_exercise_of_the_page_is_proved(followed: Followed) -> None:
    assert "✓ all of it holds" in followed.printed["verify"]
    stage = stage_of(followed.root)
    assert {check.visibility for check in stage.checks} == {"public", "hidden"}
    assert len(read_mistakes(stage)) == 3
    assert len(list((stage.folder / "alternatives").iterdir())) == 2


def test_no_example_is_left_but_in_the_handout(followed: Followed) -> None:
    left = [path.name for path in followed.root.rglob("*.*") if "EXAMPLE" in path.read_text()]
    assert set(left) == {"handout.md"}


def test_a_student_reads_what_the_page_shows(followed: Followed, tmp_path: Path) -> None:
    (message,) = [text for language, text in BLOCKS if language == "text"]
    first = read_mistakes(stage_of(followed.root))[0]
    copytree(followed.root / "student_template", tmp_path / "student")
    module = (followed.root / "solutions" / "metrics.py").read_text()
    (tmp_path / "student" / "metrics.py").write_text(first.apply(module))
    assert message in run("pytest", cwd=tmp_path / "student").stdout


def test_what_is_broken_is_named(followed: Followed, tmp_path: Path) -> None:
    """One break for each of several kinds of the page's table, found in one run."""
    course = tmp_path / "course"
    copytree(followed.root, course)
    stage = course / "assignments" / "metrics"

    def edit(name: str, old: str, new: str) -> None:
        text = (stage / name).read_text()
        assert text.count(old) == 1
        (stage / name).write_text(text.replace(old, new))

    edit("mistakes.toml", 'find = ".mean()"', 'find = ".median()"')
    edit("mistakes.toml", '"Which axis of the logits', "\"Isn't it argmax(dim=1)? Which axis")
    edit("alternatives/in_plain_python.py", "len(targets)", "(len(targets) + 1)")
    edit("test_hidden.py", "weight=2", "weight=0")
    done = run("autograder", "verify", "--stage", "metrics", "--no-mutants", cwd=course)
    assert done.returncode == 1
    for culprit in (
        "✗ metrics mistake: accuracy: counted\n    `find` occurs 0 times in the reference",
        "✗ metrics hint: accuracy: largest over the batch\n",
        "✗ metrics alternative: in_plain_python\n    test_accuracy_by_hand: ",
        "✗ metrics exercise: accuracy\n    is judged by no hidden check",
        "✗ metrics mistake: accuracy: always float32\n    loses no points",
    ):
        assert culprit in done.stdout
    assert "don't hold" in done.stdout


def test_the_table_has_every_kind_of_failure() -> None:
    raised = set()
    for path in (ROOT / "autograder" / "proof").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Failure":
                raised.add(ast.literal_eval(node.args[0]))
    assert raised == set(re.findall(r"^\| `([\w.]+)` \|", PAGE, re.MULTILINE))


def test_the_numbers_of_the_table_are_those_of_the_code() -> None:
    assert f"over {1 - judge.DIAGNOSED:.0%} of the mistakes" in PAGE
    assert f"over {1 - judge.KILLED:.0%} go unnoticed" in PAGE
    assert judge.OF_LIMIT == 1 / 3
    assert "over a third of its time limit" in PAGE
    assert f"relative error of {Exercise('name', Decimal(1)).resolution:g} eps" in PAGE


def test_what_the_page_points_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        assert (ROOT / target).is_file()
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    for name in ("fuzz", "container", "fairness", "lint", "tests"):
        assert f"testenv:{name}" in tox or name in tox["tox"]["envlist"].split(", ")
        assert name in PAGE
    assert "(CONTRIBUTING.md)" in (ROOT / "README.md").read_text(encoding="utf-8")

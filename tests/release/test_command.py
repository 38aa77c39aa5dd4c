"""`autograder release --out` and `autograder audit`, as an instructor types them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

KNOWN_COURSE = Path(__file__).parents[1] / "known_course"
TWO = ("--target", "student", "--target", "docker", "--course", "course")


def autograder(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "autograder", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course and its release of two targets, beside each other."""
    base = tmp_path_factory.mktemp("released")
    shutil.copytree(KNOWN_COURSE, base / "course", ignore=shutil.ignore_patterns("__pycache__"))
    run = autograder("release", "--out", "dist", *TWO, cwd=base)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "dist/manifest.json"
    return base


@pytest.fixture
def base(released: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    shutil.copytree(released, tmp_path / "base", symlinks=True)
    return tmp_path / "base"


def test_it_is_checked_and_audited_and_holds(base: Path) -> None:
    """One sentence for nothing found, and exit code 0."""
    checked = autograder("release", "--out", "dist", "--check", *TWO, cwd=base)
    assert (checked.returncode, checked.stdout) == (0, "")
    audited = autograder("audit", "dist", "--course", "course", cwd=base)
    assert (audited.returncode, audited.stdout) == (0, "nothing found in dist\n")


def test_check_says_what_would_change_and_writes_nothing(base: Path) -> None:
    """A sentence a line, and exit code 1."""
    handout = base / "course/assignments/sums/handout.md"
    handout.write_text(handout.read_text().replace("Five small", "Five tiny"))
    before = (base / "dist/manifest.json").read_bytes()
    run = autograder("release", "--out", "dist", "--check", *TWO, cwd=base)
    assert run.returncode == 1
    assert run.stdout.splitlines() == [
        "student/.release.json would change",
        "student/assignments/sums/handout.md would change",
        "student.zip would change",
        "manifest.json would change",
    ]
    assert (base / "dist/manifest.json").read_bytes() == before


def test_a_leak_is_refused_and_named(base: Path) -> None:
    """Exit code 2: the course has to be mended; what was released stays as it is."""
    handout = base / "course/assignments/sums/handout.md"
    handout.write_text("# Sums\n\n    return max(low, min(x, high))\n")
    run = autograder("release", "--out", "dist", *TWO, cwd=base)
    assert run.returncode == 2
    assert run.stderr.startswith(
        "autograder: student: assignments/sums/handout.md would hand out line 16 of solutions"
    )
    assert "Traceback" not in run.stderr
    assert "max(low" not in (base / "dist/student/assignments/sums/handout.md").read_text()


def test_audit_finds_what_was_added_afterwards(base: Path) -> None:
    """In a folder that somebody has worked in; exit code 1."""
    student = base / "dist" / "student"
    (student / "notes.md").write_text("`deviations = (values - values.mean()) ** 2`\n")
    shutil.copytree(base / "course" / "solutions", student / "solutions")
    (student / ".git").mkdir()
    run = autograder("audit", student, "--course", "course", cwd=base)
    assert run.returncode == 1
    found = run.stdout.splitlines()
    assert found[0] == "student/.git is in a history, .git"
    assert found[1].startswith("student/notes.md would hand out line 23 of solutions/sums.py")
    assert found[2].startswith("student/solutions/sums.py bears the name of a secret")
    assert found[3].startswith("student/solutions/sums.py would hand out")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("release", "--target", "docker"), "--stage and --target need --out DIR"),
        (("release", "--stage", "sums"), "--stage and --target need --out DIR"),
        (("release", "--target", "moodle"), "--target moodle: there is no such release"),
        (("release", "--out", "dist", "--stage", "none"), "no stage 'none'"),
        (("audit", "nowhere"), "nowhere: there is no such file or folder"),
        (("audit", "dist", "--target", "moodle"), "--target moodle: there is no such release"),
    ],
)
def test_what_is_asked_wrongly_is_said_in_a_sentence(
    base: Path, arguments: tuple[str, ...], words: str
) -> None:
    """Exit code 2."""
    run = autograder(*arguments, "--course", "course", cwd=base)
    assert run.returncode == 2
    assert run.stderr.startswith("autograder: ")
    assert words in run.stderr
    assert run.stderr.count("\n") == 1


def test_the_manifest_says_nothing_of_the_machine(base: Path) -> None:
    """Neither where, nor when, nor by whom."""
    text = (base / "dist/manifest.json").read_text()
    assert str(base) not in text
    assert set(json.loads(text)) == {"note", "targets"}
    entry = json.loads(text)["targets"]["docker"]
    assert set(entry) == {"course", "stages", "toolkit", "commit", "modified", "files"}

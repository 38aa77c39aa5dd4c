"""`autograder new`: what it writes holds as it stands, and nothing is lost or left half-written."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from autograder import new
from autograder.course import Course
from autograder.errors import AutograderError, CourseError, InputError
from autograder.release.student import audit, student_files

ROOT = Path(__file__).parents[1]
COURSE = '# kept\ntitle = "A course"\nstages = ["first"]  # in order\n\n[checks]\nexamples = 20\n'


def run(
    *command: object, cwd: Path, before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
        preexec_fn=before,
    )


def tree(folder: Path) -> dict[str, str | None]:
    """Every file and folder below a folder, with its contents."""
    return {
        path.relative_to(folder).as_posix(): path.read_text() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course that lists one stage; of the stage itself there is nothing to see here."""
    (tmp_path / "assignments").mkdir()
    (tmp_path / "solutions").mkdir()
    (tmp_path / "assignments" / "course.toml").write_text(COURSE)
    return tmp_path


# --- what it writes holds --------------------------------------------------------------------


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course begun in an empty folder, with a stage of two exercises; and its release."""
    root = tmp_path_factory.mktemp("begun")
    made = run(
        *("autograder", "new", "metrics", "--exercise", "loss", "--exercise", "loss_two"),
        *("--title", 'How "good"?', "--course", root),
        cwd=root.parent,
    )
    assert made.returncode == 0, made.stderr
    *files, last = made.stdout.splitlines()
    assert sorted(files) == sorted(str(path) for path in root.rglob("*") if path.is_file())
    assert last == (
        f"Next: autograder release --course {root} && "
        f"autograder verify --stage metrics --course {root}"
    )
    released = run("autograder", "release", "--course", root, cwd=root.parent)
    assert released.returncode == 0, released.stderr
    return root


def test_every_example_is_proved_at_once(begun: Path) -> None:
    proved = run("autograder", "verify", "--stage", "metrics", "--json", "-", cwd=begun)
    assert proved.returncode == 0, proved.stdout
    (stage,) = json.loads(proved.stdout)["stages"]
    assert stage["mistakes"] == stage["caught"] == stage["diagnosed_alone"] == 6
    assert stage["alternatives"] == stage["alternatives_full"] == 1
    assert stage["mutants"] == stage["killed"] > 10


def test_a_begun_course_has_a_title_and_the_stage(begun: Path) -> None:
    course = Course.load(begun)
    assert course.title == begun.name.capitalize()
    assert course.assignment("metrics").title == 'How "good"?'
    assert [e.name for e in course.assignment("metrics").exercises] == ["loss", "loss_two"]
    assert course.points == 2


def test_students_can_work_on_it(begun: Path) -> None:
    stub = begun / "student_template" / "metrics.py"
    assert stub.read_text().count("raise NotImplementedError") == 2
    stub.write_bytes((begun / "solutions" / "metrics.py").read_bytes())
    checked = run("pytest", cwd=begun / "student_template")
    assert checked.returncode == 0, checked.stdout
    assert "4 passed" in checked.stdout


def test_it_joins_the_stages_of_a_course(tmp_path: Path) -> None:
    """The examples' lines are in nobody's way: the release of all stages can be made."""
    for folder in ("assignments", "solutions"):
        copytree(ROOT / folder, tmp_path / folder)
    stages = Course.load(tmp_path).stages
    new.scaffold(tmp_path, "example_stage")
    new.scaffold(tmp_path, "another_stage")
    course = Course.load(tmp_path)
    assert course.stages == (*stages, "example_stage", "another_stage")
    assert course.assignment("example_stage").title == "Example stage"
    audit(course, student_files(course))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (COURSE, COURSE.replace('["first"]', '["first", "metrics"]')),
        ("stages = [\n    'a',  # one\n]\n", "stages = [\n    'a',  # one\n    \"metrics\",\n]\n"),
        ("stages = []", 'stages = ["metrics"]'),
        ('stages = ["a"]\r\nx = 1\r\n', 'stages = ["a", "metrics"]\r\nx = 1\r\n'),
    ],
)
def test_the_courses_comments_and_layout_stay(course: Path, before: str, after: str) -> None:
    listing = course / "assignments" / "course.toml"
    listing.write_bytes(before.encode())
    listing.chmod(0o640)
    new.scaffold(course, "metrics")
    assert listing.read_bytes().decode() == after
    assert listing.stat().st_mode & 0o777 == 0o640


# --- what it refuses -------------------------------------------------------------------------


def refuses(course: Path, *words: str, stage: str = "metrics", **options: Any) -> AutograderError:
    """It raises one sentence with these words in it, and changes nothing."""
    before = tree(course)
    with pytest.raises(InputError) as caught:
        new.scaffold(course, stage, **options)
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    assert tree(course) == before
    return caught.value


@pytest.mark.parametrize("stage", ["two-words", "2nd", "class", "", "../up", "torch", "json"])
def test_a_stage_needs_a_modules_name_that_no_library_has(course: Path, stage: str) -> None:
    refuses(course, repr(stage), stage=stage)


@pytest.mark.parametrize("name", ["two-words", "def", "_private", "torch", "sum"])
def test_an_exercise_needs_a_public_functions_name(course: Path, name: str) -> None:
    refuses(course, repr(name), exercises=["loss", name])


def test_an_exercise_is_named_once(course: Path) -> None:
    refuses(course, "--exercise loss is given twice", exercises=["loss", "loss"])


@pytest.mark.parametrize("name", ["assignments/metrics/notes.txt", "solutions/metrics.py"])
def test_what_is_there_is_never_overwritten(course: Path, name: str) -> None:
    (course / name).parent.mkdir(exist_ok=True)
    (course / name).write_text("somebody's work")
    path = course / "assignments/metrics" if name.endswith("txt") else course / name
    refuses(course, f"{path} is there already")


def test_a_link_to_nowhere_is_there_too(course: Path) -> None:
    (course / "solutions" / "metrics.py").symlink_to(course / "gone.py")
    refuses(course, "solutions/metrics.py is there already")


def test_a_stage_that_is_listed_is_named(course: Path) -> None:
    refuses(course, "course.toml", "'first' already", stage="first")


@pytest.mark.parametrize(
    "text", ["stages = [", 'title = "x"', "stages = 1", "stages = [1]", "\xff"]
)
def test_a_wrong_course_file_is_named(course: Path, text: str) -> None:
    path = course / "assignments" / "course.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(CourseError, match=r"course\.toml: "):
        new.scaffold(course, "metrics")
    assert path.read_bytes() == text.encode("latin-1")


def test_a_release_is_no_course(course: Path) -> None:
    (course / ".release.json").write_text("{}")
    refuses(course, "what students are handed out")


def test_no_course_is_begun_within_another(course: Path) -> None:
    (course / "notes").mkdir()
    with pytest.raises(InputError, match="lies within"):
        new.scaffold(course / "notes", "metrics")
    assert not any((course / "notes").iterdir())


def test_without_a_course_one_has_to_be_named(tmp_path: Path) -> None:
    made = run("autograder", "new", "metrics", cwd=tmp_path)
    assert made.returncode == 2
    assert "--course" in made.stderr
    assert len(made.stderr.splitlines()) == 1
    assert not any(tmp_path.iterdir())


# --- what fails half-way ---------------------------------------------------------------------


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))

    made = run(
        *("autograder", "new", "metrics", "--course", "course"), cwd=tmp_path, before=small_files
    )
    assert made.returncode == 2
    assert "can't be written: File too large; nothing was" in made.stderr
    assert len(made.stderr.splitlines()) == 1
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["assignments", "solutions"])
def test_a_file_where_a_folder_should_be_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("a file")
    refuses(tmp_path, name, "can't be written")


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), KeyboardInterrupt()])
@pytest.mark.parametrize("last", [1, 2, 3])
def test_the_moves_are_undone_where_one_fails(
    course: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, last: int
) -> None:
    moves = 0

    def failing(move: Callable[..., None]) -> Callable[..., None]:
        def wrapped(*arguments: Any) -> None:
            nonlocal moves
            moves += 1
            if moves == last:
                raise error
            move(*arguments)

        return wrapped

    before = tree(course)
    monkeypatch.setattr(new.os, "rename", failing(os.rename))
    monkeypatch.setattr(new.os, "replace", failing(os.replace))
    with pytest.raises((InputError, KeyboardInterrupt)):
        new.scaffold(course, "metrics")
    assert moves == last
    assert tree(course) == before

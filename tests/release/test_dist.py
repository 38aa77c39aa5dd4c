"""The folder that `autograder release --out` writes, as a whole: made, checked, written."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.errors import CourseError, InputError
from autograder.release import dist
from autograder.release.targets import TARGETS, find_targets

NAMES = ["student", "docker"]
SHARED = [TARGETS[name] for name in NAMES]


def contents(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def release(course: Course, out: Path) -> dict[str, bytes]:
    """Write a release without trying it out, which `test_rehearsal` does."""
    dist.write(course, dist.make(course, SHARED), out)
    return contents(out)


@pytest.fixture(scope="module")
def made(known_course: Course) -> list[dist.Made]:
    return dist.make(known_course, SHARED)


@pytest.fixture
def out(known_course: Course, made: list[dist.Made], tmp_path: Path) -> Path:
    """A release of the small course."""
    dist.write(known_course, made, tmp_path / "dist")
    return tmp_path / "dist"


def changes(course: Course, made: list[dist.Made], out: Path) -> list[str]:
    return dist.changes(course, made, out)


def test_writes_every_artefact_and_a_manifest(known_course, made, out):
    """Folders, zip files, and a hash of each and of every file in it."""
    assert sorted(path.name for path in out.iterdir()) == [
        "docker",
        "manifest.json",
        "student",
        "student.zip",
    ]
    student = json.loads((out / "manifest.json").read_text())["targets"]["student"]
    files = {name: hashlib.sha256(c).hexdigest() for name, c in made[0].files.items()}
    assert student["files"] == files
    assert student["student.zip"] == hashlib.sha256((out / "student.zip").read_bytes()).hexdigest()
    assert (student["course"], student["stages"]) == (known_course.title, ["sums"])
    with zipfile.ZipFile(out / "student.zip") as archive:
        inside = {name: archive.read(name) for name in archive.namelist()}
    assert inside == made[0].files
    folder = contents(out / "student")
    assert folder.pop(".release.json")
    assert folder == made[0].files
    assert os.access(out / "docker" / "grade-all", os.X_OK)
    assert not os.access(out / "docker" / "Dockerfile", os.X_OK)


def test_says_nothing_where_nothing_would_change(known_course, made, out):
    """And writes nothing: what lies there keeps its time."""
    assert changes(known_course, made, out) == []
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    dist.write(known_course, made, out)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_says_what_would_change(known, tmp_path):
    """A sentence for each file and archive, in words that name it."""
    out = tmp_path / "dist"
    course = known.load()
    first = dist.make(course, SHARED)
    assert changes(course, first, out) == ["dist is missing"]
    dist.write(course, first, out)
    known.edit("assignments/sums/handout.md", "Five small", "Five tiny")
    (out / "docker" / "notes.txt").write_text("mine")
    course = known.load()
    assert changes(course, dist.make(course, SHARED), out) == [
        "student/.release.json would change",
        "student/assignments/sums/handout.md would change",
        "student.zip would change",
        "docker/notes.txt is not part of the release",
        "manifest.json would change",
    ]
    (out / "student.zip").unlink()
    assert "student.zip is missing" in changes(course, first, out)


def test_a_zip_file_alone_is_compared_file_by_file(known_course, tmp_path):
    """Where no folder lies beside it."""
    target = TARGETS["gradescope"]
    before = dist.Made(target, {"a": b"1", "b": b"1"}, dist.zipped({"a": b"1", "b": b"1"}))
    after = dist.Made(target, {"b": b"2", "c": b"1"}, dist.zipped({"b": b"2", "c": b"1"}))
    dist.write(known_course, [before], tmp_path)
    assert changes(known_course, [after], tmp_path) == [
        "gradescope.zip/a is not part of the release",
        "gradescope.zip/b would change",
        "gradescope.zip/c is missing",
        "manifest.json would change",
    ]


def test_a_target_alone_leaves_the_others_as_they_are(known_course, made, out):
    """Their entries in the manifest, too."""
    before = contents(out)
    dist.write(known_course, made[:1], out)
    assert contents(out) == before
    assert changes(known_course, made[1:], out) == []


def test_replaces_what_it_has_written(known, tmp_path):
    """A current release takes the place of the last."""
    out = tmp_path / "dist"
    before = release(known.load(), out)
    known.edit("assignments/sums/handout.md", "Five small", "Five tiny")
    after = release(known.load(), out)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {
        "manifest.json",
        "student.zip",
        "student/.release.json",
        "student/assignments/sums/handout.md",
    }


@pytest.mark.parametrize(
    "name, words",
    [
        ("student.zip", r"student\.zip: was changed since it was released"),
        ("student/sums.py", r"changed since it was released: sums\.py"),
        ("student/mine.py", r"no release has made: mine\.py"),
        ("manifest.json", r"manifest\.json is not what"),
    ],
)
def test_never_writes_over_what_a_person_wrote(known, tmp_path, name, words):
    """Nothing is written then, to no artefact."""
    out = tmp_path / "dist"
    release(known.load(), out)
    (out / name).write_bytes(b"mine")
    before = contents(out)
    known.edit("assignments/sums/handout.md", "Five small", "Five tiny")
    with pytest.raises(InputError, match=words):
        release(known.load(), out)
    assert contents(out) == before


@pytest.mark.parametrize("name", ["student.zip", "student/sums.py", "manifest.json"])
def test_never_writes_over_what_was_there_first(known_course, made, tmp_path, name):
    """A folder with files of somebody's is not taken for a release of ours."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(InputError, match=name.rpartition("/")[2].replace(".", r"\.")):
        dist.write(known_course, made, tmp_path)
    assert contents(tmp_path) == {name: b"{}"}


def test_leaves_other_files_in_the_folder_alone(known_course, made, tmp_path):
    """`--out .` is no disaster."""
    (tmp_path / "thesis.txt").write_text("mine")
    dist.write(known_course, made, tmp_path)
    dist.write(known_course, made[:1], tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["student.zip", "manifest.json"])
def test_refuses_a_link_in_place_of_a_file(known_course, made, tmp_path, name):
    """Whatever it leads to is not ours."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"mine")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / name).symlink_to(elsewhere)
    with pytest.raises(InputError, match=name):
        dist.write(known_course, made, tmp_path / "dist")
    assert elsewhere.read_bytes() == b"mine"


def test_refuses_a_file_in_place_of_the_folder(known_course, made, tmp_path):
    """The message says what is in the way."""
    (tmp_path / "dist").write_bytes(b"mine")
    with pytest.raises(InputError, match="dist is no folder"):
        dist.write(known_course, made, tmp_path / "dist")


def test_a_course_that_would_leak_makes_nothing(known):
    """The audit is part of making; its message names the target and the file."""
    leak = "deviations = (values - values.mean()) ** 2"
    known.edit("assignments/sums/handout.md", "Five", f"    {leak}\n\nFive")
    with pytest.raises(CourseError, match=r"^student: assignments/sums/handout\.md would hand out"):
        dist.make(known.load(), [TARGETS["student"]])


def git(root: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    command = ["git", "-C", str(root), *who, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_manifest_names_the_commit_and_what_became_of_it(known, tmp_path):
    """And none where there is none."""
    out = tmp_path / "dist"
    entry = lambda: json.loads(contents(out)["manifest.json"])["targets"]["docker"]  # noqa: E731
    release(known.load(), out)
    assert (entry()["commit"], entry()["modified"]) == (None, False)
    git(known.root, "init", "-q")
    git(known.root, "add", "-A")
    git(known.root, "commit", "-q", "-m", "a")
    release(known.load(), out)
    assert (entry()["commit"], entry()["modified"]) == (git(known.root, "rev-parse", "HEAD"), False)
    (known.root / "notes.txt").write_text("no part of the course")
    known.edit("assignments/sums/handout.md", "Five", "5")
    release(known.load(), out)
    assert entry()["modified"]


RELEASE = """
import sys
from pathlib import Path
from autograder.course import Course
from autograder.release import dist
from autograder.release.targets import TARGETS
course = Course.load(Path(sys.argv[1]))
dist.write(course, dist.make(course, [TARGETS[n] for n in sys.argv[3:]]), Path(sys.argv[2]))
"""


def test_two_releases_are_the_same_bytes(known_course, tmp_path):
    """Of every target, whatever the mask, time zone, hash seed, language, folder and time."""
    every = [name for name in TARGETS if find_spec(f"autograder.release.{name}")]
    dist.write(known_course, dist.make(known_course, find_targets(every)), tmp_path / "once")
    odd = {"TZ": "Pacific/Chatham", "PYTHONHASHSEED": "7", "LC_ALL": "C"}
    elsewhere = tmp_path / "a folder"
    elsewhere.mkdir()
    subprocess.run(
        [sys.executable, "-c", RELEASE, str(known_course.root), str(tmp_path / "again"), *every],
        cwd=elsewhere,
        env={**os.environ, **odd, "SOURCE_DATE_EPOCH": "1700000000"},
        umask=0o077,
        check=True,
    )
    assert contents(tmp_path / "again") == contents(tmp_path / "once")


def test_there_is_no_target_of_another_name():
    """The message has those that there are."""
    with pytest.raises(InputError, match=r"moodle: .* there are: student, notebook, gradescope"):
        find_targets(["student", "moodle"])
    assert [target.name for target in find_targets(["docker", "student"])] == ["student", "docker"]
    assert len(find_targets([])) == len(TARGETS)

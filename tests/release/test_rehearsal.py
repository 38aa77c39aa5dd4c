"""A release is tried before it is handed out; what a student would stumble over has a sentence."""

from __future__ import annotations

import pytest

from autograder.release.inspection import inspect
from autograder.release.rehearsal import rehearse
from autograder.release.student import student_release
from autograder.release.targets import TARGETS
from autograder.release.wheel import build_wheel

ALWAYS = '''
@exercise("pairs")
def test_asks_nothing(student):
    """Whatever is handed in is right."""


@exercise("clamp")
def test_asks_too_much(student):
    """The reference is wrong."""
    assert_equal(student.clamp(0, 0, 10), 1)
'''


def test_a_release_that_holds_is_tried_with_nothing_but_what_is_in_it(known_course, tmp_path):
    """With its own wheel and nowhere near the course; and what lies on disk is tried likewise."""
    files = student_release(known_course, build_wheel())
    assert list(rehearse(known_course, files)) == []


def test_names_what_students_would_stumble_over(known):
    """A stub that can't be imported, a check that asks nothing, and one that asks too much."""
    files = student_release(known.load(), build_wheel())
    public = "assignments/sums/test_public.py"
    files[public] += ALWAYS.encode()
    files["sums.py"] = b"import solutions.sums\n" + files["sums.py"]
    found = list(rehearse(known.load(), files))
    (broken,) = [sentence for sentence in found if sentence.startswith("on the stub: ")]
    assert broken.startswith("on the stub: sums.py can't be imported: ModuleNotFoundError")
    assert any(
        s.startswith(f"{public}: test_asks_too_much on the reference is 'failed', not 'passed'")
        for s in found
    )
    # where nothing can be imported, every check says so
    assert sum("on the stub is 'error', not 'missing'" in s for s in found) == 6


def test_a_check_that_passes_on_the_stub_is_named(known):
    """It would be counted as done before anything is."""
    with (known.root / "assignments/sums/test_public.py").open("a") as file:
        file.write(ALWAYS)
    files = student_release(known.load(), build_wheel())
    stub, reference = rehearse(known.load(), files)
    public = "assignments/sums/test_public.py"
    assert stub.startswith(f"{public}: test_asks_nothing on the stub is 'passed', not 'missing'")
    assert reference.startswith(f"{public}: test_asks_too_much on the reference is 'failed'")


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("assignments/course.toml", b"title = 3", "the release is no course: assignments"),
        ("assignments/sums/test_public.py", b"import nothing_like_it\n", "test_public.py"),
        ("pyproject.toml", b"[tool.pytest.ini_options]\naddopts = '--no-such'\n", "pytest ended"),
    ],
)
def test_names_what_does_not_run_at_all(known_course, name, content, words):
    """A release that can't even be read: nothing else is said then."""
    files = student_release(known_course, build_wheel()) | {name: content}
    found = list(rehearse(known_course, files))
    assert 1 <= len(found) <= 2
    assert all(words in sentence for sentence in found), found


def test_a_release_on_disk_is_tried_once(known_course, tmp_path, monkeypatch):
    """As folder and as zip file it is the same."""
    from autograder.release import dist, inspection

    tried = []
    monkeypatch.setattr(inspection, "rehearse", lambda course, files: tried.append(files) or [])
    made = dist.make(known_course, [TARGETS["student"], TARGETS["docker"]])
    dist.write(known_course, made, tmp_path / "dist")
    assert inspect(known_course, tmp_path / "dist", TARGETS["student"]) == []
    assert len(tried) == 1
    (tmp_path / "dist" / "student.zip").write_bytes(b"mine")
    (tmp_path / "dist" / "student" / "a.py").write_text("return n * (n - 1) // 2")
    (tmp_path / "dist" / "student" / "b.py").symlink_to(tmp_path)
    (tmp_path / "dist" / "docker" / "__pycache__").mkdir()
    assert sorted(inspect(known_course, tmp_path / "dist", TARGETS["student"])) == [
        "docker/__pycache__ is in a cache, __pycache__",
        "student.zip is not what was released",
        "student/a.py would hand out line 9 of solutions/sums.py: returnn*(n-1)//2",
        "student/b.py is a link",
    ]

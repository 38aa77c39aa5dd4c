"""The course.toml of a release of some stages."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.course import Course
from autograder.errors import CourseError
from autograder.release.course_toml import course_toml
from autograder.release.student import student_files, write_release


@pytest.fixture
def two(toy) -> Path:
    """A course of two stages."""
    for name in ("assignment.toml", "handout.md", "sum.svg", "test_public.py", "test_hidden.py"):
        source = (toy.root / "assignments/sums" / name).read_bytes()
        toy.write(f"assignments/means/{name}", source)
    toy.write("solutions/means.py", (toy.root / "solutions/sums.py").read_bytes())
    toy.edit("assignments/course.toml", '["sums"]', '["sums", "means"]  # both')
    return toy.root


def test_the_whole_course_keeps_its_file(two):
    """To the letter."""
    assert course_toml(Course.load(two)) == (two / "assignments/course.toml").read_bytes()


def test_only_the_stages_that_are_released_are_listed(two, tmp_path):
    """They keep the numbers that the handouts, and the grader's reports, know them by."""
    chosen = Course.load(two).select(["means"])
    files = student_files(chosen)
    assert not any("sums" in name for name in files)
    assert b"| 2 | [`means.py`](means.py) |" in files["README.md"]
    write_release(files, tmp_path / "out")
    released = Course.load(tmp_path / "out", released=True)
    assert [(a.stage, a.number) for a in released.assignments] == [("means", 2)]
    assert released.title == "Sums | and means"


@pytest.mark.parametrize("numbers", ["[1]", "[2, 1]", "[1, 1]", "[0, 1]", "[-1, 2]", "[1, 2, 3]"])
def test_numbers_that_are_none_are_refused(two, numbers):
    """One for each stage, growing."""
    path = two / "assignments/course.toml"
    path.write_text(f"{path.read_text()}numbers = {numbers}\n")
    with pytest.raises(CourseError, match=r"course\.toml: `numbers` needs one for each stage"):
        Course.load(two)

"""What a platform grades with: the secrets that grading reads, and nothing that it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.course import Course
from autograder.errors import CourseError
from autograder.release.course_files import course_files

CALIBRATION = "assignments/sums/calibration.toml"


def written(files: dict[str, bytes], into: Path) -> Path:
    for name, content in files.items():
        path = into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return into / "course"


def test_is_what_grading_reads(toy):
    """Checks, hidden ones too, references and mistakes; no handouts, pictures, caches or proofs."""
    toy.write(CALIBRATION, 'date = "today"\n')
    toy.write("assignments/sums/equivalent.toml", "")
    toy.write("assignments/sums/.hypothesis/examples/1", "cached")
    assert list(course_files(toy.load())) == [
        "course/assignments/course.toml",
        "course/assignments/sums/assignment.toml",
        f"course/{CALIBRATION}",
        "course/assignments/sums/mistakes.toml",
        "course/assignments/sums/test_hidden.py",
        "course/assignments/sums/test_public.py",
        "course/solutions/sums.py",
    ]


def test_goes_with_what_checks_and_references_read(toy):
    """A check may read a file beside it, and a reference import a module beside it."""
    toy.write("assignments/sums/data/sizes.csv", b"1,2\r\n")
    toy.write("solutions/shared.py", "HALF = 0.5\n")
    files = course_files(toy.load())
    assert files["course/assignments/sums/data/sizes.csv"] == b"1,2\n"
    assert files["course/solutions/shared.py"] == b"HALF = 0.5\n"


def test_is_a_course(toy, tmp_path):
    """What is written is loaded as the same course."""
    course = toy.load()
    copy = Course.load(written(course_files(course), tmp_path))
    assert [a.checks for a in copy.assignments] == [a.checks for a in course.assignments]


def test_of_selected_stages_has_those_only(toy_course, tmp_path):
    """Selecting stages leaves out the others' files, and course.toml keeps its other settings."""
    files = course_files(toy_course.select(["words"]))
    assert not [name for name in files if "doubles" in name]
    copy = Course.load(written(files, tmp_path))
    assert copy.stages == ("words",)
    assert copy.assignments[0].settings == toy_course.assignments[0].settings


def test_is_the_same_with_other_line_ends(toy):
    """A checkout on Windows releases the same bytes."""
    before = course_files(toy.load())
    path = toy.root / "solutions/sums.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert course_files(toy.load()) == before


def test_without_a_reference_is_refused(toy):
    """Nothing could be graded: said here, and not by a platform."""
    (toy.root / "solutions/sums.py").unlink()
    with pytest.raises(CourseError, match=r"solutions/sums\.py is missing"):
        course_files(toy.load())

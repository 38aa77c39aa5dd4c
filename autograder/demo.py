"""The demonstration: what a course's three typical submissions come to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from autograder.course import Course
from autograder.grading.batch import Graded, grade_all
from autograder.release.strip import strip
from autograder.release.student import audit, student_files, write_release

_STAGES = 3  # that are graded: three submissions of a whole course take minutes


def run_demo(course: Course, folder: Path) -> Iterator[Graded]:
    """Build a release below `folder`, and grade a complete, a half-done and an empty submission.

    They are of the first stages. The half-done one has every second exercise done, the others as
    the stubs have them.
    """
    files = student_files(course)
    audit(course, files)
    write_release(files, folder / "student_template")
    course = course.select(list(course.stages[:_STAGES]))
    submissions = folder / "submissions"
    for name in ("complete", "half-done", "empty"):
        (submissions / name).mkdir(parents=True, exist_ok=True)
    for assignment in course.assignments:
        source = assignment.reference.read_text(encoding="utf-8")
        done = {name for exercise in assignment.exercises[::2] for name in exercise.names}
        half = strip(source, str(assignment.reference), keep=done.__contains__)
        (submissions / "complete" / assignment.module).write_text(source, encoding="utf-8")
        (submissions / "half-done" / assignment.module).write_text(half, encoding="utf-8")
    names = ("complete", "half-done", "empty")
    yield from grade_all(course, [submissions / name for name in names], folder / "graded")

"""Leaks, planted one at a time in a release that is clean without them."""

import pytest

from autograder.errors import CourseError
from autograder.release.audit import audit
from autograder.release.student import student_files

SOLUTION = "    return math.fsum(everything)\n"
HIDDEN = "    assert student.probe.refuses_nothing()\n"
TITLE = '    """A mean of nothing is refused."""\n'


def test_a_clean_release_passes(toy):
    """What `student_files` makes of a clean course holds no secret."""
    audit(toy.load(), student_files(toy.load()))


@pytest.mark.parametrize(
    "name", ["README.md", "sums.py", "assignments/sums/handout.md", "assignments/sums/sum.svg"]
)
@pytest.mark.parametrize(
    "line, source",
    [
        (SOLUTION, r"line 14 of solutions/sums\.py"),
        ("return   math.fsum( everything )", "line 14"),
        ("> ```return math.fsum(everything)```", "line 14"),
        ("first: return math.fsum(everything), then", "line 14"),
        ("# return math.fsum(\n#everything)\nreturn math.fsum(\n  everything)", "line 14"),
        ("everything = list(values)", "line 13"),
        ("\n> `everything = list(values)`", "line 13"),
        ("_TOLERANCE_OF_ALL = 1e-9", "line 6"),
        ("self.seen_so_far = []", "line 24"),
        (HIDDEN, r"a line of assignments/sums/test_hidden\.py"),
        (TITLE, "a line of .*test_hidden"),
        ("def test_starts_empty(student):", "a line of .*test_hidden"),
    ],
)
def test_finds_a_planted_line(toy, name, line, source):
    """A line of a solution or a hidden check is found in any file, reformatted or quoted."""
    files = student_files(toy.load())
    files[name] += line.encode()
    with pytest.raises(CourseError, match=rf"^{name} would hand out {source}"):
        audit(toy.load(), files)


@pytest.mark.parametrize(
    "name",
    [
        "assignments/sums/test_hidden.py",
        "assignments/sums/hidden/data.bin",
        "assignments/sums/mistakes.toml",
        "assignments/sums/Alternatives/loop.py",
        "assignments/sums/equivalent.toml",
        "solutions/sums.py",
    ],
)
def test_finds_a_secret_file_by_its_name(toy, name):
    """Whatever it holds."""
    files = {**student_files(toy.load()), name: b""}
    with pytest.raises(CourseError, match=f"^{name} .* is not for students"):
        audit(toy.load(), files)


def test_a_line_that_is_given_elsewhere_is_no_secret(toy):
    """What a reference shows outside of its solutions, students have anyway."""
    toy.edit("solutions/sums.py", "import math\n", "import math\n\n_GIVEN_TO_ALL = 3\n")
    toy.edit("solutions/sums.py", "= []\n", "= []\n        _GIVEN_TO_ALL = 3\n")
    audit(toy.load(), student_files(toy.load()))


def test_an_import_or_a_short_line_is_no_secret(toy):
    """They say nothing about a solution."""
    solution = "import collections.abc\n    x = 1\n    everything = list(values)"
    toy.edit("solutions/sums.py", "everything = list(values)", solution)
    toy.write("assignments/sums/handout.md", "import collections.abc\nx = 1\n")
    audit(toy.load(), student_files(toy.load()))


def test_a_hidden_check_that_was_made_public_is_public(toy):
    """Lines that the public checks have are not held against them."""
    toy.edit("assignments/sums/test_public.py", "    assert student.total([]) == 0\n", HIDDEN)
    audit(toy.load(), student_files(toy.load()))


def test_public_checks_may_share_a_line_with_a_solution_by_chance(toy):
    """One common line of a longer solution is no leak; two in a row are."""
    one = "    everything = list(values)\n"
    toy.edit("assignments/sums/test_public.py", "    assert student", one + "    assert student")
    audit(toy.load(), student_files(toy.load()))
    toy.edit("assignments/sums/test_public.py", one, one + SOLUTION)
    with pytest.raises(CourseError, match=r"test_public\.py would hand out line 13"):
        audit(toy.load(), student_files(toy.load()))


def test_public_checks_may_not_hold_a_solution_of_one_line(toy):
    """That line is all there is to it."""
    whole = "    self.seen_so_far = []\n"
    toy.edit("assignments/sums/test_public.py", "    assert student", whole + "    assert student")
    with pytest.raises(CourseError, match="line 24"):
        audit(toy.load(), student_files(toy.load()))


def test_names_the_reference_that_can_not_be_read(toy):
    """An audit that could not look is no audit."""
    course, files = toy.load(), student_files(toy.load())
    toy.write("solutions/sums.py", b"\xff")
    with pytest.raises(CourseError, match=r"sums\.py: can't be audited"):
        audit(course, files)

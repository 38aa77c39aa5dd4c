"""A course is read from TOML and test files; whatever is wrong gives one sentence."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.course import (
    Check,
    Course,
    Exercise,
    Limits,
    _FoundCheck,
    _share_points,
    find_course,
    stage_of,
    visibility_of,
)
from autograder.errors import CourseError

COURSE = """\
title = "Toy"
stages = ["one", "two"]
"""
ONE = """\
title = "Doubling"
points = 3

[[exercises]]
name = "double"
points = 2

[[exercises]]
name = "half"
points = 1
"""
TWO = """\
title = "Adding"
points = 1

[[exercises]]
name = "add"
points = 1
"""
PUBLIC = '''\
from autograder.checks import assert_equal, exercise

@exercise("double", weight=2)
def test_double(student):
    """Twice as much.

    And more words.
    """

@exercise("half")
def test_half(student):
    """Half as much."""

def helper():
    pass
'''
HIDDEN = '''\
@exercise("double")
def test_like_the_reference(student, reference):
    """Like the reference."""
'''
ADD = '''\
@exercise("add")
def test_add(student):
    """The sum."""
'''


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a small course in which nothing is wrong."""
    files = {
        "course.toml": COURSE,
        "one/assignment.toml": ONE,
        "one/test_public.py": PUBLIC,
        "one/test_hidden.py": HIDDEN,
        "two/assignment.toml": TWO,
        "two/test_public.py": ADD,
    }
    for name, text in files.items():
        path = tmp_path / "assignments" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def refusal(root: Path, file: str) -> str:
    """What loading the course says; it names `file` and is one line."""
    with pytest.raises(CourseError) as caught:
        Course.load(root)
    message = str(caught.value)
    assert str(root / "assignments" / file) in message
    assert "\n" not in message
    return message


def replace(root: Path, file: str, old: str, new: str) -> None:
    """Change one place in one of the course's files."""
    path = root / "assignments" / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


class TestARightCourse:
    def test_is_read_with_its_stages_in_order(self, root: Path) -> None:
        """Stages are numbered in the order of course.toml, and points add up."""
        course = Course.load(root)
        assert course.title == "Toy"
        assert [(a.number, a.stage, a.title) for a in course.assignments] == [
            (1, "one", "Doubling"),
            (2, "two", "Adding"),
        ]
        assert course.points == 4
        assert course.assignment("one").module == "one.py"
        assert course.assignment("one").reference == root / "solutions" / "one.py"

    def test_has_the_checks_of_its_test_files_in_order(self, root: Path) -> None:
        """Public checks come first; the title is the docstring's first line."""
        checks = Course.load(root).assignment("one").checks_of("double")
        assert checks == [
            Check("one", "double", "test_double", "public", "Twice as much.", 2, Decimal("1.33")),
            Check(
                "one", "double", "test_like_the_reference", "hidden",
                "Like the reference.", 1, Decimal("0.67"),
            ),
        ]  # fmt: skip

    def test_tells_public_from_hidden_checks(self, root: Path) -> None:
        """`checks_of` can be asked for one kind."""
        one = Course.load(root).assignment("one")
        assert [c.name for c in one.checks_of("double", "hidden")] == ["test_like_the_reference"]
        assert one.checks_of("half", "hidden") == []

    def test_is_read_without_running_its_test_files(self, root: Path) -> None:
        """A test file that would fail at import is no obstacle."""
        path = root / "assignments/two/test_public.py"
        path.write_text("import nothing_of_this_name\n" + ADD)
        assert Course.load(root).points == 4

    def test_has_defaults_that_a_stage_can_override(self, root: Path) -> None:
        """Tables of a stage replace those of the course, which replace the built-in ones."""
        replace(root, "course.toml", "stages =", "checks.examples = 7\nstages =")
        own = "points = 1\nlimits.memory_mb = 99\n"
        replace(root, "two/assignment.toml", "points = 1\n", own)
        replace(root, "two/assignment.toml", "points = 1\n", "points = 1\nchecks.examples = 9\n")
        course = Course.load(root)
        assert course.examples == {"one": 7, "two": 9}
        assert course.assignment("one").limits == Limits()
        assert course.assignment("two").limits == Limits(memory_mb=99)

    def test_names_what_an_exercise_covers(self, root: Path) -> None:
        """An exercise is made of the names it covers, its own where it says nothing."""
        assert Exercise("f", Decimal(1)).names == ("f",)
        assert Exercise("f", Decimal(1), covers=("g", "h")).names == ("g", "h")

    def test_has_probes_where_the_file_is_there(self, root: Path) -> None:
        """A stage has probes only where it has the file."""
        assert Course.load(root).assignment("one").probes is None
        probes = root / "assignments/one/probes.py"
        probes.touch()
        assert Course.load(root).assignment("one").probes == probes


# file, what to replace, by what, words of the message
WRONG_DATA = [
    ("course.toml", 'title = "Toy"', 'title = "Toy"\nauthor = "A"', "author"),
    ("course.toml", 'title = "Toy"\n', "", "title"),
    ("course.toml", 'title = "Toy"', "title = 3", "`title`.*str.*int"),
    ("course.toml", '["one", "two"]', '"one"', "`stages`.*array"),
    ("course.toml", '"two"', "2", "`stages\\[1\\]`.*str.*int"),
    ("course.toml", '"one", "two"', "", "`stages` is empty"),
    ("course.toml", '"two"', '"one"', "`stages` names 'one' twice"),
    ("course.toml", '"two"', '"three"', "'three'.*missing"),
    ("course.toml", '"two"', '"../one"', "'../one'.*no module name"),
    ("course.toml", '"two"]', '"two"]]', "line 2"),
    ("course.toml", '"two"]', '"two"]\n[limits]\nwall = 1', "`limits`.*`wall`"),
    ("course.toml", '"two"]', '"two"]\n[limits]\nwall_seconds = 0', "`wall_seconds`.*above 0"),
    ("course.toml", '"two"]', '"two"]\n[limits]\ncpu_seconds = -1', "`cpu_seconds`.*above 0"),
    ("course.toml", '"two"]', '"two"]\n[limits]\nwall_seconds = nan', "`wall_seconds`"),
    ("course.toml", '"two"]', '"two"]\n[limits]\nwall_seconds = inf', "`wall_seconds`"),
    ("course.toml", '"two"]', '"two"]\n[limits]\nmemory_mb = "2"', "`limits.memory_mb`.*int"),
    ("course.toml", '"two"]', '"two"]\n[checks]\nexample = 1', "`checks`.*`example`"),
    ("course.toml", '"two"]', '"two"]\n[checks]\nexamples = 0', "`examples` must be at least 1"),
    ("course.toml", '"two"]', '"two"]\n[points]\nearned_by = "luck"', r"points\.earned_by"),
    ("course.toml", '"two"]', '"two"]\n[visibility]\nhidden = "no"', "`visibility.hidden`.*'no'"),
    ("course.toml", '"two"]', '"two"]\n[visibility]\nall = "hidden"', "`visibility`.*`all`"),
    ("one/assignment.toml", "points = 3", "points = 3\nbonus = 1", "`bonus`"),
    ("one/assignment.toml", "points = 3", "", "`points`"),
    ("one/assignment.toml", "points = 3", "points = [3]", "`points`.*decimal.*array"),
    ("one/assignment.toml", "points = 3", "points = 4", "`points` is 4.* 3$"),
    ("one/assignment.toml", "points = 3", "points = nan", "`points`"),
    ("one/assignment.toml", "points = 3", "points = 3\nlimits.cpu = 1", "`limits`.*`cpu`"),
    ("one/assignment.toml", "points = 2", "points = -2", r"`exercises\[0\]`.*'double'.*above 0"),
    ("one/assignment.toml", "points = 2", "points = 0", "'double'.*above 0"),
    ("one/assignment.toml", "points = 2", "points = 0.001", "'double'.*steps of 0.01"),
    ("one/assignment.toml", "points = 2", "points = nan", "`points` of 'double'"),
    ("one/assignment.toml", "points = 2", "points = inf", "`points` of 'double'"),
    ("one/assignment.toml", "points = 2", "points = 1e30", "`points` of 'double'"),
    ("one/assignment.toml", "points = 2", "points = true", r"`exercises\[0\].points`.*bool"),
    ("one/assignment.toml", "points = 2", "points = 2\nweight = 1", r"`exercises\[0\]`.*`weight`"),
    ("one/assignment.toml", '"half"', '"double"', "`exercises` names 'double' twice"),
    ("one/assignment.toml", '"half"', '"third"', "'half'.*not among.*`exercises`"),
    ("one/assignment.toml", '"half"', '"half', "line 9"),
]


@pytest.mark.parametrize(("file", "old", "new", "words"), WRONG_DATA)
def test_wrong_data_is_refused(root: Path, file: str, old: str, new: str, words: str) -> None:
    """The sentence names the file and the key."""
    replace(root, file, old, new)
    assert re.search(words, refusal(root, file))


DOUBLE = '@exercise("double", weight=2)'
WRONG_CHECKS = [
    (DOUBLE, "", "needs @exercise"),
    (DOUBLE, "@exercise", "needs @exercise"),
    (DOUBLE, "@exercise()", "needs @exercise"),
    (DOUBLE, "@exercise(2)", "needs @exercise"),
    (DOUBLE, '@exercise("double", 2)', "needs @exercise"),
    (DOUBLE, '@exercise("double", points=2)', "needs @exercise"),
    (DOUBLE, "@exercise(NAME)", "literals"),
    (DOUBLE, '@exercise("double", weight=1 + TWO)', "literals"),
    (DOUBLE, '@exercise("double", **{"weight": 2})', "literals"),
    (DOUBLE, "@exercise({[]: 1})", "literals"),
    (DOUBLE, '@exercise("double", weight="2")', "needs @exercise"),
    (DOUBLE, '@exercise("double", weight=True)', "needs @exercise"),
    (DOUBLE, '@exercise("double", weight=-1)', "`weight` must be 0 or more"),
    (DOUBLE, '@exercise("double", weight=1e999)', "`weight`.*finite"),
    (DOUBLE, '@exercise("treble")', "test_double judges 'treble', which is not among"),
    ('"""Half as much."""', "pass", "test_half has no docstring"),
    ('"""Half as much."""', '"""  """', "test_half has no docstring"),
    ("def test_half(", "def test_double(", "test_double is defined twice"),
    ("test_half(student", "test_half(student, reference", "public and uses `reference`"),
    ("test_half(student", "test_half(student, *, reference", "public and uses `reference`"),
    ("def helper():", "class TestMore:", "TestMore: checks are functions"),
    ("def test_half(student):", "def test_half(student:", r"test_public.py, line 11\)"),
]


@pytest.mark.parametrize(("old", "new", "words"), WRONG_CHECKS)
def test_a_wrong_check_is_refused(root: Path, old: str, new: str, words: str) -> None:
    """The sentence names the test file and the check."""
    replace(root, "one/test_public.py", old, new)
    assert re.search(words, refusal(root, "one/test_public.py"))


class TestAMissingFile:
    def test_of_the_course(self, tmp_path: Path) -> None:
        """A folder without course.toml is no course."""
        with pytest.raises(CourseError, match=r"assignments/course\.toml is missing"):
            Course.load(tmp_path)

    def test_of_a_stage(self, root: Path) -> None:
        """The missing assignment.toml is named, and who asks for it."""
        (root / "assignments/two/assignment.toml").unlink()
        message = refusal(root, "two/assignment.toml")
        assert "is missing" in message
        assert "'two'" in message

    @pytest.mark.parametrize("file", ["course.toml", "one/assignment.toml", "one/test_public.py"])
    def test_or_one_that_is_not_utf8(self, root: Path, file: str) -> None:
        """A file in another encoding is named."""
        with (root / "assignments" / file).open("ab") as handle:
            handle.write(b"# \xe9\n")
        assert "utf-8" in refusal(root, file).lower()


class TestAnExerciseWithoutAWeightedCheck:
    @pytest.mark.parametrize("text", ["", ADD.replace('"add"', '"add", weight=0')])
    def test_is_refused(self, root: Path, text: str) -> None:
        """Points that no check gives are refused."""
        (root / "assignments/two/test_public.py").write_text(text)
        assert "'add' has no check" in refusal(root, "two/assignment.toml")

    @pytest.mark.parametrize("text", ["", ADD.replace('"add"', '"add", weight=0')])
    def test_is_right_in_a_release(self, root: Path, text: str) -> None:
        """What students get lacks the hidden checks, which may be the ones with the weight."""
        (root / "assignments/two/test_public.py").write_text(text)
        two = Course.load(root, released=True).assignment("two")
        assert sum(check.points for check in two.checks) == 0
        assert two.points == 1


class TestPointsAreSharedByWeight:
    @settings(deadline=None, derandomize=True)
    @given(
        points=st.integers(1, 10_000).map(lambda cents: Decimal(cents) / 100),
        weights=st.lists(st.sampled_from([0, 0.1, 0.25, 1, 1.5, 3, 7]), min_size=1).filter(any),
    )
    def test_exactly(self, points: Decimal, weights: list[float]) -> None:
        """Shares are whole hundredths, within one of the exact share, and add up exactly."""
        found = [
            _FoundCheck(Path("test_public.py"), "public", f"test_{i}", "f", weight, "Title.")
            for i, weight in enumerate(weights)
        ]
        shares = [c.points for c in _share_points("s", [Exercise("f", points)], found)]
        assert sum(shares) == points
        for share, weight in zip(shares, weights, strict=True):
            assert share % Decimal("0.01") == 0
            assert share >= 0
            exact = float(points) * weight / sum(weights)
            assert abs(float(share) - exact) <= 0.01 + 1e-9
            assert weight or share == 0

    def test_each_exercise_by_itself(self, root: Path) -> None:
        """The checks of one exercise share its points and no other's."""
        one = Course.load(root).assignment("one")
        for exercise in one.exercises:
            assert sum(c.points for c in one.checks_of(exercise.name)) == exercise.points


class TestSelect:
    def test_keeps_order_and_numbers(self, root: Path) -> None:
        """A stage keeps the number that it has in the whole course."""
        course = Course.load(root)
        assert course.select(["two"]).stages == ("two",)
        assert course.select(["two"]).assignments[0].number == 2
        assert course.select(["two", "one"]).stages == ("one", "two")
        assert course.select(["two"]).points == 1

    def test_of_nothing_is_everything(self, root: Path) -> None:
        """Naming no stage leaves none out."""
        assert Course.load(root).select([]).stages == ("one", "two")

    def test_refuses_a_stage_that_is_not_there(self, root: Path) -> None:
        """The sentence names the stages that there are."""
        with pytest.raises(CourseError, match=r"'three'.*one, two"):
            Course.load(root).select(["one", "three"])


class TestFindCourse:
    def test_goes_up(self, root: Path) -> None:
        """From any folder inside a course its root is found."""
        assert find_course(root / "assignments" / "one") == root
        assert find_course(root) == root

    def test_takes_the_nearest(self, root: Path) -> None:
        """A course inside a course is found first."""
        inner = root / "student"
        (inner / "assignments").mkdir(parents=True)
        (inner / "assignments" / "course.toml").touch()
        assert find_course(inner / "assignments") == inner

    def test_says_what_to_do_where_there_is_none(self, tmp_path: Path) -> None:
        """The sentence names the place and the option."""
        with pytest.raises(CourseError, match="--course") as caught:
            find_course(tmp_path)
        assert str(tmp_path) in str(caught.value)


def test_a_test_file_belongs_to_the_stage_whose_folder_it_is_in(root: Path) -> None:
    """A test file beside an assignment.toml judges that stage; its name says for whose eyes."""
    folder = root / "assignments" / "one"
    assert stage_of(folder / "test_public.py") == "one"
    assert stage_of(root / "test_public.py") is None
    assert visibility_of(folder / "test_hidden.py") == "hidden"
    assert visibility_of(folder / "test_public.py") == "public"
    assert visibility_of(folder / "test_mine.py") is None

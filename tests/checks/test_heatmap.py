"""Pictures of where tensors of images differ: what they show, and when there is none."""

from __future__ import annotations

import math
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import torch
import torch.nn.functional as F

from autograder.checks import heatmap
from autograder.checks.comparison import assert_close, assert_equal
from autograder.checks.failures import CheckFailure, explain
from autograder.checks.patterns import Mismatch, describe
from autograder.checks.verdicts import judge
from autograder.course import Assignment, Course
from autograder.grading.backend import StageRun
from autograder.grading.run import Run, run_checks
from autograder.mistakes import read_mistakes
from autograder.report import CheckRow, Environment, Report, build_report, check_rows, to_json
from autograder.sandbox.workers import Zygote
from autograder.text import plain

Change = Callable[[torch.Tensor], torch.Tensor | None]


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def mismatch(change: Change, expected: torch.Tensor, allowed: float = 0.0) -> Mismatch:
    """What differs after `change`, which gives a tensor or modifies its argument."""
    actual = expected.clone()
    changed = change(actual)
    actual = actual if changed is None else changed
    same = (actual == expected) | (actual.isnan() & expected.isnan())
    error = (actual - expected).abs() if allowed else torch.full(expected.shape, math.inf)
    return Mismatch(actual, expected, ~(same | (error <= allowed)), allowed)


def put(*index: object, value: float = 9.0) -> Change:
    """A change that sets one part to a number."""

    def change(x: torch.Tensor) -> None:
        x[index] = value

    return change


def both(*changes: Change) -> Change:
    def change(x: torch.Tensor) -> None:
        for one in changes:
            one(x)

    return change


INSIDE = (slice(None), slice(None), slice(1, -1), slice(1, -1))


def border(x: torch.Tensor) -> None:
    inside = x[INSIDE].clone()
    x[:] = 9
    x[INSIDE] = inside


PATTERNS: dict[str, tuple[Change, str]] = {
    "border": (border, "wrong: all of the border, and nothing else"),
    "border of a channel": (
        lambda x: torch.cat([x[:, :1], mismatch(border, x).actual[:, 1:2], x[:, 2:]], 1),
        "wrong: all of the border of [:, 1], and nothing else",
    ),
    "part of the border": (
        both(put(0, 1, 0, 2), put(0, 1, -1, slice(4)), put(1, ..., 2, 0), put(1, ..., 1, -1)),
        "wrong: only elements of the border",
    ),
    "channel": (put(slice(None), 1), "wrong: all of [:, 1], and nothing else"),
    "part of a channel": (
        put(slice(None), 1, slice(None, None, 2), slice(None, None, 2)),
        "wrong: only elements of [:, 1]",
    ),
    "sample": (put(0), "wrong: all of [0], and nothing else"),
    "plane": (put(1, 2), "wrong: all of [1, 2], and nothing else"),
    "last row": (put(..., -1, slice(None)), "wrong: all of the last row, and nothing else"),
    "first column": (put(..., 0), "wrong: all of the first column, and nothing else"),
    "row": (put(..., 2, slice(None)), "wrong: all of row 2, and nothing else"),
    "columns": (
        put(..., slice(3, None)),
        "wrong: all of columns 3 to 6 (the last), and nothing else",
    ),
    "corner": (
        put(1, 0, slice(0, 2), slice(2, 5)),
        "wrong: all of rows 0 to 1 in columns 2 to 4 of [1, 0], and nothing else",
    ),
    "last row and column": (
        both(put(..., -1, slice(None)), put(..., -1)),
        "wrong: all of the last row and the last column, and nothing else",
    ),
    "everything": (lambda x: x + 1, "every element is wrong"),
    "nothing": (lambda x: x, ""),
    "no pattern": (torch.relu, ""),
    "upside down": (lambda x: x.flip(-2), "the answer is the expected one upside down"),
    "mirrored": (lambda x: x.flip(-1), "the answer is the expected one mirrored left to right"),
    "turned": (lambda x: x.flip((-2, -1)), "the answer is the expected one turned by 180°"),
    "negated": (torch.neg, "the answer is the expected one with the opposite sign"),
    "rolled": (
        lambda x: x.roll((1, -2), (-2, -1)),
        "where they overlap, the answer is the expected one moved 1 down, 2 left",
    ),
    "shifted": (
        lambda x: F.pad(x, (0, 0, 0, 1))[..., 1:, :],
        "where they overlap, the answer is the expected one moved 1 up",
    ),
    "shifted too far to tell": (lambda x: x.roll((2, 3), (-2, -1)), "every element is wrong"),
}


@pytest.mark.parametrize(("change", "words"), PATTERNS.values(), ids=PATTERNS)
def test_says_what_the_errors_have_in_common(change: Change, words: str) -> None:
    """In one line, as far as it is clear."""
    assert describe(mismatch(change, noise(2, 3, 5, 7))) == words


def test_rows_and_columns_may_be_swapped() -> None:
    """Only square planes look like it."""
    words = "the answer is the expected one with rows and columns swapped"
    assert describe(mismatch(lambda x: x.mT, noise(2, 3, 5, 5))) == words


class TestNeverSaysMoreThanIsTrue:
    def test_of_a_shift_that_has_another_error(self) -> None:
        """One element that doesn't fit is enough."""

        def change(x: torch.Tensor) -> torch.Tensor:
            moved = x.roll(1, -1)
            moved[0, 0, 2, 2] = 50
            return moved

        assert describe(mismatch(change, noise(2, 3, 5, 7))) == "every element is wrong"

    def test_of_constants(self) -> None:
        """Where everything is 1, a border of zeros is no shift."""
        change = put(..., -1, slice(None), value=0.0)
        words = "wrong: all of the last row, and nothing else"
        assert describe(mismatch(change, torch.ones(2, 2, 6, 6))) == words

    def test_of_a_few_errors_anywhere(self) -> None:
        """The smallest box around them says nothing."""
        few = both(put(0, 0, 1, 1), put(0, 1, 4, 2), put(1, 2, 2, 5))
        assert describe(mismatch(few, noise(2, 3, 6, 7))) == ""

    def test_within_the_tolerance(self) -> None:
        """What is compared is as close as an answer has to be, and no closer."""
        flipped = mismatch(lambda x: x.flip(-2) + 1e-6, noise(2, 3, 5, 7), allowed=1e-5)
        assert "upside down" in describe(flipped)
        flipped = mismatch(lambda x: x.flip(-2) + 1e-4, noise(2, 3, 5, 7), allowed=1e-5)
        assert "upside down" not in describe(flipped)


def test_a_flipped_kernel_is_seen_where_the_image_is_a_point() -> None:
    """The output is then the kernel itself, which every convolution by name flips."""
    x = torch.zeros(1, 1, 7, 7)
    x[0, 0, 3, 3] = 1
    weight = noise(1, 1, 3, 3)
    expected = F.conv2d(x, weight)
    flipped = Mismatch(
        F.conv2d(x, weight.flip((-2, -1))), expected, expected != expected.flip((-2, -1))
    )
    assert heatmap.text(flipped) == "the answer is the expected one turned by 180°"


class TestTheText:
    def test_is_a_grid_for_each_plane(self) -> None:
        """A digit says how far off an element is, in parts of the largest error."""

        def change(x: torch.Tensor) -> None:
            x[0, 1, 1] = torch.tensor([1.0, 2.0, 3.0, -9.0])

        assert heatmap.text(mismatch(change, torch.zeros(1, 2, 3, 4))).splitlines() == [
            "wrong: all of row 1 of [:, 1], and nothing else",
            "[0, 0]    [0, 1]",
            ". . . .   . . . .",
            ". . . .   1 2 3 9",
            ". . . .   . . . .",
            ". is right; 1 to 9: how far off, up to 9",
        ]

    @pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
    def test_marks_what_is_no_number(self, odd: float) -> None:
        """It is no matter of how far off."""
        shown = heatmap.text(mismatch(put(0, 0, 1, value=odd), noise(1, 1, 5, 5)))
        assert "\n! ! ! ! !\n" in shown
        assert shown.endswith("\n. is right; !: nan or infinitely far off")

    def test_of_numbers_where_none_is_expected(self) -> None:
        """As of −inf in an empty window."""
        change = put(0, 0, 1, value=3.0)
        shown = heatmap.text(mismatch(change, torch.full((1, 1, 5, 5), -math.inf)))
        assert "\n! ! ! ! !\n" in shown

    @pytest.mark.parametrize(
        "shape", [(4, 5, 6), (2, 3, 4, 5), (2, 2, 2, 4, 5), (1, 2, 1, 2, 9, 9)]
    )
    def test_of_any_number_of_planes(self, shape: tuple[int, ...]) -> None:
        """Each has its index over it."""
        shown = heatmap.text(mismatch(torch.relu, noise(*shape)))
        first = f"[{', '.join('0' * (len(shape) - 2))}]"
        assert shown.startswith(first)

    @pytest.mark.parametrize(
        "shape",
        [
            *((8, 16, 64, 64), (1, 1, 2, 400), (1, 1, 500, 2), (300, 1, 3, 3), (64, 1, 28, 28)),
            *((1, 1, 12, 24), (2, 2, 2, 2, 2, 2, 3, 3), (1, 3, 13, 25)),
        ],
    )
    def test_is_small_for_every_shape(self, shape: tuple[int, ...]) -> None:
        """A message has to fit into 80 columns, and on the screen."""
        shown = heatmap.text(mismatch(torch.relu, noise(*shape))).splitlines()
        assert 0 < len(shown) <= 20
        assert max(map(len, shown)) <= 76

    def test_of_a_large_plane_shows_the_worst_of_each_block(self) -> None:
        """A single error is not lost; nor are planes that are wrong, where not all fit."""
        change = both(put(40, 0, 63, 0), put(40, 0, 63, 1), put(40, 0, 63, 2))
        shown = heatmap.text(mismatch(change, noise(64, 1, 64, 64)))
        assert "[40, 0]\n" in shown
        assert "\n9 . . ." in shown
        assert "each character is the worst of 6 x 3 elements" in shown
        assert "not shown: 63 more, none wrong" in shown

    def test_shows_wrong_planes_first(self) -> None:
        """And in their order."""
        change = both(put(7, slice(2)), put(3, slice(2)))
        line = heatmap.text(mismatch(change, noise(12, 9, 9))).splitlines()[0]
        assert line.split() == ["[0]", "[3]", "[7]"]

    @pytest.mark.parametrize(
        ("shape", "change"),
        [
            ((2, 2, 2, 2), torch.relu),  # few elements
            ((40, 40), torch.relu),  # no images
            ((400,), torch.relu),
            ((2, 3, 1, 40), torch.relu),  # nothing but a row
            ((2, 3, 5, 7), put(0, 0, 0, 0)),  # the worst index says it
            ((2, 3, 5, 7), lambda x: x * 2 + 1),  # everything
            ((2, 3, 5, 7), lambda x: x),
            ((0, 3, 4, 4), torch.relu),
            ((2, 0, 4, 4), torch.relu),
            ((2, 3, 0, 4), torch.relu),
            ((), torch.relu),
        ],
    )
    def test_is_empty_where_numbers_say_it_all(
        self, shape: tuple[int, ...], change: Change
    ) -> None:
        """A message stays short."""
        assert heatmap.text(mismatch(change, noise(*shape))) == ""

    @pytest.mark.parametrize("dtype", [torch.uint8, torch.bool, torch.int64, torch.float16])
    def test_of_any_dtype(self, dtype: torch.dtype) -> None:
        """Not of floating-point numbers alone."""
        expected = (noise(2, 3, 5, 7) > 0).to(dtype)
        picture = mismatch(put(0, 0, value=0), expected.clone().fill_(1))
        assert "wrong: all of [0, 0]" in heatmap.text(picture)
        assert_svg(heatmap.svg(picture))

    def test_of_complex_numbers(self) -> None:
        expected = torch.complex(noise(2, 3, 5, 7), noise(2, 3, 5, 7))
        picture = mismatch(put(0, 0), expected)
        assert "wrong: all of [0, 0]" in heatmap.text(picture)
        assert_svg(heatmap.svg(picture))

    def test_of_the_largest_numbers(self) -> None:
        """Errors that overflow are infinite."""
        expected = torch.full((1, 2, 4, 4), -1.7e308, dtype=torch.float64)
        picture = mismatch(put(0, 0, value=1.7e308), expected)
        assert "!" in heatmap.text(picture)
        assert_svg(heatmap.svg(picture))

    def test_is_ascii_in_its_grids(self) -> None:
        """It survives whatever shows it."""
        shown = heatmap.text(mismatch(torch.relu, noise(2, 3, 5, 7)))
        assert shown.isascii()
        assert plain(shown) == shown


def assert_svg(picture: str) -> ElementTree.Element:
    """It is an SVG image that asks for nothing from outside and does nothing."""
    assert len(picture) < 20_000
    assert plain(picture) == picture
    root = ElementTree.fromstring(picture)
    space = "{http://www.w3.org/2000/svg}"
    assert {element.tag for element in root.iter()} <= {
        space + name for name in ("svg", "title", "text", "g", "path", "rect")
    }
    for element in root.iter():
        for name, value in element.attrib.items():
            assert name not in ("href", "style", "class", "id")
            assert not name.startswith("on")
            assert "url(" not in value
    return root


class TestTheSVG:
    @pytest.mark.parametrize("change", [change for change, words in PATTERNS.values() if words])
    def test_is_a_small_image_with_the_caption(self, change: Change) -> None:
        """The caption is its title, too, for those who can't see it."""
        differs = mismatch(change, noise(2, 3, 5, 7))
        root = assert_svg(heatmap.svg(differs))
        assert root[0].text == describe(differs)

    @pytest.mark.parametrize("shape", [(8, 16, 64, 64), (1, 1, 2, 400), (1, 100, 100), (3, 50, 50)])
    def test_is_bounded(self, shape: tuple[int, ...]) -> None:
        assert_svg(heatmap.svg(mismatch(lambda x: x.flip(0, 1, 2) * 2, noise(*shape))))

    def test_has_the_expected_the_answer_and_the_errors(self) -> None:
        """Side by side, for up to four planes."""
        picture = heatmap.svg(mismatch(lambda x: x * 2 + 1, noise(2, 3, 5, 7)))
        words = [element.text for element in assert_svg(picture).iter() if element.text]
        assert {"expected", "answer", "wrong", "[0, 0]", "[1, 0]"} <= set(words)
        assert "not shown: 2 more, all wrong" in words
        assert picture.count("scale(") == 12

    def test_shows_what_is_no_number(self) -> None:
        picture = heatmap.svg(mismatch(put(0, 0, value=math.nan), noise(1, 1, 5, 5)))
        assert 'stroke="#222"' in picture
        assert "black: nan" in picture

    def test_is_the_same_every_time(self) -> None:
        differs = mismatch(torch.relu, noise(2, 3, 5, 7))
        assert heatmap.svg(differs) == heatmap.svg(differs)

    def test_is_empty_where_there_is_nothing_to_see(self) -> None:
        assert heatmap.svg(mismatch(torch.relu, noise(2, 2, 2, 2))) == ""
        assert heatmap.svg(mismatch(torch.relu, noise(400))) == ""
        assert heatmap.svg(mismatch(torch.relu, noise(0, 3, 4, 4))) == ""


class TestAFailure:
    @pytest.mark.parametrize("check", [assert_close, assert_equal])
    def test_has_the_map_after_the_numbers(self, check: Callable[..., None]) -> None:
        """The problem itself stays as it was: only the message that is shown has the map."""
        expected = noise(2, 3, 5, 7)
        answer = expected.clone()
        answer[:, 1] += 1
        with pytest.raises(CheckFailure) as caught:
            check(answer, expected)
        failure = caught.value
        assert failure.problem.startswith("70 of 210 elements differ; the worst at ")
        assert "[:, 1]" not in failure.problem
        numbers, words = explain(failure, []).split("\n    wrong: all of [:, 1]", 1)
        assert "elements differ" in numbers
        assert words.startswith(", and nothing else\n    [0, 0]  ")
        judgement = judge(failure, None)
        assert_svg(judgement.picture)
        assert "[:, 1]" in judgement.message

    def test_of_a_shape_or_a_dtype_has_no_map(self) -> None:
        """There are no values to compare."""
        expected = noise(2, 3, 5, 7)
        for answer in (expected[:1], expected.double(), None):
            with pytest.raises(CheckFailure) as caught:
                assert_equal(answer, expected)
            assert caught.value.mismatch is None
            assert judge(caught.value, None).picture == ""

    def test_of_something_else_has_none(self) -> None:
        for error in (CheckFailure("wrong"), AssertionError("wrong"), ValueError("wrong"), None):
            assert judge(error, None).picture == ""


Grade = Callable[[str, str], CheckRow]


@pytest.fixture(scope="module")
def assignment() -> Assignment:
    return Course.load(Path(__file__).parents[2]).assignment("convolution")


@pytest.fixture(scope="module")
def grade(zygote: Zygote, staging: Path, assignment: Assignment) -> Grade:
    course = Course.load(Path(__file__).parents[2]).select(["convolution"])

    def grade(source: str, check: str) -> CheckRow:
        home = Path(tempfile.mkdtemp(dir=staging))
        home.chmod(0o755)
        (home / assignment.module).write_text(source, encoding="utf-8")
        stages = {assignment.stage: StageRun(zygote, home, assignment)}
        run = Run(course, stages, only={(assignment.stage, "hidden", check)})
        assert run_checks(course, [run]) is None
        report = build_report(course, "wrong", run.verdicts, environment=Environment())
        read = msgspec.json.decode(to_json(report), type=Report)
        (row,) = (row for row in check_rows(read.stages) if row.name == check)
        assert row.outcome == "failed"
        return row

    return grade


class TestAWrongAnswer:
    """The course's own convolutions, with mistakes, graded in the sandbox."""

    def made(self, assignment: Assignment, exercise: str, name: str) -> str:
        (mistake,) = (
            mistake
            for mistake in read_mistakes(assignment)
            if (mistake.exercise, mistake.name) == (exercise, name)
        )
        return mistake.apply(assignment.reference.read_text(encoding="utf-8"))

    def test_on_the_border_has_a_map_and_a_picture(
        self, grade: Grade, assignment: Assignment
    ) -> None:
        """A maximum of padding that is zero: in the message, and in report.json."""
        source = self.made(assignment, "max_pool2d", "zero padding")
        row = grade(source, "test_windows_lie_side_by_side")
        assert "\n    wrong: only elements of the border\n    [0, 0]  " in row.message
        assert "\n    . is right; 1 to 9: how far off" in row.message
        assert assert_svg(row.picture)[0].text == "wrong: only elements of the border"

    def test_in_the_last_row_has_a_map_and_a_picture(
        self, grade: Grade, assignment: Assignment
    ) -> None:
        """A convolution that stops a row too early."""
        source = assignment.reference.read_text(encoding="utf-8")
        source += "\n\nwhole = conv2d\n\n\ndef conv2d(*args, **options):\n"
        source += "    y = whole(*args, **options)\n    y[:, :, 3:] = 0\n    return y\n"
        row = grade(source, "test_an_int_means_both_axes")
        assert "\n    wrong: all of the last row, and nothing else\n    [0, 0]" in row.message
        assert "\n    . . . .   . . . ." in row.message
        assert_svg(row.picture)

    def test_with_a_flipped_kernel_has_a_picture(
        self, grade: Grade, assignment: Assignment
    ) -> None:
        """All is wrong: the message needs no map, and the picture shows both images."""
        source = self.made(assignment, "conv2d", "kernel flipped")
        row = grade(source, "test_an_int_means_both_axes")
        assert "64 of 64 elements differ" in row.message
        assert ". is right" not in row.message
        assert assert_svg(row.picture)[0].text == "every element is wrong"

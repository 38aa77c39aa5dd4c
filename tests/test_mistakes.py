"""Known mistakes: how ``mistakes.toml`` is read, and what patches can be made of it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from autograder.course import Course
from autograder.errors import CourseError
from autograder.mistakes import Mistake, read_mistakes

FILE = """
    [[mistakes]]
    exercise = "double"
    name = "half"
    find = "return 2 * n"
    replace = "return n / 2"
    hint = "What is twice 3?"

    [[mistakes]]
    exercise = "half"
    name = "double"
    find = "return n // 2"
    replace = "return n * 2"
    hint = "What is half of 6?"
    """
REFERENCE = "def double(n):\n    return 2 * n\n\n\ndef half(n):\n    return n // 2\n"


@pytest.fixture
def written(toy_course: Course, tmp_path: Path) -> Callable[[str], Course]:
    """The toy course with a `mistakes.toml` in its stage `doubles`."""

    def write(text: str) -> Course:
        root = tmp_path / "course"
        for path in sorted(toy_course.root.rglob("*.*")):
            target = root / path.relative_to(toy_course.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
        target = root / "assignments" / "doubles" / "mistakes.toml"
        target.write_text(dedent(text), encoding="utf-8")
        return Course.load(root)

    return write


def mistake(find: str = "return 2 * n", replace: str = "return n", hint: str = "Why?") -> Mistake:
    return Mistake("double", "half", find, replace, hint)


class TestReading:
    def test_mistakes_come_in_the_order_of_the_file(self, written: Callable[[str], Course]) -> None:
        found = read_mistakes(written(FILE).assignment("doubles"))
        assert found == tuple(Mistake(**keys) for keys in tomllib.loads(dedent(FILE))["mistakes"])
        assert [one.name for one in found] == ["half", "double"]

    def test_a_stage_without_the_file_has_none(self, toy_course: Course) -> None:
        assert read_mistakes(toy_course.assignment("words")) == ()

    def test_one_name_may_stand_for_mistakes_in_two_exercises(
        self, written: Callable[[str], Course]
    ) -> None:
        course = written(FILE.replace('name = "double"', 'name = "half"'))
        assert [one.name for one in read_mistakes(course.assignment("doubles"))] == ["half", "half"]

    @pytest.mark.parametrize(
        ("old", "new", "problem"),
        [
            (
                'exercise = "half"',
                'exercise = "third"',
                "mistake 'double': the stage has no exercise 'third'; it has double, half",
            ),
            (
                'exercise = "half"',
                'exercise = "shout"',  # one of another stage
                "mistake 'double': the stage has no exercise 'shout'; it has double, half",
            ),
            ('name = "half"', 'name = " "', "a mistake of double has an empty `name` or `hint`"),
            (
                'hint = "What is half of 6?"',
                'hint = ""',
                "a mistake of half has an empty `name` or `hint`",
            ),
            (
                'exercise = "half"\n    name = "double"',
                'exercise = "double"\n    name = "half"',
                "double has two mistakes 'half'",
            ),
            (
                'hint = "What is twice 3?"',
                "",
                "`mistakes[0]`: Object missing required field `hint`",
            ),
            ('name = "half"', "name = 3", "`mistakes[0].name`: Expected `str`, got `int`"),
            ("find = ", "search = ", "`mistakes[0]`: Object contains unknown field `search`"),
            ("[[mistakes]]", "[[mistake]]", "Object contains unknown field `mistake`"),
            ('"half"', '"half', "not valid TOML"),
        ],
    )
    def test_errors_name_the_file_and_what_is_wrong(
        self, written: Callable[[str], Course], old: str, new: str, problem: str
    ) -> None:
        assert old in FILE
        assignment = written(FILE.replace(old, new)).assignment("doubles")
        with pytest.raises(CourseError) as caught:
            read_mistakes(assignment)
        assert str(caught.value).startswith(f"{assignment.folder / 'mistakes.toml'}: {problem}")
        assert "\n" not in str(caught.value)


class TestApply:
    def test_the_patch_changes_its_place_and_nothing_else(self) -> None:
        patched = mistake().apply(REFERENCE)
        assert patched == REFERENCE.replace("2 * n", "n")

    def test_a_patch_may_span_lines(self) -> None:
        patched = mistake("(n):\n    return 2 * n\n", "(n):\n    pass\n").apply(REFERENCE)
        assert patched.startswith("def double(n):\n    pass\n\n\ndef half")

    @pytest.mark.parametrize(
        ("find", "replace", "problem"),
        [
            ("return 3 * n", "return n", "`find` occurs 0 times in the reference, not once"),
            ("return", "yield", "`find` occurs 2 times in the reference, not once"),
            ("", "import os\n", "`find` occurs 0 times in the reference, not once"),
            ("return 2 * n", "return 2 * n", "`replace` changes nothing"),
            ("return 2 * n", "return 2 *", "with `replace` it is no Python: invalid syntax"),
            ("    return 2 * n", "return n", "with `replace` it is no Python: expected an inden"),
        ],
    )
    def test_what_can_not_be_made_is_one_sentence(
        self, find: str, replace: str, problem: str
    ) -> None:
        with pytest.raises(ValueError) as caught:  # noqa: PT011  its words are below
            mistake(find, replace).apply(REFERENCE)
        assert str(caught.value).startswith(problem)

    def test_nothing_is_run(self) -> None:
        assert "1 / 0" in mistake("def half(n):", "1 / 0\ndef half(n):").apply(REFERENCE)


class TestHints:
    @pytest.mark.parametrize(
        ("find", "replace", "hint"),
        [
            ("return 2 * n", "return n", "Did you write `return n`?"),
            ("return 2 * n", "return n", "It should be return 2 * n."),
            ("    return 2 * n\n", "    return n\n", "Not `return n`"),
        ],
    )
    def test_a_hint_with_one_side_of_the_patch_quotes_it(
        self, find: str, replace: str, hint: str
    ) -> None:
        assert mistake(find, replace, hint).quotes_itself

    @pytest.mark.parametrize(
        ("find", "replace", "hint"),
        [
            ("return 2 * n", "return n", "What does your function return for 3?"),
            ("2 *", "3 *", "Is 2 * 3 the same as 3 * 2?"),  # too short to give anything away
            ("return 2 * n", "", "An empty side is in every hint."),
        ],
    )
    def test_one_that_asks_does_not(self, find: str, replace: str, hint: str) -> None:
        assert not mistake(find, replace, hint).quotes_itself

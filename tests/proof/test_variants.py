"""Variants of a reference, and which names of the module each of them touches."""

from __future__ import annotations

import pytest

from autograder.course import Course
from autograder.proof.variants import alternatives, reference, stub, touched

MODULE = '''
"""A module."""
import math

LIMIT = 3
A, B = 1, 2
TABLE: dict[int, int] = {LIMIT: 1}


def helper(x):
    """Help."""
    return x + LIMIT


def f(x):
    return helper(x)


def g(x):
    return 2 * helper(x)


def alone(x):
    return math.sqrt(x)


def decorate(function):
    return function


@decorate
def decorated(x):
    return x


class Base:
    def go(self):
        return 1


class Derived(Base):
    def went(self):
        return TABLE


def makes(x):
    return Derived()
'''


def after(old: str, new: str) -> set[str] | None:
    """What is touched where `old` becomes `new`."""
    assert MODULE.count(old) == 1
    return touched(MODULE, MODULE.replace(old, new))


class TestTouched:
    def test_nothing_where_nothing_has_changed(self) -> None:
        assert touched(MODULE, MODULE) == set()
        assert after("return x + LIMIT", "return (x + LIMIT)  # a comment") == set()

    @pytest.mark.parametrize(
        ("old", "new", "names"),
        [
            ("return math.sqrt(x)", "return x", {"alone"}),
            ("return 2 * helper(x)", "return helper(x)", {"g"}),
            ("return x + LIMIT", "return x", {"helper", "f", "g"}),
            ("return 1", "return 2", {"Base", "Derived", "makes"}),
            ("return TABLE", "return 2", {"Derived", "makes"}),
            ("{LIMIT: 1}", "{}", {"TABLE", "Derived", "makes"}),
            (
                "LIMIT = 3",
                "LIMIT = 4",
                {"LIMIT", "TABLE", "Derived", "makes", "helper", "f", "g"},
            ),
            ("    return function", "    return print", {"decorate", "decorated"}),
            ("@decorate\n", "", {"decorated"}),
            ("(Base)", "", {"Derived", "makes"}),
            ("def alone(x):", "def alone(x=1):", {"alone"}),
            ("def alone(x):", "async def alone(x):", {"alone"}),
        ],
    )  # fmt: skip
    def test_what_is_defined_otherwise_and_all_that_use_it(
        self, old: str, new: str, names: set[str]
    ) -> None:
        assert after(old, new) == names

    def test_what_is_added_or_gone(self) -> None:
        assert touched(MODULE, MODULE + "\n\ndef more(x):\n    return f(x)\n") == {"more"}
        assert after("def helper(x)", "def helped(x)") == {"helper", "helped", "f", "g"}

    def test_a_name_that_hides_a_builtin_touches_its_users(self) -> None:
        source = MODULE + "\n\ndef last(x):\n    return max(x)\n"
        assert touched(source, source + "\n\ndef max(x):\n    return 0\n") == {"max", "last"}

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("import math", "import cmath as math"),
            ("import math", "import math\nimport os"),
            ("A, B = 1, 2", "A, B = 2, 1"),
            ('"""A module."""', '"""A module."""\nprint(1)'),
            ("def alone(x)", "def f(x)"),  # two of one name
            ("LIMIT = 3", "LIMIT = 3\nLIMIT = 4"),
            ("LIMIT = 3", "LIMIT = 3\nLIMIT += 1"),
        ],
    )
    def test_anything_may_be_different_where_the_module_does_something_else(
        self, old: str, new: str
    ) -> None:
        assert after(old, new) is None

    @pytest.mark.parametrize(
        "code",
        ["TABLE.update({1: f(1)})", "if True:\n    C = f(1)", "C, D = f(1), 2", "f.doc = f(1)"],
    )
    def test_or_where_what_it_does_uses_what_was_changed(self, code: str) -> None:
        source = f"{MODULE}\n\n{code}\n"
        assert touched(source, source.replace("return 2 * helper(x)", "return 0")) == {"g"}
        assert touched(source, source.replace("return helper(x)\n", "return 0\n", 1)) is None
        assert touched(source, source.replace("return x + LIMIT", "return 0")) is None


class TestVariants:
    def test_the_reference_is_the_file(self, known_course: Course) -> None:
        assignment = known_course.assignment("sums")
        found = reference(assignment)
        assert found.source == assignment.reference.read_text(encoding="utf-8")
        assert (found.kind, found.stage) == ("reference", "sums")

    def test_the_stub_has_no_solution(self, known_course: Course) -> None:
        found = stub(known_course.assignment("sums"))
        assert found.kind == "stub"
        assert "SOLUTION" not in found.source
        assert "return n * (n - 1)" not in found.source
        assert found.source.count("NotImplementedError") == 6

    def test_alternatives_have_their_files_names(self, known_course: Course) -> None:
        (found,) = alternatives(known_course.assignment("sums"))
        assert (found.kind, found.name) == ("alternative", "loops")
        assert "sum(range(n))" in found.source

    def test_a_stage_without_alternatives_has_none(self, toy_course: Course) -> None:
        assert alternatives(toy_course.assignment("words")) == []

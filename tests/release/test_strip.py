"""Stubs cut out of references."""

import ast
import re

import pytest

from autograder.errors import CourseError
from autograder.release.strip import strip

BEGIN, END = "# BEGIN SOLUTION", "# END SOLUTION"

REFERENCE = '''\
"""A stage."""

import torch

# BEGIN SOLUTION
_EPSILON = 1e-12
# END SOLUTION


# BEGIN SOLUTION
def _helper(n):
    return n + 1


# END SOLUTION


def shown(n: int, *, by: float = 1.0) -> float:
    """Say what it does.

    It has two paragraphs.
    """
    if n < 0:
        raise ValueError("n is below 0")
    # BEGIN SOLUTION
    result = n * by

    return result
    # END SOLUTION


class Loader(torch.nn.Module):
    """Loads."""

    size = 3

    # BEGIN SOLUTION
    def _order(self):
        return 1

    # END SOLUTION

    @property
    def name(self) -> str:
        """Its name."""
        # BEGIN SOLUTION
        return "loader"
        # END SOLUTION

    def __len__(self) -> int:
        """How many."""
        # BEGIN SOLUTION
        return 7
        # END SOLUTION
'''

STUB = '''\
"""A stage."""

import torch


def shown(n: int, *, by: float = 1.0) -> float:
    """Say what it does.

    It has two paragraphs.
    """
    if n < 0:
        raise ValueError("n is below 0")
    raise NotImplementedError("shown")


class Loader(torch.nn.Module):
    """Loads."""

    size = 3

    @property
    def name(self) -> str:
        """Its name."""
        raise NotImplementedError("Loader.name")

    def __len__(self) -> int:
        """How many."""
        raise NotImplementedError("Loader.__len__")
'''


def test_the_stub_has_all_but_the_solutions():
    """Signatures, decorators, docstrings, types and unmarked lines stay; blank lines are tidied."""
    assert strip(REFERENCE, "solutions/stage.py") == STUB


def test_a_stub_is_stripped_to_itself():
    """What has nothing to cut is returned as it is: a hollow body needs no marks."""
    hollow = "def later(n):\n    ...\n\n\ndef never(n):\n    raise NotImplementedError\n"
    assert strip(hollow, "f.py") == hollow


def test_windows_line_ends_give_the_same_stub():
    """The stub's line ends are LF wherever the reference was written."""
    assert strip(REFERENCE.replace("\n", "\r\n"), "f.py") == STUB


def test_blank_lines_of_a_string_are_left_alone():
    """Only the blank lines around a cut are tidied."""
    source = 'TEXT = """a\n\n\n\n\nb"""\n'
    assert strip(source, "f.py") == source


def test_at_most_two_blank_lines_are_left_of_a_cut():
    """However many a helper had around it."""
    source = f"X = 1\n\n\n\n\n{BEGIN}\n_Y = 2\n{END}\n\n\n\nZ = 3\n"
    assert strip(source, "f.py") == "X = 1\n\n\nZ = 3\n"


def test_keep_keeps_the_solution_of_a_whole_class_and_the_helpers():
    """`keep` is asked for names at the top of the module; what is kept loses only its marks."""
    asked = []
    half = strip(REFERENCE, "f.py", keep=lambda name: asked.append(name) or name == "Loader")
    assert set(asked) == {"shown", "Loader"}
    assert "SOLUTION" not in half
    scope: dict = {}
    exec(half, scope)
    loader = scope["Loader"]()
    assert (len(loader), loader.name, loader._order()) == (7, "loader", 1)
    assert scope["_helper"](1) == 2
    assert scope["_EPSILON"] == 1e-12
    with pytest.raises(NotImplementedError, match="shown"):
        scope["shown"](1)


def test_keeping_everything_is_the_reference_without_marks():
    """Nothing but the marks and the blank lines beside them is lost."""
    kept = strip(REFERENCE, "f.py", keep=lambda name: True)
    assert ast.dump(ast.parse(kept)) == ast.dump(ast.parse(REFERENCE))
    assert "\n\n\n\n" not in kept


def test_kept_nothing_keeps_no_helper():
    """Helpers are kept only where anything is."""
    assert strip(REFERENCE, "f.py", keep=lambda name: False) == STUB


def body(*lines: str) -> str:
    """A reference with one function of these lines, the first of which is line 2."""
    return "def f(n):\n" + "".join(f"    {line}\n" for line in lines)


REFUSED = {
    "nesting": (body(BEGIN, BEGIN, "return 1", END, END), 3, "inside the one of line 2"),
    "END first": (body(END, BEGIN, "return 1"), 2, "without a"),
    "a second END": (body(BEGIN, "return 1", END, END), 5, "without a"),
    "no END": (body("x = 1", BEGIN, "return 1"), 3, "without an"),
    "no END before another BEGIN": (body(BEGIN, "x = 1", BEGIN, "return 1", END), 4, "inside"),
    "END indented otherwise": (body(BEGIN, "if n:", "    x = 1", "    " + END), 5, "indented"),
    "lower case": (body("# begin solution", "return 1", END), 2, "nearly a mark"),
    "no space": (body("#BEGIN SOLUTION", "return 1", END), 2, "nearly a mark"),
    "plural": (body(BEGIN, "return 1", "# END SOLUTIONS"), 4, "nearly a mark"),
    "more words": (body("# BEGIN OF THE SOLUTION", "return 1"), 2, "nearly a mark"),
    "a colon": (body("# BEGIN SOLUTION:", "return 1"), 2, "nearly a mark"),
    "three hashes": (body("### BEGIN SOLUTION", "return 1"), 2, "nearly a mark"),
    "one word": (body("# BEGIN_SOLUTION", "return 1"), 2, "nearly a mark"),
    "a letter lost": (body("# BEGIN SOLUTON", "return 1"), 2, "nearly a mark"),
    "letters swapped": (body(BEGIN, "return 1", "# EDN SOLUTION"), 4, "nearly a mark"),
    "other words": (body("# START SOLUTION", "return 1", "# STOP SOLUTION"), 2, "nearly a mark"),
    "behind code": (body(f"x = 1  {BEGIN}", "return x", END), 2, "a line of its own"),
    "END behind code": (body(BEGIN, f"return 1  {END}"), 3, "a line of its own"),
    "in a docstring": (body('"""Say', BEGIN, '"""', BEGIN, "return 1", END), 3, "inside a string"),
    "in a string": (body("x = '# END SOLUTION'", BEGIN, "return x", END), 2, "inside a string"),
    "in an f-string": (body("x = f'{n} begin solution'"), 2, "inside a string"),
    "as a name": (body("end_solution = 1", BEGIN, "return 1", END), 2, "or a name"),
    "nothing between": (body("x = 1", BEGIN, "# that is all", END), 3, "no whole statement"),
    "a second pair": (body(BEGIN, "x = 1", END, "y = 2", BEGIN, "return y", END), 6, "a second"),
    "no marks": ("\n\ndef f(n):\n    return n\n", 3, "f is public and has no marks"),
    "no marks in a method": ("class A:\n    def f(self):\n        return 1\n", 2, "A.f is public"),
    "no marks in a dunder": (
        "class A:\n    def __len__(self):\n        return 1\n",
        2,
        "A.__len__",
    ),
    "no marks in an async one": ("async def f(n):\n    return n\n", 1, "f is public"),
    "no marks below an if": ("if True:\n    def f(n):\n        return n\n", 2, "f is public"),
    "marks in an inner function": (
        "def f(n):\n    def g():\n        # BEGIN SOLUTION\n        return n\n"
        "        # END SOLUTION\n    return g\n",
        3,
        "inside another function",
    ),
    "a docstring between": (body(BEGIN, '"""Say."""', "return 1", END), 1, "would lose"),
    "a signature between": (f"{BEGIN}\ndef f(n):\n    return 1\n{END}\n", 2, "would lose"),
    "a method between": (
        "class A:\n    x = 1\n    # BEGIN SOLUTION\n    def f(self):\n        return 1\n"
        "    # END SOLUTION\n",
        4,
        "A.f would lose",
    ),
    "a decorator between": (
        f"import functools\n{BEGIN}\nx = 1\n@functools.cache\n{END}\ndef _f(n):\n    return 1\n",
        2,
        "whole statements",
    ),
    "a function without its decorator": (
        f"import functools\n@functools.cache\n{BEGIN}\ndef _f(n):\n    return 1\n{END}\nX = 1\n",
        3,
        "",
    ),
    "a helper without its decorator, which would pass to the next": (
        f"@property\n{BEGIN}\ndef _f(n):\n    return 1\n{END}\ndef _g(n):\n    return 1\n",
        2,
        "whole statements",
    ),
    "marks left of the body": (
        f'def f(n):\n    """Say."""\n{BEGIN}\n    return 1\n{END}\n',
        3,
        "indentation",
    ),
    "half a statement": (body(BEGIN, "x = 1", "y = [", END, "    2]"), 2, "not valid Python"),
    "part of a display": (f"x = [\n{BEGIN}\n    1,\n{END}\n]\n", 2, "no whole statement"),
    "the half of an if": (
        body("if n:", f"    {BEGIN}", "    x = 1", "else:", "    x = 2", f"    {END}"),
        3,
        "whole statements",
    ),
    "a whole class body": (
        "class A:\n    # BEGIN SOLUTION\n    x = 1\n    # END SOLUTION\n",
        2,
        "",
    ),
    "broken Python": ("def f(:\n", 1, "not valid Python"),
    "an unclosed bracket": ("x = (\n", 1, "not valid Python"),
}


@pytest.mark.parametrize("source, line, words", REFUSED.values(), ids=REFUSED)
def test_refuses(source, line, words):
    """No stub where it is not certain that the solution is cut out; file and line are named."""
    with pytest.raises(CourseError, match=rf"^solutions/stage\.py:{line}: .*{re.escape(words)}"):
        strip(source, "solutions/stage.py")


@pytest.mark.parametrize(
    "comment", ["# the solution", "# in the end", "# solve it", "# of the solutions"]
)
def test_leaves_honest_comments_alone(comment):
    """A comment is no mark because it speaks of a solution or of an end."""
    source = f"{comment}\nX = 1\n"
    assert strip(source, "f.py") == source


def test_private_functions_are_given_unless_marked():
    """A private helper outside of marks is a gift, and stays whole."""
    source = "def _given(n):\n    return n\n"
    assert strip(source, "f.py") == source

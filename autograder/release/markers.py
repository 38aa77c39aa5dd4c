"""The marks around a solution in a reference, read from its tokens.

A mark is a comment on a line of its own, exactly ``# BEGIN SOLUTION`` or ``# END SOLUTION``.
Whatever merely resembles one is an error: a mark that is overlooked is a solution handed out.
"""

from __future__ import annotations

import difflib
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from autograder.errors import CourseError

BEGIN = "# BEGIN SOLUTION"
END = "# END SOLUTION"

_MEANT = re.compile(r"(begin|end)[\W_]*solution", re.IGNORECASE)
_EDGES = ("begin", "end", "start", "stop")
_ALIKE = 0.85  # catches a letter lost, doubled or swapped; "the solution" is at 0.82


@dataclass(frozen=True)
class Pair:
    """One pair of marks: the lines they stand on, counted from 1, and their indentation."""

    begin: int
    end: int
    indent: str


def read_pairs(source: str, file: str) -> list[Pair]:
    """The pairs of marks in `source`, from top to bottom.

    Raises:
        CourseError: a mark has no partner, is nested, or something is nearly a mark; the message
            has the file and the line.
    """
    pairs: list[Pair] = []
    begun: tuple[int, str] | None = None
    for mark, line, indent in _marks(source, file):
        if mark == BEGIN and begun:
            raise CourseError(f"{file}:{line}: {BEGIN} inside the one of line {begun[0]}")
        if mark == BEGIN:
            begun = line, indent
            continue
        if not begun:
            raise CourseError(f"{file}:{line}: {END} without a {BEGIN} before it")
        if indent != begun[1]:
            raise CourseError(
                f"{file}:{line}: {END} is indented otherwise than its {BEGIN} in line {begun[0]}"
            )
        pairs.append(Pair(begun[0], line, indent))
        begun = None
    if begun:
        raise CourseError(f"{file}:{begun[0]}: {BEGIN} without an {END} after it")
    return pairs


def _marks(source: str, file: str) -> Iterator[tuple[str, int, str]]:
    for token in _tokens(source, file):
        line, column = token.start
        if token.type == tokenize.COMMENT and token.string in (BEGIN, END):
            before = token.line[:column]
            if before.strip():
                raise CourseError(f"{file}:{line}: {token.string} needs a line of its own")
            yield token.string, line, before
        elif token.type == tokenize.COMMENT:
            if _resembles_a_mark(token.string):
                raise CourseError(
                    f"{file}:{line}: {token.string!r} is nearly a mark; "
                    f"write exactly `{BEGIN}` or `{END}`, or reword it"
                )
        elif found := _MEANT.search(token.string):
            line += token.string[: found.start()].count("\n")
            raise CourseError(
                f"{file}:{line}: {found.group()!r} stands inside a string or a name, where it "
                "marks nothing; reword it"
            )


def _tokens(source: str, file: str) -> Iterator[tokenize.TokenInfo]:
    try:
        yield from tokenize.generate_tokens(io.StringIO(source).readline)
    except tokenize.TokenError as error:
        raise CourseError(f"{file}:{error.args[1][0]}: {error.args[0]}") from error
    except SyntaxError as error:
        raise CourseError(f"{file}:{error.lineno}: {error.msg}") from error


def _resembles_a_mark(comment: str) -> bool:
    words = re.sub(r"[^a-z]+", " ", comment.lower()).split()
    if any(w.startswith(_EDGES) for w in words) and any(w.startswith("solution") for w in words):
        return True
    letters = "".join(words)
    return bool(
        _MEANT.search(letters)
        or difflib.get_close_matches(letters, ["beginsolution", "endsolution"], 1, _ALIKE)
    )

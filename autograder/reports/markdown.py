"""Text as Markdown that shows it as it is, whoever wrote it and whichever renderer reads it."""

from __future__ import annotations

import re

_SPAN = re.compile(r"`[^`\n]+`")
# what begins markup somewhere; < > & as entities, which also hold where a backslash does not
_MARKUP = re.compile(r"[\\`*_{}\[\]#|~$!]|^ ?(?:[-+=]|\d+[.)])")
_SPACE = re.compile(r"\s+")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def prose(text: str) -> str:
    """A sentence of the course's: what stands between backticks is code, all else is text."""
    shown, end = [], 0
    for span in _SPAN.finditer(text):
        shown += [literal(text[end : span.start()]), span.group()]
        end = span.end()
    return "".join([*shown, literal(text[end:])])


def literal(text: str) -> str:
    """Text in which nothing is markup, on one line: empty ones and indented ones are, too."""
    text = _MARKUP.sub(_escaped, _SPACE.sub(" ", text))
    return "".join(_ENTITIES.get(character, character) for character in text)


def code(text: str) -> str:
    """Text in a block of code, as it stands.

    The block is an indented one. A fence is closed by a line of backticks, and not every renderer
    knows fences at all; an indented line is code to each of them, whatever is in it.
    """
    return "\n".join(f"    {line}" for line in text.split("\n"))


def _escaped(match: re.Match[str]) -> str:
    markup = match.group()
    return f"{markup[:-1]}\\{markup[-1]}"

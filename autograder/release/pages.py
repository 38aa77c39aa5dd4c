"""The pages of a release, and every way to read one.

A page is a file, or what was hidden in one. An auditor reads it as it stands, unescaped, string by
string, and its Python in normal form: however quotes, comments, brackets and line breaks were
changed, the statements are the same.
"""

from __future__ import annotations

import ast
import html
import json
import re
import textwrap
import tomllib
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")
_FENCED = re.compile(r"^[ >\t]*(`{3,}|~{3,})[^\n]*\n(.*?)(?:^[ >\t]*\1|\Z)", re.M | re.S)
_INLINE = re.compile(r"`+([^`\n]+)`+|<(?:code|pre)>([^<]+)<")
_QUOTED = re.compile(r'"((?:[^"\\\n]|\\.){8,})"|\'((?:[^\'\\\n]|\\.){8,})\'')
_CODE = re.compile(r"[=(]|return|yield")
_MAGIC = re.compile(r"^\s*[%!].*$", re.M)  # of a notebook


@dataclass(frozen=True)
class Page:
    """One file, or what was hidden in one.

    Attributes:
        name: where it lies, ``student.zip/toolkit/a.whl/autograder/cli.py``.
        content: its bytes.
        fault: what is wrong with it as a file, in words that follow its name: "is a link".
    """

    name: str
    content: bytes
    fault: str = ""

    @cached_property
    def is_text(self) -> bool:
        """Whether it can be read as it stands."""
        return b"\0" not in self.content or self.content.startswith(_BYTE_ORDER_MARKS)

    @cached_property
    def text(self) -> str:
        """Its contents as text; what is none has few letters in a row."""
        utf16 = self.content.startswith(_BYTE_ORDER_MARKS)
        text = self.content.decode("utf-16" if utf16 else "utf-8-sig", errors="ignore")
        return text.replace("\r\n", "\n").replace("\r", "\n")

    @cached_property
    def tree(self) -> ast.Module | None:
        """The Python that it is, None if it is none."""
        return parse(self.text) if self.is_text and self.data is None else None

    @cached_property
    def data(self) -> Any:
        """What it says as JSON or TOML, None if it is neither."""
        try:
            if self.name.endswith(".toml"):
                return tomllib.loads(self.text)
            if self.text.lstrip()[:1] in ("{", "["):
                return json.loads(self.text)
        except (ValueError, RecursionError):
            pass
        return None

    @cached_property
    def strings(self) -> list[str]:
        """The strings that are written in it: Python's literals, the values of JSON and TOML."""
        if not self.is_text:
            return []
        if self.data is not None:
            return list(_strings(self.data))
        if self.tree:
            return _texts(self.tree)
        return [next(filter(None, groups)) for groups in _QUOTED.findall(self.text)]

    @cached_property
    def readings(self) -> list[str]:
        """The ways to read it."""
        found = [self.text, *self._pieces]
        if "&" in self.text and self.is_text:
            found.append(html.unescape(self.text))
        return found + [ast.unparse(tree) for tree in self.trees]

    @cached_property
    def trees(self) -> list[ast.Module]:
        """All Python in it: as a whole, in its strings, and what its Markdown shows."""
        pieces = (parse(piece) for piece in self._pieces)
        return [tree for tree in (self.tree, *pieces) if tree]

    @cached_property
    def _pieces(self) -> list[str]:
        """What in it may be code by itself; also strings in such code, as in a notebook's cells."""
        prose = [] if self.tree or not self.is_text else [self.text]
        found = [*self.strings, *_shown([*prose, *self.strings])]
        return found + [text for piece in found if (tree := parse(piece)) for text in _texts(tree)]


def _shown(texts: Iterable[str]) -> Iterator[str]:
    """What Markdown and HTML show as code."""
    for text in texts:
        if "`" in text or "~~~" in text or "<" in text:
            yield from (match[2] for match in _FENCED.finditer(text))
            yield from (next(filter(None, groups)) for groups in _INLINE.findall(text))


def _texts(tree: ast.Module) -> list[str]:
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return [node.value for node in nodes if isinstance(node.value, str)]


def parse(source: str) -> ast.Module | None:
    """Python's syntax tree; None for what is no Python, or too plain to be anybody's secret."""
    if not _CODE.search(source):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a strange escape in a page is not ours to mend
        for text in (source, textwrap.dedent(source), _MAGIC.sub("pass", source)):
            try:
                return ast.parse(text)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
    return None


def _strings(data: Any) -> Iterator[str]:
    """Every string in JSON; a list of nothing else is one text, as the cells of notebooks are."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _strings(key)
            yield from _strings(value)
    elif isinstance(data, list):
        if data and all(isinstance(item, str) for item in data):
            yield "".join(data)
        for item in data:
            yield from _strings(item)

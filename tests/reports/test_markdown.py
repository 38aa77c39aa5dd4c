"""Markdown that shows a text as it is, by what a renderer makes of it."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from autograder.reports.markdown import code, literal, prose

TAG = re.compile(r"<[^>]*>")
RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
TEXTS = st.text(st.sampled_from("ab1 <>&`*_~#-+=|[]()!\\$.:\"'\n")).filter(str.strip)


def squeezed(text: str) -> str:
    return "".join(text.split())


@example("a\n\n    b")
@example(" - 1. a\n===")
@given(TEXTS)
def test_literal_text_has_no_markup(text):
    """Every character comes out, and nothing but paragraphs around it."""
    rendered = RENDERER.render(literal(text))
    assert set(TAG.findall(rendered)) <= {"<p>", "</p>"}
    assert squeezed(unescape(TAG.sub("", rendered))) == squeezed(text)


@given(TEXTS)
def test_code_is_one_block(text):
    """Whatever is in it, it stays in it, line for line."""
    text = f"first\n{text}\nlast"
    rendered = RENDERER.render(f"before\n\n{code(text)}\n\nafter")
    start, end = "<p>before</p>\n<pre><code>", "\n</code></pre>\n<p>after</p>\n"
    assert rendered.startswith(start)
    assert rendered.endswith(end)
    assert unescape(rendered[len(start) : -len(end)]) == text


@pytest.mark.parametrize(
    "text, shown",
    [
        ("`half` of 2 * n * m", "<code>half</code> of 2 * n * m"),
        ("snake_case_name is <b>", "snake_case_name is &lt;b&gt;"),
        ("`a_b < c` and `d`", "<code>a_b &lt; c</code> and <code>d</code>"),
        ("one ` alone", "one ` alone"),
    ],
)
def test_prose_knows_code(text, shown):
    assert RENDERER.render(prose(text)) == f"<p>{shown}</p>\n"

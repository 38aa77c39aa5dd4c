"""The board as HTML, for Jupyter: plain tables, in colours that suit light and dark pages.

What a student's code has said stands in it as text, and a picture is an image, in which nothing
can run.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape

from autograder.checks.board import MARKS, Board, Line

# of middle lightness: they are read on white and on black
_COLOURS = {"green": "#2e9e4f", "yellow": "#b8860b", "red": "#d64541", "dim": "#888888"}
_CELL = (
    "text-align:left;padding:2px 12px 2px 0;border:0;background:none;color:inherit;"
    "font-size:inherit"
)
_PRE = (
    "margin:4px 0 12px 0;padding:8px 12px;border-left:3px solid {colour};white-space:pre-wrap;"
    "background:rgba(128,128,128,0.1);font:90% monospace"
)


def board_html(board: Board, findings: Iterable[tuple[str, str, str]]) -> str:
    """A board, and below it what there is to read about checks that failed.

    Args:
        board: the board.
        findings: of each check a heading, a message and a picture (an SVG, or empty).
    """
    parts = [f"<p><strong>{escape(board.title)}</strong></p>"]
    for stage, lines in board.stages:
        rows = "".join(map(_row, lines))
        parts.append(
            f'<table style="border-collapse:collapse;margin:0"><tbody><tr><td colspan="4" '
            f'style="{_CELL}"><strong>{escape(stage)}</strong></td></tr>{rows}</tbody></table>'
        )
    parts.append(f"<p>{escape(board.summary)}</p>")
    for heading, message, picture in findings:
        style = _PRE.format(colour=_COLOURS["red"])
        parts.append(f"<p style='margin:8px 0 0 0'><strong>{escape(heading)}</strong></p>")
        parts.append(f'<pre style="{style}">{escape(message)}</pre>')
        if picture:
            data = base64.b64encode(picture.encode()).decode()
            parts.append(f'<img alt="where it differs" src="data:image/svg+xml;base64,{data}">')
    return f"<div>{''.join(parts)}</div>"


def _row(line: Line) -> str:
    mark, colour = MARKS[line.standing]
    cells = [
        (f"color:{_COLOURS['dim']}", line.number),
        ("font-family:monospace", line.name),
        ("text-align:right;white-space:nowrap", line.points),
        (f"color:{_COLOURS[colour]}", f"{mark} {line.text}"),
    ]
    cells_html = "".join(
        f'<td style="{_CELL};{style}">{escape(text)}</td>' for style, text in cells
    )
    hints = "".join(
        f'<tr><td colspan="3" style="{_CELL}"></td><td style="{_CELL}"><em>{escape(hint)}</em>'
        "</td></tr>"
        for hint in line.hints
    )
    return f"<tr>{cells_html}</tr>{hints}"

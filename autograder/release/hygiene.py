"""What no release may hold, whoever gets it: caches, histories, links, traces of a machine.

And what students may not get beside the course's secrets: files that bear a secret's name, and the
outputs of notebooks that somebody ran.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from autograder.release.pages import Page

_SECRET_NAMES = frozenset(
    {"hidden", "test_hidden", "mistakes", "alternatives", "equivalent", "solutions"} | {"weakest"}
)
_CACHES = frozenset(
    {"__pycache__", ".pytest_cache", ".hypothesis", ".ruff_cache", ".mypy_cache", ".tox", ".nox"}
    | {".ipynb_checkpoints", ".venv", "venv", "node_modules", ".coverage", ".cache", ".ds_store"}
    | {"__macosx", "thumbs.db", ".idea", ".vscode"}
)
_HISTORIES = frozenset({".git", ".hg", ".svn", ".bzr"})
_COMPILED = (".pyc", ".pyo", ".pyd", ".so", ".o")
_LEFT_OVER = (".swp", ".swo", ".orig", ".rej", ".bak", ".tmp", "~", ".log")
_BUNDLES = (b"# v2 git bundle", b"# v3 git bundle", b"PACK\0\0\0")

# a folder that only one person has, on any system
_OF_SOMEBODY = re.compile(
    r"""(?<![\w./~-])(?:/home/|/Users/|/var/folders/|/mnt/[a-z]/Users/)[\w.-]+
      | (?<![\w./~-])/(?:root|tmp|private/tmp|var/tmp)/[\w.-]+
      | \b[A-Za-z]:[\\/]+(?:Users|Documents\ and\ Settings)[\\/]+[\w.-]+
      | \\\\[\w.-]+\\[\w$.-]+\\[\w.-]+
    """,
    re.VERBOSE,
)
_FILE_LINK = re.compile(r"file:///\w[^\s\"'<>)]*")
# the domain has a dot and ends in letters; `x@w.T` and `inputs@weights.view(3)` are products
_E_MAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]+@[A-Za-z0-9-]{2,}(?:\.[A-Za-z0-9-]+)*\.[a-z]{2,}(?![\w@(])"
)
# domains that nobody has (RFC 2606, RFC 6761), and what git's addresses begin with
_NOBODYS = re.compile(r"@(.+\.)?(example(\.(com|org|net))?|test|invalid|localhost)$|^git@", re.I)
_LICENCES = {"LICENSE", "LICENCE", "COPYING", "NOTICE", "AUTHORS"}


def faults_inside(page: Page, *, for_students: bool, own: Sequence[Path] = ()) -> Iterator[str]:
    """What is wrong with what a page says, whatever the course: words that follow its name.

    Args:
        page: the page.
        for_students: whether students get it.
        own: folders of this machine, the course's say, that no page may name.
    """
    if page.fault:
        yield page.fault
        return
    if page.content.startswith(_BUNDLES):
        yield "is a history of git"
    if page.is_text:
        yield from _traces(page, own)
    if for_students and isinstance(page.data, dict) and "cells" in page.data:
        yield from _outputs(page.data)


def fault_of_name(name: str, *, for_students: bool) -> str | None:
    """What is wrong with a path by its name alone: words that follow it."""
    parts = [part.lower() for part in PurePosixPath(name).parts]
    for part in parts:
        if part in _CACHES:
            return f"is in a cache, {part}"
        if part in _HISTORIES or part.endswith(".git"):
            return f"is in a history, {part}"
        if for_students and part.split(".")[0] in _SECRET_NAMES:
            return f"bears the name of a secret: {part.split('.')[0]!r} is not for students"
    if parts and parts[-1].endswith(_COMPILED):
        return "is compiled"
    if parts and parts[-1].endswith(_LEFT_OVER):
        return "was left over"
    return None


def _traces(page: Page, own: Sequence[Path]) -> Iterator[str]:
    found = list(_traces_in("\n".join((page.text, *page.strings)), page.name, own))
    if found and page.tree:
        # of Python only what is said in strings and comments: `a@b.T` is no address
        found = list(_traces_in("\n".join((*page.strings, *_comments(page))), page.name, own))
    yield from found


def _traces_in(text: str, name: str, own: Sequence[Path]) -> Iterator[str]:
    if folder := _OF_SOMEBODY.search(text) or _FILE_LINK.search(text):
        yield f"names a folder of a machine, {folder[0]}"
    else:
        for path in _own_folders(own):
            if path in text and re.search(rf"(?<![\w.-]){re.escape(path)}(?![\w-])", text):
                yield f"names a folder of this machine, {path}"
                break
    if PurePosixPath(name).name.split(".")[0].upper() not in _LICENCES:
        for address in _E_MAIL.finditer(text):
            if not _NOBODYS.search(address[0]):
                yield f"has an e-mail address, {address[0]}"
                break


def _comments(page: Page) -> Iterator[str]:
    try:
        for token in tokenize.generate_tokens(io.StringIO(page.text).readline):
            if token.type == tokenize.COMMENT:
                yield token.string
    except (tokenize.TokenError, SyntaxError):
        yield page.text


def _own_folders(own: Sequence[Path]) -> list[str]:
    folders = (*own, Path.home(), Path(tempfile.gettempdir()), Path(sys.prefix))
    found = {str(path) for path in folders} | {path.as_posix() for path in folders}
    # `/usr` and `/tmp` say nothing of anybody
    return sorted(path for path in found if len(PurePosixPath(path).parts) > 2)


def _outputs(notebook: dict[str, object]) -> Iterator[str]:
    cells = notebook["cells"]
    for number, cell in enumerate(cells if isinstance(cells, list) else [], start=1):
        if isinstance(cell, dict) and (cell.get("outputs") or cell.get("execution_count")):
            yield f"has an output, in cell {number}: somebody ran it"
            return

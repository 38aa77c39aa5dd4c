"""Lines that say something, and finding them again however they were set."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator

from autograder.release.pages import Page

LONG = 24  # characters from which a line is found in the middle of others too
_SHORT = 12  # characters below which a line is nobody's secret
_MUCH = 2 * LONG  # characters of successive lines that are no idiom
_IMPORT = re.compile(r"(import|from\s+\S+\s+import)\s")
_APART = "\0"  # between readings that must not run together

Lines = dict[str, str]  # a telling line -> where it comes from
Part = list[tuple[str, str]]  # the telling lines of one secret, and where each comes from


def telling(text: str) -> Iterator[str]:
    """The lines of a text that say something, without their white space."""
    for line in text.splitlines():
        # what quotes a line in a handout or a comment does not hide it
        squeezed = squeeze(line).strip("#>`*-")
        if (
            len(squeezed) >= _SHORT
            and re.search(r"\w", squeezed)
            and not _IMPORT.match(line.strip())
        ):
            yield squeezed


def squeeze(text: str) -> str:
    """A text without white space, and with one kind of quotes."""
    return "".join(text.split()).replace('"', "'")


class Finder:
    """Finds lines in pages: alone on a line, and long ones in the middle of others too."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = frozenset(lines)
        self._starts: dict[str, list[str]] = {}
        for line in self.lines:
            if len(line) >= LONG:
                self._starts.setdefault(line[:LONG], []).append(line)

    def find(self, page: Page) -> Iterator[str]:
        """The lines that are in the page; one that is there twice comes twice."""
        for reading in page.readings:
            yield from (line for line in telling(reading) if line in self.lines)
        # a window over all of it: a search for each line would take seconds
        run_together = _APART.join(squeeze(reading) for reading in page.readings)
        for place in range(len(run_together) - LONG + 1):
            for line in self._starts.get(run_together[place : place + LONG], ()):
                if run_together.startswith(line, place):
                    yield line


def without(pages: Iterable[Page], lines: Lines) -> Lines:
    """The lines that are in none of the pages."""
    finder = Finder(lines)
    known = {line for page in pages for line in finder.find(page)}
    return {line: where for line, where in lines.items() if line not in known}


def copied(pages: Iterable[Page], parts: Iterable[Part], run: int) -> set[str]:
    """Lines that pages and secrets have in common by no chance.

    A loop header may well be in both, and so may an idiom (``model.eval()``, then
    ``with torch.no_grad():``). `run` successive lines of one secret are no chance where they are
    not short, nor is one more, nor the whole of a secret that has fewer.
    """
    runs: set[tuple[str, ...]] = set()
    for part in parts:
        lines = [line for line, _ in part]
        if len(lines) <= run:
            runs.add(tuple(lines))
        else:
            runs.update(w for w in _windows(lines, run) if sum(map(len, w)) >= _MUCH)
            runs.update(_windows(lines, run + 1))
    lengths = {len(lines) for lines in runs}
    found: set[str] = set()
    for reading in (reading for page in pages for reading in page.readings):
        lines = list(telling(reading))
        for length in lengths:
            same = (window for window in _windows(lines, length) if window in runs)
            found.update(itertools.chain.from_iterable(same))
    return found


def _windows(lines: list[str], length: int) -> Iterator[tuple[str, ...]]:
    return (tuple(lines[i : i + length]) for i in range(len(lines) - length + 1) if length)

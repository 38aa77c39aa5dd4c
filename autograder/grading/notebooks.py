"""A notebook that was handed in becomes a module, with a map back to its cells.

A notebook is JSON from a hostile party. It is read in a process of its own, which runs nothing of
it and has limits on its time and memory; what that process prints is decoded strictly.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from autograder.cells import Converted, Origin, Place, module_of
from autograder.errors import AutograderError, SubmissionError

MAX_NOTEBOOK = 32 << 20  # bytes; outputs have pictures in them
_CPU_SECONDS, _WALL_SECONDS = 20, 60
_MEMORY = 512 << 20
_MOST_PROBLEMS = 10
_LONGEST_PROBLEM = 300
_TOO_MUCH = "it takes too much time or memory to read"
_NEEDED = ("LD_LIBRARY_PATH",)  # without which some Pythons do not start


@dataclass(frozen=True)
class Origins:
    """The modules of a submission that were made from notebooks."""

    by_module: Mapping[str, Origin] = field(default_factory=dict)

    def locate(self, text: str) -> str:
        """A message about modules as one about the notebooks that they were made from."""
        for module, origin in self.by_module.items():
            text = origin.locate(module, text)
        return text


class NotebookError(SubmissionError):
    """A notebook can't be read; the sentence is for its student."""


class _Answer(msgspec.Struct):
    """What the process that reads a notebook says."""

    source: str = ""
    places: list[Place | None] = []
    problems: list[str] = []
    error: str = ""


def convert(path: Path, wanted: Collection[str], module: Path) -> tuple[Origin, list[str]]:
    """Write the definitions of the notebook at `path` to `module`.

    Args:
        path: the notebook, a copy of ours.
        wanted: the names that the module is asked for.
        module: the file to write.

    Returns:
        Where the module's lines come from, and sentences about what could not be taken.

    Raises:
        NotebookError: it can't be read; nothing is written.
        AutograderError: our own disk failed.
    """
    answer = _ask(path, wanted)
    if answer.error:
        raise NotebookError(f"{path.name} can't be read: {answer.error}")
    try:
        # the notebook's own text, with whatever it has for ends of lines in strings
        module.write_bytes(answer.source.encode())
    except OSError as error:
        raise AutograderError(f"{module} can't be written: {error.strerror}") from error
    problems = [
        f"{path.name}, {problem[:_LONGEST_PROBLEM]}."
        for problem in answer.problems[:_MOST_PROBLEMS]
    ]
    if more := len(answer.problems) - _MOST_PROBLEMS:
        problems += [f"{path.name}: {more} more cells were left out."] if more > 0 else []
    return Origin(path.name, tuple(answer.places)), problems


def _ask(path: Path, wanted: Collection[str]) -> _Answer:
    """Have a process of limited means read the notebook."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_NOTEBOOK + 1)
    except OSError as error:
        raise AutograderError(f"{path} can't be read: {error.strerror}") from error
    if len(content) > MAX_NOTEBOOK:
        return _Answer(error=f"it is larger than {MAX_NOTEBOOK >> 20} MB; clear its outputs")
    arguments = [path.name, *sorted(wanted)]
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-B", "-m", "autograder.grading.notebooks", *arguments],
            input=content,
            capture_output=True,
            timeout=_WALL_SECONDS,
            env={name: os.environ[name] for name in _NEEDED if name in os.environ},
            cwd="/",
        )
    except subprocess.TimeoutExpired:
        return _Answer(error="it takes too long to read")
    except OSError as error:
        raise AutograderError(f"no process can be started: {error}") from error
    if done.returncode < 0:  # ended by a signal: of its limits, or of what broke its parser
        return _Answer(error=_TOO_MUCH)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise AutograderError(f"notebooks can't be read here: {' '.join(said)}")
    try:
        return msgspec.json.decode(done.stdout, type=_Answer)
    except msgspec.DecodeError as error:
        raise AutograderError(f"a notebook's cells were not understood: {error}") from error


def cells_of(content: bytes) -> list[tuple[str, str]]:
    """The code cells of a notebook of format 3 or 4: labels, counted from 1, and sources.

    Raises:
        ValueError: it is no notebook; the message says why.
    """
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8 text") from error
    except RecursionError as error:
        raise ValueError("it is too deeply nested") from error
    except ValueError as error:
        raise ValueError(f"it is no JSON ({error})") from error
    cells = _cells(notebook)
    code = [cell for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]
    return [(f"code cell {i}", _source(cell)) for i, cell in enumerate(code, start=1)]


def _cells(notebook: Any) -> list[Any]:
    if not isinstance(notebook, dict):
        raise ValueError("it is no notebook, for it has no cells")
    worksheets = notebook.get("worksheets")  # until format 3
    homes = [notebook, *(worksheets if isinstance(worksheets, list) else [])]
    lists = [home["cells"] for home in homes if isinstance(home, dict) and "cells" in home]
    if not lists or not all(isinstance(cells, list) for cells in lists):
        raise ValueError("it is no notebook, for it has no cells")
    return [cell for cells in lists for cell in cells]


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", cell.get("input", ""))  # `input` until format 3
    lines = source if isinstance(source, list) else [source]
    return "".join(line for line in lines if isinstance(line, str))


def _read(name: str, wanted: list[str]) -> _Answer:
    try:
        found: Converted = module_of(cells_of(sys.stdin.buffer.read()), wanted, name)
        found.source.encode()
    except UnicodeEncodeError:
        return _Answer(error="it holds characters that are no text")
    except ValueError as error:
        return _Answer(error=str(error)[:_LONGEST_PROBLEM])
    return _Answer(found.source, list(found.places), list(found.problems))


def _main() -> None:
    """The process that reads a notebook: it is given the limits before it has seen anything."""
    for limit, most in (
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    name, *wanted = sys.argv[1:]
    try:
        answer = msgspec.json.encode(_read(name, wanted))
    except MemoryError:
        answer = msgspec.json.encode(_Answer(error=_TOO_MUCH))
    except Exception as error:  # noqa: BLE001  whatever a notebook has led to is its own fault
        answer = msgspec.json.encode(_Answer(error=f"it leads to {type(error).__name__}"))
    sys.stdout.buffer.write(answer)


if __name__ == "__main__":
    _main()

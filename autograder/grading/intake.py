"""Take in what a student handed in: a folder, an archive or a single module.

What comes out is a folder of plain files of ours, readable by the worker. Nothing of the
submission is run here, links are never followed, and every size is bounded before anything is
written. A notebook ``<stage>.ipynb`` stands for ``<stage>.py``, see `notebooks`.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from autograder.cells import Origin
from autograder.checks.source import MAX_SOURCE
from autograder.course import LIBRARIES
from autograder.errors import AutograderError, SubmissionError
from autograder.grading.notebooks import NotebookError, Origins, convert
from autograder.grading.unpack import copy_file, copy_folder, extract_tar, extract_zip, shown

_MAX_NAMED = 10  # files or folders in one sentence
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Submission:
    """A submission that was taken in.

    Args:
        name: the name of its folder or file, without the suffix.
        folder: our copy of its files; the modules of the stages lie at its top.
        notes: sentences to the student about what was found.
        origins: the notebooks that modules were made from.
    """

    name: str
    folder: Path
    notes: tuple[str, ...] = ()
    origins: Origins = field(default_factory=Origins)


def take_in(
    path: Path, modules: Iterable[str] | Mapping[str, Collection[str]], into: Path
) -> Submission:
    """Copy the submission at `path` into a new folder below `into`.

    Args:
        path: a folder, a ``.zip``, ``.tar``, ``.tar.gz`` or ``.tgz``, a ``.py`` or a ``.ipynb``.
        modules: the files that the course asks for, such as ``batching.py``, with the names that
            each has to define: of a notebook, these are taken.
        into: an existing folder of ours.

    Raises:
        SubmissionError: it can't be taken in; the sentence is for its student.
        AutograderError: our own disk failed.
    """
    path = path.resolve()  # a link that the instructor made is followed, and stands for its target
    name = submission_name(path)
    try:
        folder = into / Path(tempfile.mkdtemp(dir=into)).name
    except OSError as error:
        raise AutograderError(f"{into}: can't be written: {error.strerror}") from error
    wanted = modules if isinstance(modules, Mapping) else dict.fromkeys(modules, ())
    try:
        files = _copy(path, folder)
        top, notes = _find_modules(files, list(wanted))
        origins, more = _convert_notebooks(folder / top, wanted, alone=path.suffix == ".ipynb")
        _open_to_the_worker(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)  # a refused bomb should not stay on our disk
        raise
    return Submission(name, folder / top, (*notes, *more), origins)


def submission_name(path: Path) -> str:
    """What a submission is called, and the folder with its results: its name without a suffix."""
    path = path.resolve()
    name = shown(path.name if path.is_dir() else _stem(path.name))
    return name if name.strip(".") else "submission"  # "..", as in "...zip", would lead elsewhere


def _stem(name: str) -> str:
    for suffix in (".tar.gz", ".tar", ".tgz"):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return Path(name).stem


def _copy(path: Path, folder: Path) -> list[PurePosixPath]:
    if path.is_dir():
        return copy_folder(path, folder)
    if path.is_file() and path.suffix.lower() == ".zip":
        return extract_zip(path, folder)
    if path.is_file() and path.name.lower().endswith((".tar", ".tar.gz", ".tgz")):
        return extract_tar(path, folder)
    if path.is_file() and path.suffix in (".py", ".ipynb"):
        return copy_file(path, folder)
    raise SubmissionError(
        f"{shown(path)} is no folder, .zip, .tar.gz, .py or .ipynb: hand in one of these"
    )


def _listed(names: list[PurePosixPath]) -> str:
    some = ", ".join(map(shown, names[:_MAX_NAMED]))
    return some if len(names) <= _MAX_NAMED else f"{some} and {len(names) - _MAX_NAMED} more"


def _find_modules(
    files: list[PurePosixPath], modules: list[str]
) -> tuple[PurePosixPath, tuple[str, ...]]:
    """The shallowest folder that holds a module of the course, and what to say about it."""
    names = {*modules, *map(_notebook, modules)}
    homes = sorted({f.parent for f in files if f.name in names}, key=lambda p: (len(p.parts), p))
    if not homes:
        python = sorted(f for f in files if f.suffix in (".py", ".ipynb"))
        found = f"it has {_listed(python)}" if python else "it has no Python files"
        return PurePosixPath(), (f"None of {', '.join(modules)} is in this submission; {found}.",)
    top = homes[0]
    others = [home for home in homes[1:] if len(home.parts) == len(top.parts)]
    notes = []
    if others:
        notes.append(
            f"Modules were found in several folders; only those in {shown(top)} were graded, "
            f"not those in {_listed(others)}."
        )
    if shadows := _shadows(files, top):
        notes.append(
            f"{_listed(shadows)}: named like a library of Python's, and never imported in its "
            "place; a module of yours needs a name of its own."
        )
    return top, tuple(notes)


def _notebook(module: str) -> str:
    return f"{PurePosixPath(module).stem}.ipynb"


def _convert_notebooks(
    top: Path, modules: Mapping[str, Collection[str]], *, alone: bool
) -> tuple[Origins, list[str]]:
    """Make modules of the notebooks in `top`, and what to say about them.

    Beside a module on which work was done it is left out with a word. So is one that can't be read,
    or it is refused where it is all there is.
    """
    origins: dict[str, Origin] = {}
    notes = []
    for module, wanted in modules.items():
        notebook = top / _notebook(module)
        if not notebook.is_file():
            continue
        instead = []
        if (top / module).exists():
            if not _is_stub(top / module, wanted):
                notes.append(f"{module} was graded, not {notebook.name}: both are here.")
                continue
            instead = [f"{notebook.name} was graded, for in {module} nothing is written yet."]
        try:
            origins[module], problems = convert(notebook, wanted, top / module)
        except NotebookError as error:
            if alone:
                raise
            notes.append(f"{error}.")
            continue
        notes += instead + problems
    return Origins(origins), notes


def _is_stub(module: Path, wanted: Collection[str]) -> bool:
    """Whether all functions and methods that a module is asked for are still to be written."""
    try:
        content = module.read_bytes()
        if len(content) > MAX_SOURCE:
            return False
        with warnings.catch_warnings(action="ignore"):
            body = ast.parse(importlib.util.decode_source(content)).body
        found = {node.name: node for node in body if isinstance(node, _Function | ast.ClassDef)}
        asked = [node for name in wanted for node in ast.walk(found[name])]
        functions = [node for node in asked if isinstance(node, _Function)]
        return bool(functions) and all(map(_is_unwritten, functions))
    except (OSError, SyntaxError, ValueError, LookupError, RecursionError, MemoryError):
        return False  # a name that is not there is a LookupError


def _is_unwritten(function: _Function) -> bool:
    """Whether it only raises NotImplementedError; a constructor may call its parent's before."""
    after_docstring = function.body[ast.get_docstring(function) is not None :]
    *before, last = map(ast.unparse, after_docstring or [ast.Pass()])
    return last.startswith("raise NotImplementedError") and set(before) <= {"super().__init__()"}


def _shadows(files: list[PurePosixPath], top: PurePosixPath) -> list[PurePosixPath]:
    """The modules and packages at the top of a submission that bear a library's name."""
    below = [f.relative_to(top) for f in files if f.is_relative_to(top) and f.suffix == ".py"]
    first = sorted({PurePosixPath(f.parts[0]) for f in below})
    return [f for f in first if f.stem in sys.stdlib_module_names or f.stem in LIBRARIES]


def _open_to_the_worker(folder: Path) -> None:
    """Let a worker with a user of its own read the copy, whatever our umask is."""
    for path, _, files in os.walk(folder):
        os.chmod(path, 0o755)
        for name in files:
            os.chmod(os.path.join(path, name), 0o644)


def discard(submission: Submission, into: Path) -> None:
    """Remove the copy of a submission that has been graded."""
    top = into / submission.folder.relative_to(into).parts[0]
    shutil.rmtree(top, ignore_errors=True)

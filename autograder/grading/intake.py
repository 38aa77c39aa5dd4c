"""Take in what a student handed in: a folder, a zip archive or a single module.

What comes out is a folder of plain files of ours, readable by the worker. Nothing of the
submission is parsed or run here, links are never followed, and every size is bounded before
anything is written.
"""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from autograder.errors import AutograderError, SubmissionError

MAX_FILES = 1000
MAX_BYTES = 64 << 20
MAX_DEPTH = 20
_PASSED_OVER = frozenset(
    {"__pycache__", "__MACOSX", "node_modules", "venv", "env", "site-packages"}
)
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Submission:
    """A submission that was taken in.

    Args:
        name: the name of its folder or file, without the suffix.
        folder: our copy of its files; the modules of the stages lie at its top.
        notes: sentences to the student about what was found.
    """

    name: str
    folder: Path
    notes: tuple[str, ...] = ()


def take_in(path: Path, modules: list[str], into: Path) -> Submission:
    """Copy the submission at `path` into a new folder below `into`.

    Args:
        path: a folder, a ``.zip`` or a ``.py``.
        modules: the files that the course asks for, such as ``batching.py``.
        into: an existing folder of ours.

    Raises:
        SubmissionError: it can't be taken in; the sentence is for its student.
        AutograderError: our own disk failed.
    """
    name = path.stem if path.is_file() else path.resolve().name
    folder = into / name
    try:
        folder.mkdir()
        if path.is_dir():
            files = _copy_folder(path, folder)
        elif path.suffix.lower() == ".zip":
            files = _extract_zip(path, folder)
        elif path.suffix == ".py":
            with path.open("rb") as source:
                _Copier(folder, path.name).copy(PurePosixPath(path.name), source)
            files = [PurePosixPath(path.name)]
        else:
            raise SubmissionError(f"{path} is no folder, .zip or .py: hand in one of these")
    except OSError as error:
        raise AutograderError(f"{path}: can't be copied: {error}") from error
    _open_to_the_worker(folder)
    top, notes = _find_modules(files, modules)
    return Submission(name, folder / top, notes)


def _find_modules(
    files: list[PurePosixPath], modules: list[str]
) -> tuple[PurePosixPath, tuple[str, ...]]:
    """The shallowest folder that holds a module of the course, and what to say about it."""
    homes = sorted({f.parent for f in files if f.name in modules}, key=lambda p: (len(p.parts), p))
    if not homes:
        python = sorted(str(f) for f in files if f.suffix == ".py")[:10]
        found = f"it has {', '.join(python)}" if python else "it has no Python files"
        return PurePosixPath(), (f"None of {', '.join(modules)} is in this submission; {found}.",)
    top = homes[0]
    others = [str(home) for home in homes[1:] if len(home.parts) == len(top.parts)]
    notes = []
    if others:
        notes.append(
            f"Modules were found in several folders; only those in {top} were graded, "
            f"not those in {', '.join(others)}."
        )
    return top, tuple(notes)


def _open_to_the_worker(folder: Path) -> None:
    """Let a worker with a user of its own read the copy, whatever our umask is."""
    for path, _, files in os.walk(folder):
        os.chmod(path, 0o755)
        for name in files:
            os.chmod(os.path.join(path, name), 0o644)


class _Copier:
    """Writes a submission's files below one folder and counts what it writes."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name
        self.files = 0
        self.bytes = 0

    def copy(self, relative: PurePosixPath, source: IO[bytes]) -> None:
        self.files += 1
        if self.files > MAX_FILES:
            raise SubmissionError(f"{self.name} holds more than {MAX_FILES} files")
        if len(relative.parts) > MAX_DEPTH:
            raise SubmissionError(f"{self.name} holds folders nested more than {MAX_DEPTH} deep")
        target = self.folder / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        # "x": a second file of the same name (also by case) is never written over the first
        with target.open("xb") as file:
            while chunk := source.read(_CHUNK):
                self.bytes += len(chunk)
                if self.bytes > MAX_BYTES:
                    raise SubmissionError(f"{self.name} is larger than {MAX_BYTES >> 20} MB")
                file.write(chunk)


def _copy_folder(path: Path, folder: Path) -> list[PurePosixPath]:
    copier = _Copier(folder, path.name)
    copied = []
    for entry, relative in _walk(path, PurePosixPath()):
        try:
            # O_NONBLOCK: should the file have become a FIFO since it was listed
            handle = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise SubmissionError(f"{relative} can't be read: {error.strerror}") from error
        with os.fdopen(handle, "rb") as source:
            copier.copy(relative, source)
        copied.append(relative)
    return copied


def _walk(path: Path, below: PurePosixPath) -> Iterator[tuple[os.DirEntry[str], PurePosixPath]]:
    """The regular files below a folder, in order; no links, no special files, no caches."""
    if len(below.parts) > MAX_DEPTH:
        raise SubmissionError(f"{path.name} holds folders nested more than {MAX_DEPTH} deep")
    with os.scandir(path) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        relative = below / entry.name
        if _is_passed_over(relative):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), relative)
        elif entry.is_file(follow_symlinks=False):
            yield entry, relative


def _is_passed_over(relative: PurePosixPath) -> bool:
    return any(part in _PASSED_OVER or part.startswith(".") for part in relative.parts)


def _extract_zip(path: Path, folder: Path) -> list[PurePosixPath]:
    copier = _Copier(folder, path.name)
    extracted = []
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if not any(not member.is_dir() for member in members):
                raise SubmissionError(f"{path.name} is an empty archive")
            for member in members:
                relative = _checked_name(path.name, member)
                if member.is_dir() or _is_passed_over(relative):
                    continue
                with archive.open(member) as source:
                    copier.copy(relative, source)
                extracted.append(relative)
    except FileExistsError as error:
        raise SubmissionError(f"{path.name} holds two files of one name") from error
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError) as error:
        raise SubmissionError(f"{path.name} is no zip archive that can be read: {error}") from error
    except Exception as error:
        if isinstance(error, OSError | AutograderError):
            raise
        raise SubmissionError(f"{path.name} is damaged: {error}") from error
    return extracted


def _checked_name(archive: str, member: zipfile.ZipInfo) -> PurePosixPath:
    # some Windows programs write their own separator, against the format's rules
    name = member.filename.replace("\\", "/")
    relative = PurePosixPath(name)
    if relative.is_absolute() or ".." in relative.parts or not relative.parts:
        raise SubmissionError(f"{archive} holds a file outside its folder: {name!r}")
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise SubmissionError(f"{archive} holds a link or special file: {name!r}")
    if member.flag_bits & 1:
        raise SubmissionError(f"{archive} is encrypted: hand it in without a password")
    return relative


def discard(submission: Submission, into: Path) -> None:
    """Remove the copy of a submission that has been graded."""
    top = into / submission.folder.relative_to(into).parts[0]
    shutil.rmtree(top, ignore_errors=True)

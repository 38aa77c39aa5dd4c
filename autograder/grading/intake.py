"""Take in what a student handed in: a folder, a zip archive or a single module.

What comes out is a folder of plain files of ours, readable by the worker. Nothing of the
submission is parsed or run here, links are never followed, and every size is bounded before
anything is written.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
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
_MAX_NAMED = 10  # files or folders in one sentence
# What a file's name can be to blame for; anything else is a fault of our own disk.
_NAME_ERRORS = frozenset({errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EINVAL})


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
    path = path.resolve()  # a link that the instructor made is followed, and stands for its target
    name = submission_name(path)
    try:
        folder = into / Path(tempfile.mkdtemp(dir=into)).name
    except OSError as error:
        raise AutograderError(f"{into}: can't be written: {error.strerror}") from error
    try:
        files = _copy(path, folder)
        _open_to_the_worker(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)  # a refused bomb should not stay on our disk
        raise
    top, notes = _find_modules(files, modules)
    return Submission(name, folder / top, notes)


def submission_name(path: Path) -> str:
    """What a submission is called, and the folder with its results: its name without a suffix."""
    path = path.resolve()
    name = _shown(path.name if path.is_dir() else path.stem)
    return name if name.strip(".") else "submission"  # "..", as in "...zip", would lead elsewhere


def _copy(path: Path, folder: Path) -> list[PurePosixPath]:
    if path.is_dir():
        return _copy_folder(path, folder)
    if path.is_file() and path.suffix.lower() == ".zip":
        return _extract_zip(path, folder)
    if path.is_file() and path.suffix == ".py":
        name = PurePosixPath(path.name)
        with _open_source(path, name) as source:
            _Copier(folder, path.name).copy(name, source)
        return [name]
    raise SubmissionError(f"{_shown(path)} is no folder, .zip or .py: hand in one of these")


def _shown(name: object) -> str:
    """A name of the submission's as it can stand in a sentence, in JSON and on a terminal."""
    return "".join(c if c.isprintable() else "\ufffd" for c in str(name))


def _listed(names: list[PurePosixPath]) -> str:
    shown = ", ".join(map(_shown, names[:_MAX_NAMED]))
    return shown if len(names) <= _MAX_NAMED else f"{shown} and {len(names) - _MAX_NAMED} more"


def _find_modules(
    files: list[PurePosixPath], modules: list[str]
) -> tuple[PurePosixPath, tuple[str, ...]]:
    """The shallowest folder that holds a module of the course, and what to say about it."""
    homes = sorted({f.parent for f in files if f.name in modules}, key=lambda p: (len(p.parts), p))
    if not homes:
        python = sorted(f for f in files if f.suffix == ".py")
        found = f"it has {_listed(python)}" if python else "it has no Python files"
        return PurePosixPath(), (f"None of {', '.join(modules)} is in this submission; {found}.",)
    top = homes[0]
    others = [home for home in homes[1:] if len(home.parts) == len(top.parts)]
    notes = []
    if others:
        notes.append(
            f"Modules were found in several folders; only those in {_shown(top)} were graded, "
            f"not those in {_listed(others)}."
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
        self.name = _shown(name)
        self.files = 0
        self.bytes = 0

    def copy(self, relative: PurePosixPath, source: IO[bytes]) -> None:
        self.files += 1
        if self.files > MAX_FILES:
            raise SubmissionError(f"{self.name} holds more than {MAX_FILES} files")
        if len(relative.parts) > MAX_DEPTH:
            raise SubmissionError(f"{self.name} holds folders nested more than {MAX_DEPTH} deep")
        with self._create(relative) as file:
            while chunk := source.read(_CHUNK):
                self.bytes += len(chunk)
                if self.bytes > MAX_BYTES:
                    raise SubmissionError(f"{self.name} is larger than {MAX_BYTES >> 20} MB")
                self._write(file, chunk)

    def _create(self, relative: PurePosixPath) -> IO[bytes]:
        target = self.folder / relative
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            # "x": a second file of the same name (also by case) is never written over the first
            return target.open("xb")
        except FileExistsError as error:
            raise SubmissionError(f"{self.name} holds two files of one name") from error
        except OSError as error:
            if error.errno in _NAME_ERRORS:
                raise SubmissionError(
                    f"{self.name} holds a file whose name can't be used: {_shown(relative)[:80]!r}"
                ) from error
            raise AutograderError(f"{target} can't be written: {error.strerror}") from error

    def _write(self, file: IO[bytes], chunk: bytes) -> None:
        try:
            file.write(chunk)
        except OSError as error:
            raise AutograderError(f"{file.name} can't be written: {error.strerror}") from error


def _copy_folder(path: Path, folder: Path) -> list[PurePosixPath]:
    copier = _Copier(folder, path.name)
    copied = []
    for entry, relative in _walk(path, PurePosixPath()):
        with _open_source(Path(entry.path), relative) as source:
            copier.copy(relative, source)
        copied.append(relative)
    return copied


def _open_source(path: Path, relative: PurePosixPath) -> IO[bytes]:
    try:
        # O_NONBLOCK: should the file have become a FIFO since it was listed
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise SubmissionError(f"{_shown(relative)} can't be read: {error.strerror}") from error
    return os.fdopen(handle, "rb")


def _walk(path: Path, below: PurePosixPath) -> Iterator[tuple[os.DirEntry[str], PurePosixPath]]:
    """The regular files below a folder, in order; no links, no special files, no caches."""
    if len(below.parts) > MAX_DEPTH:
        raise SubmissionError(f"{_shown(below)[:80]}… is nested more than {MAX_DEPTH} deep")
    try:
        with os.scandir(path) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise SubmissionError(f"{_shown(below)} can't be read: {error.strerror}") from error
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
    name = _shown(path.name)
    copier = _Copier(folder, path.name)
    extracted = []
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if all(member.is_dir() for member in members):
                raise SubmissionError(f"{name} is an empty archive")
            for member in members:
                relative = _checked_name(name, member)
                if member.is_dir() or _is_passed_over(relative):
                    continue
                with archive.open(member) as source:
                    copier.copy(relative, source)
                extracted.append(relative)
    except AutograderError:
        raise
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError) as error:
        raise SubmissionError(
            f"{name} is no zip archive that can be read: {_shown(error)}"
        ) from error
    except Exception as error:
        # zlib has exceptions of its own, and a wrong offset is an OSError
        raise SubmissionError(f"{name} is damaged: {_shown(error)}") from error
    return extracted


def _checked_name(archive: str, member: zipfile.ZipInfo) -> PurePosixPath:
    # some Windows programs write their own separator, against the format's rules
    name = member.filename.replace("\\", "/")
    relative = PurePosixPath(name)
    is_root = member.is_dir() and not relative.parts  # "./", as bsdtar writes it
    if relative.is_absolute() or ".." in relative.parts or not (relative.parts or is_root):
        raise SubmissionError(f"{archive} holds a file outside its folder: {_shown(name)!r}")
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise SubmissionError(f"{archive} holds a link or special file: {_shown(name)!r}")
    if member.flag_bits & 1:
        raise SubmissionError(f"{archive} is encrypted: hand it in without a password")
    # the others are unpacked a whole block at a time, however much that turns out to be
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise SubmissionError(f"{archive} is compressed in an unusual way: make a plain .zip")
    return relative


def discard(submission: Submission, into: Path) -> None:
    """Remove the copy of a submission that has been graded."""
    top = into / submission.folder.relative_to(into).parts[0]
    shutil.rmtree(top, ignore_errors=True)

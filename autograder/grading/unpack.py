"""Copy a submission's files out of a folder or an archive, whatever is in it.

Links are never followed, nothing is unpacked outside of its folder, and every size is bounded
before anything is written.
"""

from __future__ import annotations

import errno
import gzip
import os
import stat
import tarfile
import zipfile
from collections.abc import Iterator
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
# What a file's name can be to blame for; anything else is a fault of our own disk.
_NAME_ERRORS = frozenset({errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EINVAL})


def copy_file(path: Path, folder: Path) -> list[PurePosixPath]:
    """Copy a single file into `folder`."""
    name = PurePosixPath(path.name)
    with _open_source(path, name) as source:
        _Copier(folder, path.name).copy(name, source)
    return [name]


def shown(name: object) -> str:
    """A name of the submission's as it can stand in a sentence, in JSON and on a terminal."""
    return "".join(c if c.isprintable() else "\ufffd" for c in str(name))


class _Copier:
    """Writes a submission's files below one folder and counts what it writes."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = shown(name)
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
                    f"{self.name} holds a file whose name can't be used: {shown(relative)[:80]!r}"
                ) from error
            raise AutograderError(f"{target} can't be written: {error.strerror}") from error

    def _write(self, file: IO[bytes], chunk: bytes) -> None:
        try:
            file.write(chunk)
        except OSError as error:
            raise AutograderError(f"{file.name} can't be written: {error.strerror}") from error


def copy_folder(path: Path, folder: Path) -> list[PurePosixPath]:
    """Copy the regular files below `path` into `folder`, but for caches and hidden ones."""
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
        raise SubmissionError(f"{shown(relative)} can't be read: {error.strerror}") from error
    return os.fdopen(handle, "rb")


def _walk(path: Path, below: PurePosixPath) -> Iterator[tuple[os.DirEntry[str], PurePosixPath]]:
    """The regular files below a folder, in order; no links, no special files, no caches."""
    if len(below.parts) > MAX_DEPTH:
        raise SubmissionError(f"{shown(below)[:80]}… is nested more than {MAX_DEPTH} deep")
    try:
        with os.scandir(path) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise SubmissionError(f"{shown(below)} can't be read: {error.strerror}") from error
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


def extract_zip(path: Path, folder: Path) -> list[PurePosixPath]:
    """Unpack a zip archive into `folder`.

    Raises:
        SubmissionError: it is damaged, encrypted, too large, or holds links or paths outward.
    """
    name = shown(path.name)
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
            f"{name} is no zip archive that can be read: {shown(error)}"
        ) from error
    except Exception as error:
        # zlib has exceptions of its own, and a wrong offset is an OSError
        raise SubmissionError(f"{name} is damaged: {shown(error)}") from error
    return extracted


def _checked_name(archive: str, member: zipfile.ZipInfo) -> PurePosixPath:
    relative = _inside(archive, member.filename, member.is_dir())
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise SubmissionError(f"{archive} holds a link or special file: {shown(relative)!r}")
    if member.flag_bits & 1:
        raise SubmissionError(f"{archive} is encrypted: hand it in without a password")
    # the others are unpacked a whole block at a time, however much that turns out to be
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise SubmissionError(f"{archive} is compressed in an unusual way: make a plain .zip")
    return relative


def _inside(archive: str, name: str, is_folder: bool) -> PurePosixPath:
    """An archive member's path, which has to stay within its folder."""
    # some Windows programs write their own separator, against the format's rules
    name = name.replace("\\", "/")
    relative = PurePosixPath(name)
    is_root = is_folder and not relative.parts  # "./", as bsdtar writes it
    if relative.is_absolute() or ".." in relative.parts or not (relative.parts or is_root):
        raise SubmissionError(f"{archive} holds a file outside its folder: {shown(name)!r}")
    return relative


def extract_tar(path: Path, folder: Path) -> list[PurePosixPath]:
    """Unpack a tar archive, plain or compressed by gzip, into `folder`.

    It is read as a stream of bounded length, for even its headers can be made to unpack for ever.

    Raises:
        SubmissionError: it is damaged, too large, or holds anything but files and folders.
    """
    name = shown(path.name)
    copier = _Copier(folder, path.name)
    extracted = []
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            stream = _Bounded(gzip.GzipFile(fileobj=file) if packed else file, name)
            with tarfile.open(fileobj=stream, mode="r|") as archive:  # type: ignore[call-overload]
                for member in archive:
                    relative = _inside(name, member.name, member.isdir())
                    if not (member.isfile() or member.isdir()) or member.issparse():
                        raise SubmissionError(
                            f"{name} holds a link or special file: {shown(relative)!r}"
                        )
                    source = archive.extractfile(member)
                    if source is None or _is_passed_over(relative):
                        continue
                    copier.copy(relative, source)
                    extracted.append(relative)
    except AutograderError:
        raise
    except Exception as error:
        raise SubmissionError(
            f"{name} is no tar archive that can be read: {shown(error)}"
        ) from error
    if not extracted:
        raise SubmissionError(f"{name} is an empty archive")
    return extracted


class _Bounded:
    """A stream that ends with an error where it turns out longer than a submission may be."""

    def __init__(self, source: IO[bytes] | gzip.GzipFile, name: str) -> None:
        self._source = source
        self._name = name
        # the members' headers and padding come on top of what they hold
        self._left = MAX_BYTES + MAX_FILES * 4096

    def read(self, size: int) -> bytes:
        if size > self._left:
            raise SubmissionError(f"{self._name} is larger than {MAX_BYTES >> 20} MB")
        data = self._source.read(size)
        self._left -= len(data)
        return data

"""A release as a folder on disk: written as a whole, and never over what a person wrote.

``.release.json`` in the folder holds a hash of each file as it was released, so that a file that
somebody has edited since is told from one that is merely out of date.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from autograder.errors import InputError
from autograder.release.archive import is_program

MANIFEST = ".release.json"
_CACHES = {"__pycache__", ".pytest_cache", ".hypothesis", ".ruff_cache", ".mypy_cache"}
_NOTE = "Written by `autograder release`: what each file was when it was released."
_NAMED = 5  # files that a message names


def write_release(files: Mapping[str, bytes], out: Path) -> list[str]:
    """Make the folder `out` hold exactly `files` and their manifest.

    The new folder is written beside the old one and takes its place only when it is complete.

    Args:
        files: paths with forward slashes, and contents.
        out: the folder; made where it is missing.

    Returns:
        What changed, in `differences`' words; nothing is written where nothing has.

    Raises:
        InputError: `out` holds a file that is no part of a release, or one that was edited since
            the last; or it can't be written.
    """
    out = out.resolve()
    changes = differences(files, out)
    if not changes:
        return []
    refuse_to_lose(files, out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as beside:
            new, old = Path(beside, "new"), Path(beside, "old")
            for name, content in _with_manifest(files).items():
                path = new / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                if is_program(content):
                    path.chmod(path.stat().st_mode | 0o111)
            _swap(new, out, old)
    except OSError as error:
        raise InputError(f"{out}: can't be written: {error.strerror or error}") from error
    return changes


def differences(files: Mapping[str, bytes], out: Path) -> list[str]:
    """What writing `files` to `out` would change, a sentence for each file; caches don't count.

    Raises:
        InputError: `out` can't be read.
    """
    out = out.resolve()
    if not out.exists():
        return [f"{out.name} is missing"]
    wanted, present = _with_manifest(files), _present(out)
    sentences = []
    for name in sorted(wanted.keys() | present.keys()):
        if name not in present:
            sentences.append(f"{out.name}/{name} is missing")
        elif name not in wanted:
            sentences.append(f"{out.name}/{name} is not part of the release")
        elif wanted[name] != _content(present[name]):
            sentences.append(f"{out.name}/{name} would change")
    return sentences


def read_folder(folder: Path) -> dict[str, bytes]:
    """The files of a release on disk, without its manifest and caches.

    Raises:
        InputError: it can't be read.
    """
    found = {name: _content(path) for name, path in _present(folder.resolve()).items()}
    return {
        name: content for name, content in found.items() if content is not None and name != MANIFEST
    }


def refuse_to_lose(files: Mapping[str, bytes], out: Path) -> None:
    """Refuse to write a release over what a person wrote.

    Raises:
        InputError: `out` holds a file that is no part of a release, or one that was edited since
            the last.
    """
    present = _present(out) if out.exists() else {}
    released = _read_manifest(present.pop(MANIFEST, None))
    foreign = [name for name in present if name not in files and name not in released]
    if foreign:
        raise InputError(
            f"{out} holds what no release has made: {_list(foreign)}; move it away, or write "
            "the release elsewhere with --out"
        )
    edited = [
        name
        for name, path in present.items()
        if (content := _content(path)) != files.get(name)
        and (content is None or content_hash(content) != released.get(name))
    ]
    if edited:
        raise InputError(
            f"{out} holds what was changed since it was released: {_list(edited)}; move it away, "
            "or delete it to have it released again"
        )


def _list(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(sorted(names)[:_NAMED]) + more


def _present(out: Path) -> dict[str, Path]:
    if not out.is_dir():
        raise InputError(f"{out} is no folder; move it away, or name another with --out")
    try:
        return {path.relative_to(out).as_posix(): path for path in _walk(out)}
    except OSError as error:
        raise InputError(f"{out}: can't be read: {error.strerror or error}") from error


def _walk(folder: Path) -> Iterator[Path]:
    """Every file below `folder` but caches; a link is a file, wherever it leads."""
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_dir():
            yield path
        elif path.name not in _CACHES:
            yield from _walk(path)


def _content(path: Path) -> bytes | None:
    """What a file holds; None for a link or a device, which no release has made."""
    if path.is_symlink() or not path.is_file():
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}") from error


def _with_manifest(files: Mapping[str, bytes]) -> dict[str, bytes]:
    hashes = {name: content_hash(content) for name, content in sorted(files.items())}
    manifest = json.dumps({"note": _NOTE, "sha256": hashes}, indent=2, ensure_ascii=False) + "\n"
    return {**files, MANIFEST: manifest.encode()}


def _read_manifest(path: Path | None) -> dict[str, str]:
    content = _content(path) if path else b'{"sha256": {}}'
    try:
        hashes = json.loads(content or b"")["sha256"]
        return {str(name): str(value) for name, value in hashes.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is not what `autograder release` writes; restore it, or move its folder away"
        ) from error


def content_hash(content: bytes) -> str:
    """The hash by which a manifest knows a file."""
    return hashlib.sha256(content).hexdigest()


def _swap(new: Path, out: Path, old: Path) -> None:
    if out.exists():
        os.rename(out, old)
    try:
        os.rename(new, out)
    except OSError:
        if old.exists():
            os.rename(old, out)
        raise
    # caches of the old release go with it; they are made again
    shutil.rmtree(old, ignore_errors=True)

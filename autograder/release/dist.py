"""The folder that ``autograder release --out`` writes: every target, and a manifest of all of it.

``manifest.json`` has a hash of each artefact and of each file in it, and what they were made from;
nothing of when, where or by whom, so that one commit has one manifest. A zip file that the manifest
does not know, or knows otherwise, is somebody's: it is not written over.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder import __version__
from autograder.course import Course
from autograder.errors import CourseError, InputError
from autograder.release.archive import zipped
from autograder.release.audit import Auditor
from autograder.release.folder import content_hash, differences, refuse_to_lose, write_release
from autograder.release.rehearsal import rehearse
from autograder.release.targets import Target
from autograder.release.wheel import build_wheel

MANIFEST = "manifest.json"
_NOTE = "Written by `autograder release --out`: what each file was when it was released."
_SOURCES = ("assignments", "solutions", "constraints.txt", "autograder", "pyproject.toml")
_TOLD = 10  # findings that a message has


@dataclass(frozen=True)
class Made:
    """A target that was made: its files, and the zip file of them where it has one."""

    target: Target
    files: Mapping[str, bytes]
    archive: bytes | None

    @property
    def names(self) -> tuple[str, ...]:
        """The artefacts' names, for people."""
        return self.target.artefacts


def make(course: Course, targets: Sequence[Target]) -> list[Made]:
    """Make targets, and prove that nothing is in them that must not be.

    Args:
        course: the course, or some of its stages (`Course.select`).
        targets: what to make.

    Raises:
        CourseError: a release can't be made, or the audit found something; the message names it.
        InputError: a library is missing.
    """
    wheel = build_wheel()
    auditor = Auditor(course)
    made = []
    found: list[str] = []
    for target in targets:
        files = target.make(course, wheel)
        made.append(Made(target, files, zipped(files) if target.archive else None))
        found += [f"{target.name}: {sentence}" for sentence in auditor.findings_of(target, files)]
    _refuse(found)
    return made


def try_out(course: Course, made: Sequence[Made]) -> None:
    """Run the student release as a student would, if it is among what was made.

    Raises:
        CourseError: a student would stumble; the message says over what.
    """
    _refuse([f"student: {s}" for m in made if m.target.name == "student"
             for s in rehearse(course, m.files)])  # fmt: skip


def _refuse(findings: Sequence[str]) -> None:
    if findings:
        more = f"; and {len(findings) - _TOLD} more" if len(findings) > _TOLD else ""
        raise CourseError("; ".join(findings[:_TOLD]) + more)


def changes(course: Course, made: Sequence[Made], out: Path) -> list[str]:
    """What writing to the folder `out` would change, a sentence each.

    Raises:
        InputError: it can't be read.
    """
    if not out.exists():
        return [f"{out.name} is missing"]
    found = []
    for one in made:
        if one.target.folder:
            found += differences(one.files, out / one.target.name)
        if one.archive is not None:
            found += _archive_changes(one, out / f"{one.target.name}.zip")
    manifest = _read(out / MANIFEST)
    if manifest is None:
        found.append(f"{MANIFEST} is missing")
    elif manifest != _manifest(course, made, out):
        found.append(f"{MANIFEST} would change")
    return found


def write(course: Course, made: Sequence[Made], out: Path) -> None:
    """Write what was made to the folder `out`, each artefact as a whole; the manifest comes last.

    Raises:
        InputError: `out` holds what a person wrote where a release should go, or can't be written.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is no folder; move it away, or name another with --out")
    manifest = _manifest(course, made, out)
    known = _known(out)
    for one in made:  # refuse before anything is written
        if one.target.folder:
            refuse_to_lose(one.files, (out / one.target.name).resolve())
        if one.archive is not None:
            _refuse_to_lose_archive(out / f"{one.target.name}.zip", one.archive, known)
    for one in made:
        if one.target.folder:
            write_release(one.files, out / one.target.name)
        if one.archive is not None:
            _write(out / f"{one.target.name}.zip", one.archive)
    _write(out / MANIFEST, manifest)


def read_manifest(out: Path) -> dict[str, Any] | None:
    """The manifest of a release folder, None where there is none.

    Raises:
        InputError: the file is no manifest of ours.
    """
    content = _read(out / MANIFEST)
    if content is None:
        return None
    try:
        manifest: dict[str, Any] = json.loads(content)
        if manifest["note"] == _NOTE and isinstance(manifest["targets"], dict):
            return manifest
    except (ValueError, KeyError, TypeError):
        pass
    raise InputError(
        f"{out / MANIFEST} is not what `autograder release` writes; move it away, or name another "
        "folder with --out"
    )


def _manifest(course: Course, made: Sequence[Made], out: Path) -> bytes:
    """The manifest after `made` is written; targets that aren't made now keep their entries."""
    before = read_manifest(out)
    targets = dict(before["targets"]) if before else {}
    commit, modified = _commit(course.root)
    for one in made:
        targets[one.target.name] = {
            "course": course.title,
            "stages": list(course.stages),
            "toolkit": __version__,
            "commit": commit,
            "modified": modified,
            **(
                {} if one.archive is None else {f"{one.target.name}.zip": content_hash(one.archive)}
            ),
            "files": {name: content_hash(content) for name, content in sorted(one.files.items())},
        }
    manifest = {"note": _NOTE, "targets": dict(sorted(targets.items()))}
    return (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()


def _commit(root: Path) -> tuple[str | None, bool]:
    """The commit that a course is at, None where there is none; and whether it was changed since.

    What was changed elsewhere in the repository does not count.
    """

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        env["GIT_OPTIONAL_LOCKS"] = "0"
        done = subprocess.run(command, capture_output=True, env=env, timeout=60, check=True)
        return done.stdout.decode().strip()

    try:
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain", "--", *_SOURCES))
    except (OSError, subprocess.SubprocessError):
        return None, False


def _known(out: Path) -> dict[str, str]:
    """The hashes of the zip files that the last releases wrote."""
    manifest = read_manifest(out) or {"targets": {}}
    return {
        name: value
        for entry in manifest["targets"].values()
        for name, value in entry.items()
        if name.endswith(".zip")
    }


def _refuse_to_lose_archive(path: Path, content: bytes, known: Mapping[str, str]) -> None:
    present = _read(path)
    if present is None or present == content or content_hash(present) == known.get(path.name):
        return
    what = "was changed since it was released" if path.name in known else "no release has made"
    raise InputError(f"{path}: {what}; move it away, or name another folder with --out")


def _archive_changes(one: Made, path: Path) -> Iterator[str]:
    present = _read(path)
    if present is None:
        yield f"{path.name} is missing"
    elif present != one.archive:
        inside = [] if one.target.folder else list(_changes_inside(one, present))
        yield from inside or [f"{path.name} would change"]


def _changes_inside(one: Made, present: bytes) -> Iterator[str]:
    """What would change in a zip file that has no folder beside it."""
    try:
        with zipfile.ZipFile(io.BytesIO(present)) as archive:
            before = {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
        return
    for name in sorted(before.keys() | one.files.keys()):
        where = f"{one.target.name}.zip/{name}"
        if name not in before:
            yield f"{where} is missing"
        elif name not in one.files:
            yield f"{where} is not part of the release"
        elif before[name] != one.files[name]:
            yield f"{where} would change"


def _read(path: Path) -> bytes | None:
    """A file's contents, None where there is nothing.

    Raises:
        InputError: it is no file, or can't be read.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise InputError(f"{path} is no file; move it away, or name another folder with --out")
    try:
        return path.read_bytes() if path.exists() else None
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}") from error


def _write(path: Path, content: bytes) -> None:
    """Write a file as a whole, if it is another than before."""
    if _read(path) == content:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as beside:
            new = Path(beside, "new")
            new.write_bytes(content)
            new.replace(path)
    except OSError as error:
        raise InputError(f"{path}: can't be written: {error.strerror or error}") from error

"""A release that lies on disk, whoever made it: a folder, an archive, or all of ``--out``."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from autograder.course import Course
from autograder.errors import InputError
from autograder.release.audit import Auditor
from autograder.release.dist import MANIFEST, read_manifest
from autograder.release.folder import MANIFEST as RELEASED
from autograder.release.folder import content_hash
from autograder.release.hygiene import fault_of_name
from autograder.release.rehearsal import rehearse
from autograder.release.targets import TARGETS, Target


def inspect(course: Course, path: Path, target: Target) -> list[str]:
    """What is wrong with a release on disk, a sentence each.

    Args:
        course: the instructor's course, of whose secrets it must be free if students get it.
        path: a folder, an archive or a file; a folder that ``--out`` wrote is taken as what its
            manifest says.
        target: what it is, else.

    Raises:
        CourseError: the course can't be read.
        InputError: the path can't.
    """
    inspector = _Inspector(course)
    manifest = read_manifest(path) if path.is_dir() and _is_release_folder(path) else None
    if manifest is None:
        return list(inspector.findings(path, target))
    found = []
    for name, entry in manifest["targets"].items():
        if name not in TARGETS:
            raise InputError(f"{path}: its manifest has {name!r}, which is no target of ours")
        for artefact in TARGETS[name].artefacts:
            file = path / artefact
            if not file.exists():
                found.append(f"{artefact} is missing")
                continue
            if file.is_file() and content_hash(file.read_bytes()) != entry.get(artefact):
                found.append(f"{artefact} is not what was released")
            found += inspector.findings(file, TARGETS[name])
    return found


def _is_release_folder(path: Path) -> bool:
    return (path / MANIFEST).is_file()


class _Inspector:
    """Looks at what lies on disk; a release that lies there twice is tried out once."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.auditor = Auditor(course)
        self.tried: list[dict[str, bytes]] = []

    def findings(self, path: Path, target: Target) -> Iterator[str]:
        """What is wrong with one folder, archive or file."""
        files: dict[str, bytes] = {}
        try:
            if path.is_dir() and not path.is_symlink():
                for name, content in _walk(path, path.name):
                    if isinstance(content, str):
                        yield f"{name} {content}"
                    else:
                        files[name] = content
            elif path.is_file():
                files[path.name] = path.read_bytes()
            else:
                raise InputError(f"{path}: there is no such file or folder")
        except OSError as error:
            raise InputError(f"{path}: can't be read: {error.strerror or error}") from error
        below = f"{path.name}/" if path.is_dir() else ""
        yield from self.auditor.findings_of(target, files, below)
        release = _unwrapped(path, files)
        release.pop(RELEASED, None)
        is_one = target.name == "student" and "assignments/course.toml" in release
        if is_one and release not in self.tried:
            self.tried.append(release)
            yield from (f"{path.name}: {sentence}" for sentence in rehearse(self.course, release))


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, bytes | str]]:
    """Every file, or what is wrong with it; a cache or a history is named and not entered."""
    for path in sorted(folder.iterdir()):
        name = f"{prefix}/{path.name}"
        if path.is_symlink():
            yield name, "is a link"
        elif path.is_dir():
            # whether it is a secret's folder, its files will tell
            fault = fault_of_name(path.name, for_students=False)
            if fault:
                yield name, fault
            else:
                yield from _walk(path, name)
        elif path.is_file():
            yield name, path.read_bytes()
        else:
            yield name, "is no file"


def _unwrapped(path: Path, files: dict[str, bytes]) -> dict[str, bytes]:
    """The files as they lie in the folder or archive itself."""
    if path.is_dir():
        return {name.partition("/")[2]: content for name, content in files.items()}
    content = files[path.name]
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            return {
                entry.filename: archive.read(entry)
                for entry in entries
                if ".." not in Path(entry.filename).parts and not entry.filename.startswith("/")
            }
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
        return {}  # the audit has said so

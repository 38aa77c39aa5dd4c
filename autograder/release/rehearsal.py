"""A release is tried before it is handed out, with nothing but what is in it.

Every stub imports, and every public check says of it that it is not implemented; on the reference
every public check passes. The toolkit is the one in the release, where it has one. A few inputs for
each check will do: that the checks are right is `verify`'s to prove.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import autograder
from autograder.course import Course
from autograder.errors import CourseError

_EXAMPLES = 5  # inputs a check, on the references
_SECONDS = 600


def rehearse(course: Course, files: Mapping[str, bytes]) -> Iterator[str]:
    """What a student would stumble over, a sentence each.

    Args:
        course: the instructor's course, whose references have to pass.
        files: the student release.
    """
    with tempfile.TemporaryDirectory(prefix="autograder-rehearsal-") as folder:
        base = Path(folder)
        release, toolkit, reference = base / "release", base / "toolkit", base / "reference"
        _write(release, files)
        for wheel in release.glob("toolkit/*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(toolkit)
        try:
            released = Course.load(release, released=True)
        except CourseError as error:
            yield f"the release is no course: {str(error).replace(f'{release}{os.sep}', '')}"
            return
        wanted = [a for a in course.assignments if a.stage in released.stages]
        if len(wanted) != len(released.stages):
            yield f"the release has stages that the course has not: {', '.join(released.stages)}"
            return
        _write(reference, {a.module: a.reference.read_bytes() for a in wanted})
        stubs = _Run(release, toolkit, base / "stubs.json", list(released.stages), "--examples=1")
        right = _Run(
            *(release, toolkit, base / "right.json", []),
            *(f"--examples={_EXAMPLES}", f"--submission={reference}"),
        )
        try:  # both end before their folder goes
            on_stubs, on_reference = stubs.result(), right.result()
        finally:
            stubs.end()
            right.end()
        yield from _judge(released, on_stubs, "on the stub", "missing")
        yield from _judge(released, on_reference, "on the reference", "passed")


class _Run:
    """A run of a release's checks, which has begun."""

    def __init__(
        self, release: Path, toolkit: Path, result: Path, modules: list[str], *arguments: str
    ) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST"))}
        settings = {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        # a release without a wheel is run by the toolkit that is here
        source = toolkit if toolkit.is_dir() else Path(autograder.__file__).parents[1]
        module = "autograder.release.as_student"
        self.file = result
        self.output = result.with_suffix(".txt")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, str(result), ",".join(modules), *arguments],
                cwd=release,
                env=kept | settings | {"PYTHONPATH": str(source)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def result(self) -> dict[str, Any]:
        """What came of it."""
        try:
            self.process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            self.end()
            return {"checks": [], "errors": [f"pytest took longer than {_SECONDS} s"]}
        if not self.file.is_file():
            said = self.output.read_text(encoding="utf-8", errors="replace").strip()[-300:]
            return {
                "checks": [],
                "errors": [f"pytest ended with {self.process.returncode}: {said}"],
            }
        found: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))
        return found

    def end(self) -> None:
        """End it, if it has not ended."""
        self.process.kill()
        self.process.wait()


def _judge(course: Course, result: dict[str, Any], where: str, wanted: str) -> Iterator[str]:
    for error in result["errors"]:
        yield f"{where}: {_line(error)}"
    if not result["checks"] and result["errors"]:
        return  # nothing ran, and why has been said
    found = {(check["stage"], check["name"]): check for check in result["checks"]}
    for assignment in course.assignments:
        for check in assignment.checks:
            name = f"assignments/{check.stage}/test_public.py: {check.name}"
            verdict = found.get((check.stage, check.name))
            if verdict is None:
                yield f"{name} does not run {where}"
            elif verdict["outcome"] != wanted:
                message = _line(verdict["message"])
                yield f"{name} {where} is {verdict['outcome']!r}, not {wanted!r}: {message}"


def _line(text: str) -> str:
    return " ".join(text.split())[:300]


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

"""Grade many submissions one after the other and write what each came to."""

from __future__ import annotations

import contextlib
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.course import Course
from autograder.data import embedded_folder
from autograder.errors import AutograderError, InputError, SubmissionError
from autograder.grading.diagnose import Diagnoser
from autograder.grading.grade import grade, refused
from autograder.grading.intake import discard, submission_name, take_in
from autograder.report import Report, to_json, write_atomically
from autograder.reports.formats import DEFAULT, files
from autograder.sandbox.workers import Zygote

_SECONDS_BETWEEN_WRITES = 1.0


@dataclass(frozen=True)
class Graded:
    """One submission that is done; `refused` is the sentence for one that was not taken in."""

    report: Report
    folder: Path
    refused: str | None = None


def grade_all(
    course: Course,
    paths: list[Path],
    out: Path,
    *,
    allow_weak: bool = False,
    device: str = "cpu",
    seconds: float = math.inf,
    formats: Sequence[str] = (DEFAULT,),
    on_start: Callable[[Zygote], None] = lambda zygote: None,
    on_check: Callable[[Report], None] = lambda report: None,
) -> Iterator[Graded]:
    """Grade the submissions at `paths`; each one's results are below `out` when it is yielded.

    Args:
        course: what to grade them on.
        paths: folders, archives, modules or notebooks.
        out: where the results go, a folder for each submission.
        allow_weak: grade even where the sandbox doesn't reach its floor.
        device: "cpu"; "cuda", for all that a submission computes; or "auto", which trains networks
            on a GPU where workers can use one.
        seconds: after so many no further check of a submission is begun.
        formats: what to write beside each ``report.json``.
        on_start: called with the zygote when it runs.
        on_check: called with the report so far as checks finish.

    Raises:
        InputError: a path does not exist, or two submissions have one name.
        AutograderError: the sandbox can't be started, or results can't be written.
    """
    names = _names(paths)
    with tempfile.TemporaryDirectory(prefix="autograder-") as base:
        staging = Path(base)
        staging.chmod(0o711)  # the worker may enter it, and list nothing
        secret = [course.root / "assignments", course.root / "solutions"]
        with _Zygotes(course, staging, secret, allow_weak, device) as zygotes:
            on_start(zygotes.running())
            zygotes.diagnoser()  # a course that is wrong is said to be so before any work
            for path, name in zip(paths, names, strict=True):
                write = _Writer(course, out / name, formats)
                yield _grade_one(course, path, write, staging, zygotes, seconds, on_check)


class _Zygotes:
    """One zygote at a time, with what it needs to diagnose; new ones where the last has died."""

    def __init__(
        self, course: Course, staging: Path, secret: list[Path], allow_weak: bool, device: str
    ) -> None:
        self._course, self._staging = course, staging
        self._secret, self._allow_weak, self._device = secret, allow_weak, device
        self.all_on_gpu = device == "cuda"
        self._zygote: Zygote | None = None
        self._diagnoser: Diagnoser | None = None

    def __enter__(self) -> _Zygotes:
        return self

    def __exit__(self, *_: object) -> None:
        if self._zygote:
            self._zygote.close()

    def running(self) -> Zygote:
        if self._zygote and not self._zygote.is_running():
            self._zygote.close()
            self._zygote = None
        if self._zygote is None:
            self._zygote = Zygote(
                readable=[self._staging],
                secret=self._secret,
                closed=[embedded_folder()],
                allow_weak=self._allow_weak,
                device=self._device,
            )
            self._device = self._zygote.device  # the same for all submissions
            self._diagnoser = None
        return self._zygote

    def diagnoser(self) -> Diagnoser:
        zygote = self.running()
        if self._diagnoser is None:
            self._diagnoser = Diagnoser(self._course, zygote, self._staging)
        return self._diagnoser


class _Writer:
    """Writes what a submission came to, into a folder of its own."""

    def __init__(self, course: Course, folder: Path, formats: Sequence[str]) -> None:
        self.folder = folder
        self._policy = course.visibility
        self._formats = formats
        self._written = -math.inf

    def early(self, report: Report) -> None:
        """Write it early and again: a platform that ends us on a time limit finds every row."""
        if time.monotonic() - self._written < _SECONDS_BETWEEN_WRITES:
            return
        # a disk that is full now may not be at the end; if it still is, the last write says so
        with contextlib.suppress(AutograderError):
            self.last(report)

    def last(self, report: Report) -> None:
        """Write it."""
        write_atomically(self.folder / "report.json", to_json(report))
        for name in self._formats:
            for file, content in files(name, report, self._policy).items():
                write_atomically(self.folder / file, content)
        self._written = time.monotonic()


def _grade_one(
    course: Course,
    path: Path,
    write: _Writer,
    staging: Path,
    zygotes: _Zygotes,
    seconds: float,
    on_check: Callable[[Report], None],
) -> Graded:
    try:
        submission = take_in(path, course.modules, staging)
    except SubmissionError as error:
        report = refused(course, write.folder.name, str(error))
        write.last(report)
        return Graded(report, write.folder, str(error))

    def tell(report: Report) -> None:
        on_check(report)
        write.early(report)

    def graded(zygote: Zygote) -> Report:
        return grade(
            *(course, submission, zygote, tell, zygotes.diagnoser(), seconds),
            all_on_gpu=zygotes.all_on_gpu,
        )

    try:
        zygote = zygotes.running()
        report = graded(zygote)
        if not report.graded and not zygote.is_running():
            # killed under us, by the kernel or by hand: that is worth a second try
            report = graded(zygotes.running())
    finally:
        discard(submission, staging)
    write.last(report)
    return Graded(report, write.folder)


def _names(paths: list[Path]) -> list[str]:
    """The name of each submission, which is that of the folder its results go to."""
    names: dict[str, Path] = {}
    for path in paths:
        if not path.exists():
            raise InputError(f"no such file or folder: {path}")
        name = submission_name(path)
        if name in names:
            raise InputError(
                f"{names[name]} and {path} are both called {name!r}: their results would go to "
                "one folder; rename one of them"
            )
        names[name] = path
    return list(names)

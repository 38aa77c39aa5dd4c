"""The formats that a report can be written in, by the names that ``--format`` knows."""

from __future__ import annotations

from collections.abc import Callable

from autograder.course import VisibilityPolicy
from autograder.errors import InputError
from autograder.report import Report, to_json
from autograder.reports import gradescope

DEFAULT = "gradescope"
Render = Callable[[Report, VisibilityPolicy], dict[str, bytes]]


def files(name: str, report: Report, policy: VisibilityPolicy) -> dict[str, bytes]:
    """A report in one format: the files to write beside ``report.json``.

    Raises:
        InputError: there is no such format.
    """
    if name not in _FORMATS:
        raise InputError(f"--format {name}: there is no such format; there are: {', '.join(NAMES)}")
    return _FORMATS[name](report, policy)


def _gradescope(report: Report, policy: VisibilityPolicy) -> dict[str, bytes]:
    return {"results.json": to_json(gradescope.results(report, policy))}


def _json(report: Report, policy: VisibilityPolicy) -> dict[str, bytes]:
    return {}  # report.json itself, which is always written


_FORMATS: dict[str, Render] = {"gradescope": _gradescope, "json": _json}
NAMES = tuple(_FORMATS)

"""The formats that a report can be written in, by the names that ``--format`` knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from autograder.course import VisibilityPolicy
from autograder.errors import InputError
from autograder.report import Report, to_json
from autograder.reports import autolab, classroom, gradescope, junit, prairielearn

DEFAULT = "gradescope"
Files = dict[str, bytes]


def known(names: Iterable[str]) -> tuple[str, ...]:
    """The same names, each once.

    Raises:
        InputError: there is no format of such a name.
    """
    for name in names:
        if name not in _FORMATS:
            raise InputError(f"--format {name}: no such format; there are {', '.join(_FORMATS)}")
    return tuple(dict.fromkeys(names))


def files(name: str, report: Report, policy: VisibilityPolicy) -> Files:
    """A report in one format: the files that belong beside its ``report.json``.

    Args:
        name: of a format.
        report: of one submission; it may still be graded.
        policy: when students see what.
    """
    return _FORMATS[name](report, policy)


def _gradescope(report: Report, policy: VisibilityPolicy) -> Files:
    return {"results.json": to_json(gradescope.results(report, policy))}


def _classroom(report: Report, policy: VisibilityPolicy) -> Files:
    content = classroom.render(report, policy)
    return {"classroom.json": content, "classroom.output": classroom.step_output(content)}


_FORMATS: dict[str, Callable[[Report, VisibilityPolicy], Files]] = {
    DEFAULT: _gradescope,
    "prairielearn": lambda report, policy: {
        "prairielearn.json": prairielearn.render(report, policy)
    },
    "autolab": lambda report, policy: {"autolab.txt": autolab.render(report, policy)},
    "classroom": _classroom,
    "junit": lambda report, policy: {"junit.xml": junit.render(report, policy)},
    "json": lambda report, policy: {},  # report.json, which is always there
}
NAMES = tuple(_FORMATS)

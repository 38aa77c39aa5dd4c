"""Run a release as a student does, in a process of its own: import the stubs, then ``pytest``.

``python -m autograder.release.as_student RESULT MODULES PYTEST-ARGUMENT…`` in the release's folder
writes what came of it to the file RESULT, as JSON.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest


class _Outcomes:
    """Collects each check's outcome, and what went wrong beside the checks."""

    def __init__(self) -> None:
        self.checks: list[dict[str, Any]] = []
        self.errors: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One part of a check is over."""
        verdict = getattr(report, "autograder", None)
        if verdict:
            self.checks.append({key: verdict[key] for key in ("stage", "name", "outcome")})
            self.checks[-1]["message"] = verdict["message"]
        elif report.failed:
            self.errors.append(f"{report.nodeid}: {report.longreprtext.strip()[-300:]}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file was read."""
        if report.failed:
            self.errors.append(f"{report.nodeid}: {report.longreprtext.strip()[-300:]}")


def main(result: str, modules: str, *arguments: str) -> None:
    """Import modules (their names with commas between), then run the checks."""
    outcomes = _Outcomes()
    for module in filter(None, modules.split(",")):
        try:
            importlib.import_module(module)
        except BaseException as error:  # noqa: BLE001 (a stub may raise what it likes)
            outcomes.errors.append(f"{module}.py can't be imported: {error!r}")
    code = pytest.main([*arguments, "-p", "no:cacheprovider"], plugins=[outcomes])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and not outcomes.errors:
        outcomes.errors.append(f"pytest ended with {int(code)}")
    found = {"checks": outcomes.checks, "errors": outcomes.errors}
    Path(result).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""``autograder.check("stage")`` in a notebook: the public checks, run on what its cells define.

The cells that were run are made into a module just as a notebook that is handed in is
(`autograder.cells`), so that what holds here holds when it is graded: a function that leans on a
variable of an experiment fails here too. The board is shown as HTML in Jupyter, as text elsewhere.
"""

from __future__ import annotations

import contextlib
import io
import random
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.cells import Origin, module_of
from autograder.checks.board import Board, board_text, local_advice, local_board
from autograder.checks.board_html import board_html
from autograder.course import Assignment, Course, find_course
from autograder.errors import AutograderError, InputError

_MISSING = re.compile(r"^`(\w+)` is missing$")


class CheckFailed(Exception):
    """An exercise's public checks do not all pass; the text says how."""


@dataclass(frozen=True)
class Checked:
    """How some exercises stand: the board, and what there is to read about checks that failed."""

    board: Board
    findings: tuple[Mapping[str, Any], ...]

    def __repr__(self) -> str:
        parts = [f"{_heading(found)}\n{found['message']}" for found in self.findings]
        return "\n\n".join([*parts, board_text(self.board)])

    def _repr_html_(self) -> str:
        return board_html(
            self.board,
            [(_heading(found), found["message"], found["picture"]) for found in self.findings],
        )


def _heading(found: Mapping[str, Any]) -> str:
    advice = "" if found["weight"] else " (advice, worth no points)"
    return f"{found['exercise']}: {found['title']}{advice}"


def check(stage: str, exercise: str | None = None) -> None:
    """Run the public checks and show the board; what can't be checked is said in a sentence."""
    try:
        checked = run(stage, exercise)
    except AutograderError as error:
        print(f"autograder: {error}", file=sys.stderr)
        return
    shell = _shell()
    if shell is None:
        print(checked)
        return
    from IPython.display import display

    display(checked)  # type: ignore[no-untyped-call]


def require(stage: str, exercise: str) -> None:
    """Run the public checks of an exercise, for a test of another system's.

    Raises:
        CheckFailed: one of them does not pass.
    """
    checked = run(stage, exercise)
    for _, lines in checked.board.stages:
        for line in lines:
            if line.standing != "good":
                findings = [f"{found['title']}\n\n{found['message']}" for found in checked.findings]
                raise CheckFailed("\n\n".join(findings) or line.text)


def run(stage: str, exercise: str | None = None) -> Checked:
    """The public checks of a stage, or of one exercise, on the cells that were run so far.

    Raises:
        AutograderError: they can't be run; the sentence says why.
    """
    course = Course.load(find_course(Path.cwd()), released=True)
    assignment = course.assignment(stage)
    if exercise is not None:
        assignment.exercise(exercise)
    with tempfile.TemporaryDirectory(prefix="autograder-check-") as folder, _own_state(stage):
        names = course.modules[assignment.module]
        made = module_of(_history(), names, "this notebook")
        path = Path(folder, assignment.module)
        path.write_text(made.source, encoding="utf-8")
        verdicts = _run_checks(course, assignment, Path(folder), exercise)
    origin = Origin("", made.places)
    found = [
        {**verdict, "message": _told(origin.locate(assignment.module, verdict["message"]))}
        for verdict in verdicts
    ]
    done = [
        verdict for verdict in found if verdict["outcome"] != "missing"
    ]  # else the board says it
    shown = [verdict for verdict in done if verdict["weight"] and verdict["outcome"] != "passed"]
    return Checked(local_board(course, found), (*shown, *local_advice(done)))


def _told(message: str) -> str:
    """In a notebook a name may be missing only because its cell has not been run."""
    return _MISSING.sub(r"`\1` is not defined: have you run its cell?", message)


def _shell() -> Any:
    """IPython's shell, None where there is none."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)
    return get_ipython()


def _history() -> Iterator[tuple[str, str]]:
    """The cells that were run, as they were written, under the numbers that Jupyter shows."""
    shell = _shell()
    if shell is not None:
        for number, source in enumerate(shell.history_manager.input_hist_raw):
            yield f"In [{number}]", source
        return
    script = getattr(sys.modules["__main__"], "__file__", None)
    if script is None:
        raise InputError("autograder.check belongs in a notebook, or in a script")
    yield Path(script).name, Path(script).read_text(encoding="utf-8")


def _run_checks(
    course: Course, assignment: Assignment, folder: Path, exercise: str | None
) -> list[dict[str, Any]]:
    """What the public checks come to on the module in `folder`."""
    import pytest

    from autograder.checks.exercises import mark_of
    from autograder.checks.plugin import SOURCE, LocalSource
    from autograder.checks.session import own_pytest, session_arguments

    verdicts: list[dict[str, Any]] = []

    class Session:
        @pytest.hookimpl(tryfirst=True)
        def pytest_configure(self, config: pytest.Config) -> None:
            config.stash[SOURCE] = LocalSource(folder, course, None)

        def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
            marks = [mark_of(getattr(item, "function", None)) for item in items]
            items[:] = [
                item
                for item, mark in zip(items, marks, strict=True)
                if mark and exercise in (None, mark.exercise)
            ]

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            verdict = getattr(report, "autograder", None)
            if verdict:
                verdicts.append(verdict)

    path = assignment.folder / "test_public.py"
    if not path.is_file():
        raise InputError(f"stage {assignment.stage!r} has no public checks to run here")
    output = io.StringIO()
    with (
        own_pytest(course.root),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
    ):
        code = pytest.main([str(path), *session_arguments(course.root)], plugins=[Session()])
    if code == pytest.ExitCode.INTERRUPTED and "KeyboardInterrupt" in output.getvalue():
        raise KeyboardInterrupt
    if code not in (
        pytest.ExitCode.OK,
        pytest.ExitCode.TESTS_FAILED,
        pytest.ExitCode.NO_TESTS_COLLECTED,
    ):
        last = [line for line in output.getvalue().splitlines() if line.strip()]
        raise InputError(f"the checks can't be run: {' | '.join(last[-3:])}")
    return verdicts


@contextlib.contextmanager
def _own_state(stage: str) -> Iterator[None]:
    """Leave a notebook's random generators, and what it can import, as they were."""
    import numpy as np
    import torch

    generators = random.getstate(), np.random.get_state(), torch.get_rng_state()
    path, module = list(sys.path), sys.modules.get(stage)
    try:
        yield
    finally:
        random.setstate(generators[0])
        np.random.set_state(generators[1])
        torch.set_rng_state(generators[2])
        sys.path[:] = path
        sys.modules.pop(stage, None)
        if module is not None:
            sys.modules[stage] = module

"""A hostile submission changes nothing but its own answer.

All cases of ``submissions/`` are graded by one `autograder grade`, with an honest submission in
the middle; then each is looked at. As root the same is done once more as an ordinary user.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from batch import (
    CANARY,
    HONEST,
    NOBODY,
    Case,
    Run,
    Staged,
    as_nobody,
    cases,
    grader,
    run_batch,
    why_not_as_nobody,
)

CASES = cases()
# two checks of each of three exercises may take their second, an import its two; the rest is ours
MAX_SECONDS = 2 * 3 * 1 + 2 + 4
MAX_REPORT = 200_000  # bytes: the texts of a report are bounded, whatever is sent
MAX_MEMORY = 1500  # MB, of the grader or of a worker
FILES = ("report.json", "results.json", "report.html")
MODES = ["as we are", "as nobody"]
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@pytest.fixture(scope="session")
def runs() -> Iterator[dict[str, Run | str]]:
    """One run for each mode, or why it can't be had. They spend their time waiting: at once."""
    found: dict[str, Run | str] = {}
    staged = {"as we are": (Staged(CASES), grader())}
    why_not = why_not_as_nobody()
    if why_not is None:
        staged["as nobody"] = (Staged(CASES, NOBODY), [*as_nobody(), *grader()])
    else:
        found["as nobody"] = why_not
    with ThreadPoolExecutor() as pool:
        waiting = {mode: pool.submit(run_batch, *what) for mode, what in staged.items()}
        found |= {mode: run.result() for mode, run in waiting.items()}
    yield found
    for where, _ in staged.values():
        where.remove()


@pytest.fixture(params=MODES)
def run(request: pytest.FixtureRequest, runs: dict[str, Run | str]) -> Run:
    found = runs[request.param]
    if isinstance(found, str):
        pytest.skip(found)
    return found


def strict_json(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def texts(run: Run, folder: str) -> tuple[str, ...]:
    return tuple((run.staged.out / folder / name).read_text() for name in FILES)


def rows(run: Run, folder: str) -> list[tuple[str, str, float]]:
    results = strict_json(texts(run, folder)[1])
    return [(row["name"], row["number"], row["max_score"]) for row in results["tests"]]


def messages(report: dict[str, Any]) -> list[str]:
    checks = [c for s in report["stages"] for e in s["exercises"] for c in e["checks"]]
    return [*report["notes"], *(check["message"] for check in checks)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
class TestOneAttack:
    def test_gains_nothing(self, run: Run, case: Case) -> None:
        """It gets what its own answers are worth, and says itself that it did not get out."""
        report = strict_json(texts(run, case.folder)[0])
        assert report["points"] == (6 if case.full else 0)
        assert report["max_points"] == 6
        for message in messages(report):
            assert "Error: BREACHED" not in message

    def test_has_every_row(self, run: Run, case: Case) -> None:
        """Its rows and their points are those of the honest submission; none is left ungraded."""
        assert rows(run, case.folder) == rows(run, HONEST)
        report = strict_json(texts(run, case.folder)[0])
        assert report["graded"] is True
        assert report["fault"] is None

    def test_reports_hold_no_secret(self, run: Run, case: Case) -> None:
        """Nothing of the reference, of the hidden checks or of the grader's environment."""
        for text in texts(run, case.folder):
            assert CANARY not in text

    def test_messages_can_be_read(self, run: Run, case: Case) -> None:
        """No traceback of ours, no controls of a terminal, and of a bounded size."""
        for text in texts(run, case.folder):
            assert len(text) < MAX_REPORT
        for message in messages(strict_json(texts(run, case.folder)[0])):
            assert "Traceback" not in message
            assert "Signals" not in message
            assert not CONTROLS.search(message)

    def test_ends_in_time(self, run: Run, case: Case) -> None:
        """Whatever it does, its grading ends soon after its limits."""
        assert strict_json(texts(run, case.folder)[0])["duration"] < MAX_SECONDS


class TestTheRun:
    def test_ends_as_if_nothing_had_happened(self, run: Run) -> None:
        """Exit code 0, and nothing on standard error."""
        assert run.stderr == ""
        assert run.status == 0

    def test_honest_submission_in_the_middle_gets_every_point(self, run: Run) -> None:
        """Nothing that came before it or after it changed anything for it."""
        report = strict_json(texts(run, HONEST)[0])
        assert report["points"] == report["max_points"] == 6

    def test_submissions_and_course_are_unchanged(self, run: Run) -> None:
        """Nothing was written, removed or made beside the originals."""
        assert run.changed == []

    def test_nothing_is_left_on_the_machine(self, run: Run) -> None:
        """No process, no file, no shared memory, no queue."""
        assert run.processes == []
        assert run.files == []

    def test_results_are_those_of_the_submissions(self, run: Run) -> None:
        """There is a folder of results for each submission, their page, and nothing else."""
        expected = sorted([HONEST, *(case.folder for case in CASES)])
        assert sorted(path.name for path in run.staged.out.iterdir()) == sorted(
            [*expected, "report.html"]
        )
        for folder in (run.staged.out / name for name in expected):
            assert {path.name for path in folder.iterdir()} == set(FILES)

    def test_memory_is_bounded(self, run: Run) -> None:
        """Neither the grader nor a worker grows beyond what their limits allow."""
        assert run.peak_mb < MAX_MEMORY

    def test_terminal_gets_no_control_characters(self, run: Run) -> None:
        """What a submission says can't rewrite what the terminal shows."""
        assert not CONTROLS.search(run.stdout)


def test_there_are_cases_of_every_kind() -> None:
    """Each says in its first line what it tries."""
    categories = {case.name.split("/")[0] for case in CASES}
    assert len(CASES) >= 80
    assert categories == {
        *("reading", "forging", "ending", "exhausting", "escaping", "state", "values")
    }
    for case in CASES:
        module = case.path / "target.py" if case.path.is_dir() else case.path
        assert re.match(r'"""[A-Z].*\."""\n', module.read_text()), module

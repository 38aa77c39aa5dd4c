"""otter-grader comes to the points of ``autograder grade``, whatever is handed in.

Run by name, with otter-grader installed: ``tox -e otter``.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from otter.run import main as run

from autograder.course import Course
from autograder.grading.batch import grade_all
from autograder.otter_plugin import COURSE, SUPPORT
from autograder.release.otter import otter_files
from autograder.release.wheel import build_wheel
from autograder.report import Report

sys.path.insert(0, str(Path(__file__).parent))
import submissions

HONEST, HOSTILE = submissions.honest(), submissions.hostile()
assert not HONEST.keys() & HOSTILE.keys()
OTTER = Path(sys.executable).with_name("otter")
SECONDS = 120

# the five exercises, tested in otter's own way: in the kernel, beside the submission
PLAIN = {
    "pairs": "pairs(3) == 3",
    "clamp": "clamp(5, 0, 3) == 3",
    "variance": "variance([0.0, 2.0]) == 1",
    "shuffled": "shuffled(0, None) == 0",
    "Tally": "Tally().total == 0",
}


def generate(folder: Path, *arguments: str) -> Path:
    """The autograder.zip that otter makes of a folder."""
    path = folder.with_suffix(".zip")
    subprocess.run(
        [OTTER, "generate", "-o", path, *arguments], cwd=folder, check=True, timeout=SECONDS
    )
    return path


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release for otter."""
    base = tmp_path_factory.mktemp("release")
    files = otter_files(Course.load(submissions.KNOWN_COURSE), build_wheel())
    for name, content in files.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_bytes(content)
    return base


@pytest.fixture(scope="session")
def autograder_zip(release: Path) -> Path:
    """What otter makes of it."""
    return generate(release / "sums", SUPPORT)


@pytest.fixture(scope="session")
def plain_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tests as otter's manual has them, without us."""
    folder = tmp_path_factory.mktemp("plain") / "plain"
    (folder / "tests").mkdir(parents=True)
    for name, claim in PLAIN.items():
        (folder / "tests" / f"{name}.py").write_text(
            "from otter.test_files import test_case\n"
            f'OK_FORMAT = False\nname = "{name}"\n\n'
            f"@test_case(points=2)\ndef check({name}):\n    assert {claim}\n"
        )
    return generate(folder)


@pytest.fixture(scope="session")
def expected(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Report]:
    """What ``autograder grade`` comes to, for each submission that is asked for."""
    base = tmp_path_factory.mktemp("expected")
    params = (getattr(item, "callspec", None) for item in request.session.items)
    wanted = {spec.params["name"] for spec in params if spec}
    asked = {name: files for name, files in {**HONEST, **HOSTILE}.items() if name in wanted}
    folders = []
    for i, files in enumerate(asked.values()):
        folders.append(base / str(i))
        for path, content in files.items():
            # otter takes a file of any name
            path = "sums" + Path(path).suffix if len(files) == 1 else path
            (folders[-1] / path).parent.mkdir(parents=True, exist_ok=True)
            (folders[-1] / path).write_bytes(content)
    graded = grade_all(Course.load(submissions.KNOWN_COURSE), folders, base / "graded")
    return {name: done.report for name, done in zip(asked, graded, strict=True)}


def run_otter(
    files: submissions.Files, archive: Path, tmp_path: Path, seconds: float = SECONDS
) -> dict[str, Any]:
    """The results.json that ``otter run`` writes.

    Raises:
        FileNotFoundError: it wrote none.
        subprocess.TimeoutExpired: it did not end.
    """
    submission = submissions.write(files, tmp_path / "handed_in")
    out = tmp_path / "out"
    out.mkdir()
    command = [OTTER, "run", submission, "-a", archive, "-o", out, "--no-logo"]
    with (tmp_path / "said.txt").open("w") as said:
        # a group of its own: what an attack leaves running ends with it
        process = subprocess.Popen(command, stdout=said, stderr=said, start_new_session=True)
        try:
            process.wait(timeout=seconds)
        finally:
            _end_group(process)
    results: dict[str, Any] = json.loads((out / "results.json").read_text())
    return results


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def rows(results: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Points and most points by exercise; the first row of otter's has none."""
    return {t["name"]: (t["score"], t["max_score"]) for t in results["tests"] if "score" in t}


def assert_agreement(results: dict[str, Any], report: Report) -> None:
    """Each exercise's points and what could be had, to the cent; and what is said of failures."""
    [stage] = report.stages
    assert rows(results) == {
        row.name: (float(row.points), float(row.max_points)) for row in stage.exercises
    }
    assert "\\u001b" not in json.dumps(results)  # no colours
    for row in stage.exercises:
        [output] = [t["output"] for t in results["tests"] if t["name"] == row.name]
        for check in row.checks:
            if check.outcome == "timeout":  # which time ran out depends on how busy the machine is
                assert "of CPU time" in output or "longer than" in output
            elif check.weight and check.outcome != "passed":
                said = [*check.message.splitlines(), *check.hint.splitlines()]
                assert all(line.strip() in output for line in said)


@pytest.mark.parametrize("name", HONEST)
def test_points_are_those_of_autograder_grade(name, autograder_zip, expected, tmp_path):
    """Whatever a student hands in."""
    submission = submissions.write(HONEST[name], tmp_path / "handed_in")
    # as `otter run` does, in this process: to import otter takes longer than to grade
    run(str(submission), autograder=str(autograder_zip), output_dir=str(tmp_path), no_logo=True)
    assert_agreement(json.loads((tmp_path / "results.json").read_text()), expected[name])


@pytest.mark.parametrize("name", HOSTILE)
def test_an_attack_gains_nothing(name, autograder_zip, expected, tmp_path):
    """It gets what its answers are worth, and every row is there."""
    results = run_otter(HOSTILE[name], autograder_zip, tmp_path)
    assert_agreement(results, expected[name])
    assert expected[name].points == 0


def test_there_are_enough_submissions():
    """Of all kinds."""
    assert len(HONEST) + len(HOSTILE) >= 30


@pytest.mark.parametrize("name", sorted(HOSTILE.keys() - {"a course of its own"}))
def test_plain_otter_is_beaten(name, plain_zip, tmp_path):
    """That these attacks are some: points for nothing, or no row of points at all."""
    try:
        results = run_otter(HOSTILE[name], plain_zip, tmp_path, seconds=25)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return
    found = rows(results)
    assert not found or sum(score for score, _ in found.values()) > 0


def test_plain_otter_knows_a_wrong_answer(plain_zip, tmp_path):
    """Without an attack it gives none."""
    results = run_otter({"sums.py": HOSTILE["a log that runs"]["sums.py"]}, plain_zip, tmp_path)
    assert [score for score, _ in rows(results).values()] == [0] * 5


def test_a_fault_of_the_grader_costs_nothing(autograder_zip, tmp_path):
    """Otter ends with an error, and no score is written."""
    broken = tmp_path / "broken.zip"
    with zipfile.ZipFile(autograder_zip) as source, zipfile.ZipFile(broken, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, b"" if name.endswith(COURSE) else content)
    with pytest.raises(FileNotFoundError):
        run_otter(HONEST["reference"], broken, tmp_path)


def test_without_the_plugin_every_test_fails(autograder_zip, tmp_path):
    """And says why: nothing is taken for right that was not graded."""
    bare = tmp_path / "bare.zip"
    with zipfile.ZipFile(autograder_zip) as source, zipfile.ZipFile(bare, "w") as target:
        for name in source.namelist():
            if name != "otter_config.json":
                target.writestr(name, source.read(name))
    results = run_otter(HONEST["reference"], bare, tmp_path)
    assert sum(score for score, _ in rows(results).values()) == 0
    assert "without its otter_config.json" in json.dumps(results)


def test_the_students_notebook_is_checked_by_otter(release):
    """As handed out its checks fail, and say why; with the reference in it they pass."""
    path = release / "for-students" / "sums.ipynb"
    notebook = nbformat.read(path, as_version=4)
    check = next(cell for cell in notebook.cells if "grader.check" in cell.source)
    reference = (submissions.KNOWN_COURSE / "solutions/sums.py").read_text()
    notebook.cells += [
        nbformat.v4.new_code_cell(reference),
        check.copy(),
        notebook.cells[-1].copy(),
    ]
    settings = {"timeout": SECONDS, "resources": {"metadata": {"path": str(path.parent)}}}
    NotebookClient(notebook, **settings).execute()
    said = [
        output.data["text/plain"]
        for cell in notebook.cells
        if "grader.check" in cell.source
        for output in cell.outputs
    ]
    assert "`pairs` is not implemented yet" in said[0]
    assert said[-2] == "sums_pairs results: All test cases passed!"
    assert said[-1].count("All test cases passed!") == 5

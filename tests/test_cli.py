"""The command line as people use it: a whole grading run in a process of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from autograder.course import Course
from autograder.text import points_text

ROOT = Path(__file__).parents[1]
STAGES = ("batching", "shapes")  # enough for what is tried here
COURSE = Course.load(ROOT)
ROWS = [
    *("num_batches", "minibatches", "train_val_split", "normalize", "sse", "BatchLoader"),
    *("sgd_line", "conv_out_size", "pool_out_size", "same_padding", "conv_params"),
    *("dense_params", "trace_shapes", "receptive_field"),
]


def autograder(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "autograder", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)


def copy_of_the_reference(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for stage in STAGES:
        (folder / f"{stage}.py").write_bytes((ROOT / "solutions" / f"{stage}.py").read_bytes())
    return folder


def points(report: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Each exercise's points and maximum."""
    return {
        exercise["name"]: (exercise["points"], exercise["max_points"])
        for stage in report["stages"]
        for exercise in stage["exercises"]
    }


def without_times(text: str) -> str:
    return re.sub(r'("duration"|"execution_time"): [0-9.e-]+', r"\1: 0", text)


# --- what a submission comes to --------------------------------------------------------------


def one_wrong(folder: Path) -> None:
    module = folder / "batching.py"
    source = module.read_text()
    module.write_text(source + "\n\ndef sse(y, y_hat):\n    return ((y - y_hat) ** 2).mean()\n")


def endless(folder: Path) -> None:
    module = folder / "shapes.py"
    module.write_text(
        module.read_text() + "\n\ndef dense_params(*args, **kw):\n    while True: pass\n"
    )


SUBMISSIONS: dict[str, Callable[[Path], object]] = {
    "reference": lambda folder: None,
    "reference-again": lambda folder: None,
    "one-wrong": one_wrong,
    "endless-call": endless,
    "endless-import": lambda f: (f / "shapes.py").write_text("while True:\n    pass\n"),
    "exit-at-import": lambda f: (f / "shapes.py").write_text("import os\nos._exit(0)\n"),
    "syntax-error": lambda f: (f / "shapes.py").write_text("def conv_out_size(:\n    pass\n"),
    "missing-file": lambda f: (f / "shapes.py").unlink(),
    "not-utf-8": lambda f: (f / "shapes.py").write_bytes(b"# caf\xe9\nx = 1\n"),
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of SUBMISSIONS graded in one run, with limits short enough for a test."""
    base = tmp_path_factory.mktemp("graded")
    course = base / "course"
    course.mkdir()
    (course / "solutions").symlink_to(ROOT / "solutions")
    (course / "assignments").mkdir()
    for stage in STAGES:
        (course / "assignments" / stage).symlink_to(ROOT / "assignments" / stage)
    toml = (ROOT / "assignments" / "course.toml").read_text()
    toml = re.sub(r"cpu_seconds = \d+", "cpu_seconds = 4", toml)
    toml = re.sub(r"(?s)stages = \[.*?\]", f"stages = {json.dumps(STAGES)}", toml)
    (course / "assignments" / "course.toml").write_text(toml)
    for name, change in SUBMISSIONS.items():
        change(copy_of_the_reference(base / "in" / name))
    stub = base / "in" / "stub"
    stub.mkdir()
    for stage in STAGES:
        source = (ROOT / "student_template" / f"{stage}.py").read_bytes()
        (stub / f"{stage}.py").write_bytes(source)
    (base / "in" / "nothing").mkdir()
    with zipfile.ZipFile(base / "in" / "zipped.zip", "w") as archive:
        for stage in STAGES:
            archive.write(ROOT / "solutions" / f"{stage}.py", f"my homework/{stage}.py")
    run = autograder(
        *("grade", *sorted((base / "in").iterdir()), "--out", base / "out", "--course", course)
    )
    assert run.returncode == 0, run.stderr
    return base / "out"


@pytest.fixture(scope="module")
def reports(graded: Path) -> dict[str, dict[str, Any]]:
    return {path.parent.name: json.loads(path.read_text()) for path in graded.glob("*/report.json")}


@pytest.mark.parametrize("name", ["reference", "zipped"])
def test_the_reference_gets_every_point(reports: dict[str, Any], name: str) -> None:
    assert reports[name]["points"] == reports[name]["max_points"] == 20
    assert reports[name]["graded"] is True


@pytest.mark.parametrize("name", ["stub", "nothing"])
def test_what_is_not_done_gets_no_point(reports: dict[str, Any], name: str) -> None:
    assert reports[name]["points"] == 0
    assert reports[name]["max_points"] == 20


@pytest.mark.parametrize(
    ("name", "exercise"), [("one-wrong", "sse"), ("endless-call", "dense_params")]
)
def test_one_wrong_function_loses_its_points_and_no_others(
    reports: dict[str, Any], name: str, exercise: str
) -> None:
    for row, (had, most) in points(reports[name]).items():
        if row == exercise:
            assert had < most
        else:
            assert had == most


BROKEN = {
    "endless-import": ("timeout", "importing shapes.py used more than 4 s of CPU time"),
    "exit-at-import": ("crashed", "shapes.py ended the process while shapes.py was imported"),
    "syntax-error": ("error", "shapes.py, line 1:  def conv_out_size(:"),
    "missing-file": ("missing", "shapes.py is not in the submission"),
    "not-utf-8": ("error", "not UTF-8 text (byte 0xe9): save it as UTF-8"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_module_costs_its_own_stage_and_says_why(
    reports: dict[str, Any], name: str
) -> None:
    outcome, words = BROKEN[name]
    batching, shapes = reports[name]["stages"]
    assert batching["points"] == 10
    assert shapes["points"] == 0
    for exercise in shapes["exercises"]:
        for check in exercise["checks"]:
            assert check["outcome"] == outcome
            assert words in check["message"]


def test_every_submission_has_every_row_and_the_same_denominator(graded: Path) -> None:
    """Gradescope's rows come from the course, whatever was handed in."""
    shapes = set()
    for path in graded.glob("*/results.json"):
        results = json.loads(path.read_text())
        assert "score" not in results
        assert [row["extra_data"]["exercise"] for row in results["tests"]] == [
            name for name in ROWS for _ in ("public", "hidden")
        ]
        assert sum(round(100 * row["max_score"]) for row in results["tests"]) == 2000
        assert all(0 <= row["score"] <= row["max_score"] for row in results["tests"])
        assert all(row["output"] for row in results["tests"])
        shapes.add(
            tuple((row["name"], row["number"], row["max_score"]) for row in results["tests"])
        )
    assert len(shapes) == 1


def test_every_submission_has_its_page_and_the_class_has_one(graded: Path) -> None:
    """Which `report` writes again from the results."""
    pages = {page: page.read_bytes() for page in graded.glob("**/report.html")}
    submissions = {path.parent for path in graded.glob("*/report.json")}
    assert {page.parent for page in pages} == {graded, *submissions}
    for page in pages:
        page.unlink()
    run = autograder("report", str(graded))
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == str(graded / "report.html")
    assert {page: page.read_bytes() for page in pages} == pages


def test_a_folder_without_results_has_no_page(tmp_path: Path) -> None:
    run = autograder("report", str(tmp_path))
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f"autograder: no results in {tmp_path}: there is no */report.json\n"


def test_the_same_submission_gets_the_same_reports(graded: Path) -> None:
    """Byte for byte, but for times and the submission's name."""
    for file in ("report.json", "results.json"):
        first, second = (
            without_times((graded / name / file).read_text()).replace(f'"{name}"', "")
            for name in ("reference", "reference-again")
        )
        assert first == second


def test_a_wrong_submission_gets_the_same_counter_examples_in_another_run(
    graded: Path, tmp_path: Path
) -> None:
    one_wrong(copy_of_the_reference(tmp_path / "one-wrong"))
    stages = [option for stage in STAGES for option in ("--stage", stage)]
    run = autograder("grade", tmp_path / "one-wrong", "--out", tmp_path / "out", *stages)
    assert run.returncode == 0, run.stderr
    for file in ("report.json", "results.json"):
        again = (tmp_path / "out" / "one-wrong" / file).read_text()
        assert without_times(again) == without_times((graded / "one-wrong" / file).read_text())


# --- bad input -------------------------------------------------------------------------------


def zip_with(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "x = 1\n")
    return path


def refuses(run: subprocess.CompletedProcess[str], *words: str) -> None:
    assert run.returncode == 2
    assert len(run.stderr.strip().splitlines()) == 1
    for word in words:
        assert word in run.stderr


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    refuses(autograder("grade", tmp_path / "nope", "--out", tmp_path / "out"), "nope")


def test_an_empty_zip_is_refused(tmp_path: Path) -> None:
    path = zip_with(tmp_path / "empty.zip")
    refuses(autograder("grade", path, "--out", tmp_path / "out"), "empty.zip", "empty")


def test_a_zip_that_leaves_its_folder_is_refused(tmp_path: Path) -> None:
    path = zip_with(tmp_path / "evil.zip", "shapes.py", "../outside.py")
    refuses(autograder("grade", path, "--out", tmp_path / "out"), "evil.zip", "../outside.py")
    assert not (tmp_path / "outside.py").exists()


def test_a_refused_submission_does_not_stop_the_others(tmp_path: Path) -> None:
    bad = zip_with(tmp_path / "a-bad.zip", "/absolute.py")
    good = tmp_path / "good"
    good.mkdir()
    run = autograder("grade", bad, good, "--out", tmp_path / "out")
    assert run.returncode == 2
    assert (tmp_path / "out" / "good" / "results.json").is_file()
    refused = json.loads((tmp_path / "out" / "a-bad" / "results.json").read_text())
    exercises = [exercise for a in COURSE.assignments for exercise in a.exercises]
    assert len(refused["tests"]) == 2 * len(exercises)
    assert "/absolute.py" in refused["output"]


def test_a_course_with_a_wrong_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "assignments").mkdir()
    (tmp_path / "assignments" / "course.toml").write_text('title = "x"\nstages = []\nstyle = 1\n')
    refuses(
        autograder("grade", tmp_path, "--out", tmp_path / "out", "--course", tmp_path),
        "course.toml",
        "style",
    )


def test_results_that_can_not_be_written_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "out").write_text("a file where the folder should go")
    run = autograder("grade", tmp_path / "sub", "--out", tmp_path / "out")
    assert run.returncode == 3
    assert len(run.stderr.strip().splitlines()) == 1
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("arguments", [(), ("grade",), ("grade", "x"), ("nonsense",)])
def test_wrong_usage_exits_with_2(arguments: tuple[str, ...]) -> None:
    run = autograder(*arguments)
    assert run.returncode == 2
    assert "Traceback" not in run.stderr


# --- verify ----------------------------------------------------------------------------------
# what it finds is in tests/proof/test_verify.py

KNOWN = ROOT / "tests" / "known_course"


def test_verify_without_cosmic_ray_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "cosmic_ray.py").write_text("raise ImportError('not installed')\n")
    command = [sys.executable, "-m", "autograder", "verify", "--course", str(KNOWN)]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    refuses(run, 'pip install "autograder[proof]"', "--no-mutants")
    assert run.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--stage", "nonsense"), ["no stage 'nonsense'", "sums"]),
        (("--course", "nowhere"), ["no course in", "nowhere"]),
    ],
)
def test_verify_refuses_what_is_not_there(arguments: tuple[str, ...], words: list[str]) -> None:
    refuses(autograder("verify", "--course", KNOWN, *arguments), *words)


@pytest.mark.parametrize("arguments", [("--jobs", "0"), ("--jobs", "two"), ("--mutant",), ("x",)])
def test_verify_with_wrong_usage_exits_with_2(arguments: tuple[str, ...]) -> None:
    run = autograder("verify", "--course", KNOWN, *arguments)
    assert run.returncode == 2
    assert "Usage:" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(("command", "options"), [("verify", ()), ("grade", ("--out", "out"))])
def test_a_wrong_mistakes_toml_is_one_sentence(
    tmp_path: Path, command: str, options: tuple[str, ...]
) -> None:
    course = tmp_path / "course"
    shutil.copytree(KNOWN, course)
    (tmp_path / "ada").mkdir()
    with (course / "assignments" / "sums" / "mistakes.toml").open("a") as file:
        file.write('[[mistakes]]\nexercise = "pairs"\n')
    paths = ("ada",) if command == "grade" else ()
    run = autograder(command, *paths, *options, "--course", course, cwd=tmp_path)
    refuses(run, "mistakes.toml", "missing required field")
    assert not (tmp_path / "out").exists()


# --- demo and release ------------------------------------------------------------------------


def test_demo_grades_a_complete_a_half_done_and_an_empty_submission(tmp_path: Path) -> None:
    run = autograder("demo", "--out", tmp_path / "demo")
    assert run.returncode == 0, run.stderr
    shown = COURSE.select(list(COURSE.stages[:3]))
    total = points_text(shown.points)
    for name, share in (("complete", total), ("empty", "0")):
        summary = rf"^{name}\n(?s:.*?)^{share} of {total} points"
        assert re.search(summary, run.stdout, re.MULTILINE)
        assert (tmp_path / "demo" / "graded" / name / "results.json").is_file()
    half = json.loads((tmp_path / "demo" / "graded" / "half-done" / "report.json").read_text())
    assert 0 < half["points"] < shown.points
    for had, most in points(half).values():
        assert had in (0, most)
    for row in ROWS:
        assert run.stdout.count(row) >= 3
    assert (tmp_path / "demo" / "student_template" / "batching.py").is_file()
    assert os.environ.get("NO_COLOR") or "\x1b" not in run.stdout


def test_the_committed_student_template_is_current() -> None:
    """`student_template/` is generated: `autograder release --target student` makes it."""
    run = autograder("release", "--target", "student", "--check")
    assert run.returncode == 0, run.stdout


def test_help_answers_without_loading_torch() -> None:
    code = "import sys; from autograder import cli; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_doctor_says_which_layers_hold_and_what_to_do_about_the_others() -> None:
    run = autograder("doctor", "--json")
    health = json.loads(run.stdout)
    assert run.returncode == (0 if health["strong"] else 1)
    layers = {layer["name"]: layer for layer in health["layers"]}
    assert {"uid", "landlock", "seccomp", "rlimits"} <= layers.keys()
    for layer in layers.values():
        assert layer["active"] or layer["why"]
    assert health["versions"]["torch"] in autograder("doctor").stdout


def test_scores_can_be_read_by_a_program(tmp_path: Path) -> None:
    (tmp_path / "nobody").mkdir()
    run = autograder("grade", tmp_path / "nobody", "--out", tmp_path / "out", "--json")
    (row,) = (json.loads(line) for line in run.stdout.splitlines())
    assert row["submission"] == "nobody"
    assert (row["points"], row["max_points"], row["graded"]) == (0, COURSE.points, True)


@pytest.mark.parametrize(
    "formats, written",
    [
        ([], {"results.json"}),
        (["json"], set()),
        (["junit", "classroom"], {"junit.xml", "classroom.json", "classroom.output"}),
    ],
)
def test_formats_are_written_beside_the_report(
    toy_course: Course, tmp_path: Path, formats: list[str], written: set[str]
) -> None:
    """Gradescope's if none is named; the report itself always."""
    (tmp_path / "nobody").mkdir()
    chosen = [option for name in formats for option in ("--format", name)]
    course = ("--course", toy_course.root)
    run = autograder("grade", tmp_path / "nobody", "--out", tmp_path / "out", *course, *chosen)
    assert run.returncode == 0, run.stderr
    files = {path.name for path in (tmp_path / "out/nobody").iterdir()}
    assert files == written | {"report.json", "report.html"}


def test_a_format_that_there_is_not_is_refused_before_anything_is_graded(tmp_path: Path) -> None:
    (tmp_path / "nobody").mkdir()
    options = ("--out", tmp_path / "out", "--format", "xml")
    refuses(autograder("grade", tmp_path / "nobody", *options), "--format xml", "junit")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_said_in_one_sentence(tmp_path: Path) -> None:
    """And `auto` grades without."""
    (tmp_path / "nobody").mkdir()
    arguments = ("grade", tmp_path / "nobody", "--out", tmp_path / "out", "--stage", "batching")
    run = autograder(*arguments, "--device", "cuda")
    assert (run.returncode, run.stdout) == (2, "")
    assert re.fullmatch(r"autograder: --device cuda: .+; --device cpu grades .+\n", run.stderr)
    assert autograder(*arguments, "--device", "auto").returncode == 0
    report = json.loads((tmp_path / "out/nobody/report.json").read_bytes())
    assert report["environment"]["device"] == "cpu"

"""A student's own ``pytest`` in a release: real processes, the real plugin, a toy course."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

# as in the releases that students get
INI = """\
[pytest]
autograder_submission = .
addopts = -q --no-header -rN --import-mode=importlib
testpaths = assignments
"""
COURSE = """\
title = "A toy course"
stages = [{stages}]

[checks]
examples = 20
"""
CHECK = '''
@exercise("{name}")
@given(n=integers(0, 99))
def test_{name}(student, n):
    """The law of {name}."""
    assert_equal(student.{name}(n), 2 * n)
'''
IMPORTS = """\
from hypothesis.strategies import integers
from autograder.checks import assert_equal, exercise, given
"""

STUDENT = """\
import time

def right(n):
    print("hello from right")
    return n + n

def stub(n):
    raise NotImplementedError

def wrong(n):
    print(f"hello from wrong({n})")
    return 2 * n if n < 30 else n

def raises(n):
    return 2 * n if n < 30 else n // 0

calls = 0

def flaky(n):
    global calls
    calls += 1
    return 2 * n if calls != 3 else -1

def uncomparable(n):
    return {n}
"""
ENDLESS = """\
def endless(n):
    print("waiting", flush=True)
    while True:
        try:
            while True:
                pass
        except Exception:
            pass
"""
EXERCISES = ("right", "stub", "wrong", "raises", "flaky", "uncomparable", "absent")


def write_course(root: Path, stages: dict[str, tuple[str, ...]], **modules: str | bytes) -> None:
    """A release with stages of the given exercises, 1.5 points each, and the student's modules."""
    (root / "pytest.ini").write_text(INI)
    (root / "assignments").mkdir()
    names = ", ".join(f'"{stage}"' for stage in stages)
    (root / "assignments" / "course.toml").write_text(COURSE.format(stages=names))
    for stage, exercises in stages.items():
        folder = root / "assignments" / stage
        folder.mkdir()
        listed = "".join(f'[[exercises]]\nname = "{name}"\npoints = 1.5\n' for name in exercises)
        head = f'title = "{stage}"\npoints = {1.5 * len(exercises)}\n'
        (folder / "assignment.toml").write_text(head + listed)
        checks = "".join(CHECK.format(name=name) for name in exercises)
        (folder / "test_public.py").write_text(IMPORTS + checks)
    for stage, source in modules.items():
        data = source if isinstance(source, bytes) else source.encode()
        (root / f"{stage}.py").write_bytes(data)


def run_pytest(
    folder: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """``pytest`` as typed in `folder`, its output piped."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV_"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**kept, "COLUMNS": "100", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


Run = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student's folder in which something is wrong in every way."""
    root = tmp_path_factory.mktemp("workshop")
    write_course(
        root,
        {
            "many": EXERCISES,
            "gone": ("far",),
            "broken": ("bad",),
            "latin": ("old",),
            "slow": ("endless",),
        },
        many=STUDENT,
        broken="def bad(n):\n    return 2 * (n\n",
        latin="def old(n):\n    return 'd\xe9j\xe0 vu'\n".encode("latin-1"),
        slow=ENDLESS,
    )
    with (root / "assignments/slow/assignment.toml").open("a") as file:
        file.write("[limits]\nwall_seconds = 1\n")
    return root


@pytest.fixture(scope="module")
def run(workshop: Path) -> Run:
    """Plain ``pytest`` in that folder."""
    return run_pytest(workshop)


def section(output: str, exercise: str) -> str:
    """What pytest prints of one exercise's failing check."""
    head, _, rest = output.partition(f": {exercise} ___")
    assert rest, f"no failure of {exercise} in:\n{head}"
    return re.split(r"\n___|\n---|\n\nA toy course", rest.split("\n", 1)[1])[0]


def board(output: str) -> dict[str, str]:
    """The board's lines, by exercise."""
    found = re.findall(r"^(\d+\.\d+)\s+(\w+)\s+(\S+) pt\s+(.*?)\s*$", output, re.MULTILINE)
    return {name: f"{number} {points} {text}" for number, name, points, text in found}


class TestTheBoard:
    def test_has_a_line_for_each_exercise_with_its_points(self, run: Run) -> None:
        """In the order of the course, whatever became of the exercise."""
        assert list(board(run.stdout)) == [*EXERCISES, "far", "bad", "old", "endless"]
        assert board(run.stdout)["right"] == "1.1 1.5 ✓ 1 of 1 checks pass"
        assert board(run.stdout)["wrong"] == "1.3 1.5 ✗ 0 of 1 checks pass"

    def test_says_what_is_not_there_yet(self, run: Run) -> None:
        """A stub, a function and a file that are missing are open, not wrong."""
        lines = board(run.stdout)
        assert lines["stub"].endswith("· `stub` is not implemented yet")
        assert lines["absent"].endswith("· `absent` is missing")
        assert "· gone.py is missing" in lines["far"]

    def test_says_how_a_check_ended_where_not_by_a_wrong_answer(self, run: Run) -> None:
        """An exception and a time-out are told from wrong answers."""
        lines = board(run.stdout)
        assert lines["raises"].endswith("(error)")
        assert lines["endless"].endswith("(timeout)")
        assert lines["bad"].endswith("(error)")

    def test_sums_up(self, run: Run) -> None:
        """The number of exercises that pass, under the course's title."""
        assert "\nA toy course\n" in run.stdout
        assert f"1 of {len(EXERCISES) + 4} exercises pass" in run.stdout


class TestAFailureSays:
    def test_the_shrunk_call_what_came_and_what_was_expected(self, run: Run) -> None:
        """After the law that is broken; nothing of our own code."""
        assert section(run.stdout, "wrong").strip() == (
            "The law of wrong.\n\nwrong(30)\n    returned 30\n    expected 60"
        )

    def test_file_and_line_of_an_exception(self, run: Run) -> None:
        """With the student's line and the simplest call."""
        text = section(run.stdout, "raises")
        line = STUDENT.splitlines().index("    return 2 * n if n < 30 else n // 0") + 1
        assert "raises(30)\n    raised ZeroDivisionError" in text
        assert f"at many.py, line {line}, in raises:  return 2 * n if n < 30 else n // 0" in text

    def test_that_time_ran_out(self, run: Run) -> None:
        """An endless loop is cut off, even one that catches every Exception."""
        assert "endless(0)\n    took longer than 1 s" in section(run.stdout, "endless")

    def test_that_the_answer_changes(self, run: Run) -> None:
        """With what was wrong once."""
        text = section(run.stdout, "flaky")
        assert "changes from call to call" in text
        assert "returned -1" in text

    def test_that_a_result_can_not_be_compared(self, run: Run) -> None:
        """The type is named."""
        assert "uncomparable(0)\n    returned a value of type set" in section(
            run.stdout, "uncomparable"
        )

    def test_where_a_syntax_error_is(self, run: Run) -> None:
        """File, line and source."""
        text = section(run.stdout, "bad")
        assert "broken.py can't be imported: SyntaxError" in text
        assert "broken.py, line 2" in text

    def test_that_a_file_is_not_utf8(self, run: Run) -> None:
        """And what to do about it."""
        text = section(run.stdout, "old")
        assert "latin.py, line 2" in text
        assert "save it as UTF-8" in text


class TestTheOutput:
    def test_is_short_on_what_is_not_implemented(self, run: Run) -> None:
        """A stub has its line on the board and no section of its own."""
        assert run.stdout.count("`stub` is not implemented yet") == 1
        assert "many: stub" not in run.stdout
        assert re.search(r"\b3 not implemented\b", run.stdout)

    def test_has_no_traceback_of_ours(self, run: Run) -> None:
        """Nor pytest's; --tb=long shows it."""
        assert "Traceback" not in run.stdout
        assert "autograder/" not in run.stdout
        assert "hypothesis" not in run.stdout
        assert run.stderr == ""

    def test_shows_what_the_student_printed(self, run: Run) -> None:
        """Beside the failure, where a student looks for it."""
        assert "hello from wrong(30)" in run.stdout
        assert "hello from right" not in run.stdout

    def test_has_no_colour_when_piped(self, run: Run) -> None:
        """Escape codes belong to terminals."""
        assert "\x1b" not in run.stdout

    def test_exits_with_1_where_a_check_fails(self, run: Run) -> None:
        """As pytest does."""
        assert run.returncode == 1


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student's folder in which everything is right, and another submission in `other`."""
    root = tmp_path_factory.mktemp("done")
    write_course(root, {"many": ("right",)}, many="def right(n):\n    return 2 * n\n")
    (root / "other").mkdir()
    (root / "other" / "many.py").write_text("def right(n):\n    return 3 * n\n")
    return root


def test_a_terminal_that_wants_no_colour_gets_none(done: Path) -> None:
    """NO_COLOR is heeded even where colour is forced on."""
    result = run_pytest(done, NO_COLOR="1", FORCE_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", result.stdout)
    assert result.returncode == 0
    assert "1 of 1 exercises pass" in result.stdout


def test_several_processes_check_a_submission_elsewhere(done: Path) -> None:
    """``-n 2`` of pytest-xdist tells the same; ``--submission`` is relative to the caller."""
    result = run_pytest(done / "assignments", "-n", "2", "--submission", "../other")
    assert result.returncode == 1
    assert board(result.stdout) == {"right": "1.1 1.5 ✗ 0 of 1 checks pass"}
    assert "The law of right.\n\nright(1)\n    returned 3\n    expected 2\n" in result.stdout


ADVICE = '''
@exercise("{name}", weight=0)
def test_{name}_runs_anywhere(student):
    """It runs where its input is."""
    assert_equal(student.{name}(1000), 2000)
'''


@pytest.fixture(scope="module")
def advised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which checks of weight 0 fail: alone, beside one that counts, of a stub."""
    root = tmp_path_factory.mktemp("advised")
    source = "def right(n):\n    return min(n + n, 999)\n\n" + STUDENT.split("\n\n", 2)[2]
    write_course(root, {"many": ("right", "stub", "wrong"), "gone": ("far",)}, many=source)
    with (root / "assignments/gone/test_public.py").open("a") as file:
        file.write(ADVICE.format(name="far").replace("(student)", "(student, nothing)"))
    with (root / "assignments/many/test_public.py").open("a") as file:
        file.write("".join(ADVICE.format(name=name) for name in ("right", "stub", "wrong")))
    return root


class TestAdvice:
    """What a check of weight 0 says."""

    def test_is_no_failure(self, advised: Path) -> None:
        result = run_pytest(advised, "-k", "right")
        assert result.returncode == 0
        assert re.search(r"\b1 passed, .*1 with advice\b", result.stdout)
        assert board(result.stdout) == {"right": "1.1 1.5 ✓ 1 of 1 checks pass, with advice"}

    @pytest.mark.parametrize("arguments", [(), ("--tb=long",), ("-n", "2")])
    def test_stands_before_the_board(self, advised: Path, arguments: tuple[str, ...]) -> None:
        """Also beside a check that counts and fails, which is told as ever."""
        result = run_pytest(advised, "assignments/many", *arguments)
        assert result.returncode == 1
        told = (
            "advice, worth no points: many: {} --\nIt runs where its input is.\n\n{}(1000)\n"
            "    returned {}\n    expected 2000\n"
        )
        text = re.sub("--+", "--", result.stdout)
        assert told.format("right", "right", 999) in text
        assert told.format("wrong", "wrong", 1000) in text
        for count in ("1 failed", "1 passed", "2 not implemented", "2 with advice"):
            assert re.search(rf"\b{count}\b", text)
        assert board(text)["wrong"] == "1.3 1.5 ✗ 0 of 1 checks pass, with advice"

    def test_a_check_without_its_fixtures_is_an_error(self, advised: Path) -> None:
        """Whatever its weight: it has not been run."""
        result = run_pytest(advised, "-k", "far_runs_anywhere")
        assert result.returncode == 1
        assert "1 error" in result.stdout

    def test_of_a_stub_is_none(self, advised: Path) -> None:
        result = run_pytest(advised, "-k", "stub")
        assert "advice" not in result.stdout
        assert board(result.stdout)["stub"].endswith("· `stub` is not implemented yet")

    def test_alone_is_never_red(self, advised: Path) -> None:
        result = run_pytest(advised, "-k", "runs_anywhere and wrong")
        assert result.returncode == 0
        assert board(result.stdout) == {"wrong": "1.3 1.5 ◐ 0 of 1 checks pass, with advice"}


COUNTING = """\
def {name}(n):
    with open("{name}.count", "a") as file:
        file.write(".")
    return 2 * n
"""


@pytest.mark.parametrize(
    ("arguments", "many", "few"), [((), 20, 5), (("--examples", "7"), 7, 7)], ids=["", "--examples"]
)
def test_a_stage_may_draw_fewer_inputs(
    tmp_path: Path, arguments: tuple[str, ...], many: int, few: int
) -> None:
    """As its assignment.toml says; what the command line says is for all."""
    modules = {name: COUNTING.format(name=f"of_{name}") for name in ("many", "few")}
    write_course(tmp_path, {"many": ("of_many",), "few": ("of_few",)}, **modules)
    path = tmp_path / "assignments" / "few" / "assignment.toml"
    path.write_text("checks.examples = 5\n" + path.read_text())
    assert run_pytest(tmp_path, *arguments).returncode == 0
    assert len((tmp_path / "of_many.count").read_text()) == many
    assert len((tmp_path / "of_few.count").read_text()) == few


class TestAUsageError:
    """Exit code 4 and one sentence, before anything is run."""

    def test_names_a_folder_that_is_not_there(self, done: Path) -> None:
        """``--submission`` has to be a folder."""
        result = run_pytest(done, "--submission", "nowhere")
        assert result.returncode == pytest.ExitCode.USAGE_ERROR
        assert f"no folder {done / 'nowhere'}" in result.stderr
        assert "Traceback" not in result.stderr

    def test_names_what_is_wrong_with_the_course(self, tmp_path: Path) -> None:
        """File and key."""
        write_course(tmp_path, {"many": ("right",)})
        path = tmp_path / "assignments" / "course.toml"
        path.write_text(path.read_text().replace("examples", "example"))
        result = run_pytest(tmp_path)
        assert result.returncode == pytest.ExitCode.USAGE_ERROR
        assert f"{path}: `checks`" in result.stderr
        assert "Traceback" not in result.stderr


def test_a_project_without_a_course_is_left_alone(tmp_path: Path) -> None:
    """The plugin is loaded and does nothing."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_theirs.py").write_text(
        "import sys\n"
        "def test_theirs():\n"
        '    assert "autograder.checks.plugin" in sys.modules\n'
        "def test_fails(): assert 1 == 2\n"
    )
    result = run_pytest(tmp_path)
    assert result.returncode == 1
    assert "1 failed, 1 passed" in result.stdout
    assert "assert 1 == 2" in result.stdout
    assert "pt" not in board(result.stdout)


def test_ctrl_c_ends_the_run(tmp_path: Path) -> None:
    """An interrupt in the middle of the student's code is no exception of that code."""
    write_course(tmp_path, {"slow": ("endless",)}, slow=ENDLESS)
    command = [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            until(process.stdout.readline, "waiting")
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "KeyboardInterrupt" in output


def until(read: Callable[[], str], word: str) -> None:
    """Read lines up to one with `word`."""
    for line in iter(read, ""):
        if word in line:
            return
    pytest.fail(f"no {word!r} came")

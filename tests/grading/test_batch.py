"""Batches: honest and hostile submissions side by side, and what each one's results say."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from autograder.course import Course
from autograder.errors import InputError
from autograder.grading import batch
from autograder.grading.batch import Graded, grade_all
from autograder.reports.markdown import literal
from autograder.sandbox.workers import Zygote

DOUBLES = "def double(n):\n    return 2 * n\ndef half(n):\n    return n // 2\n"
WORDS = "def shout(word):\n    return word.upper()\n"
SUBMISSIONS: dict[str, dict[str, str | bytes]] = {
    "wrong": {"doubles": DOUBLES.replace("n // 2", "n / 2 + 1"), "words": WORDS},
    "wrong_again": {"doubles": DOUBLES.replace("n // 2", "n / 2 + 1"), "words": WORDS},
    "stubs": {
        "doubles": """
            def double(n):
                raise NotImplementedError
            def half(n):
                raise NotImplementedError
            """,
        "words": "def shout(word):\n    raise NotImplementedError\n",
    },
    "nothing": {},
    "one_file_missing": {"doubles": DOUBLES},
    "one_function_missing": {"doubles": DOUBLES.replace("half", "haelfte"), "words": WORDS},
    "syntax": {"doubles": "def double(n:\n", "words": WORDS},
    "latin1": {"doubles": b"name = 'caf\xe9'\n" + DOUBLES.encode(), "words": WORDS},
    "endless": {
        "doubles": DOUBLES.replace("return n // 2", "while True: pass"),
        "words": "while True: pass\n",
    },
    "exits": {"doubles": "import os\nos._exit(0)\n", "words": WORDS},
    "exits_in_call": {
        "doubles": f"import os\n{DOUBLES.replace('return n // 2', 'os._exit(0)')}",
        "words": WORDS,
    },
    "raises": {
        "doubles": DOUBLES.replace("return n // 2", "raise SystemExit(0)"),
        "words": "def shout(word):\n    raise ValueError('\\x1b[31mred')\n",
    },
    "prints": {
        "doubles": f"print('{{\"score\": 100}}', flush=True)\n{DOUBLES}",
        "words": f"import sys\nprint('x' * 1000, file=sys.stderr)\n{WORDS}",
    },
    "nan": {
        "doubles": DOUBLES.replace("2 * n", "float('nan')").replace("n // 2", "float('inf')"),
        "words": "def shout(word):\n    return b'\\xff\\x00'\n",
    },
    "lies": {
        "doubles": """
            class Yes(int):
                def __eq__(self, other): return True
                def __ne__(self, other): return False
                __hash__ = int.__hash__
            def double(n):
                return Yes(5)
            half = double
            """,
        "words": """
            import sys
            class Patched:
                def __getattr__(self, name): return lambda *a, **k: None
            for name in ("pytest", "autograder.checks", "autograder.checks.comparison"):
                sys.modules[name] = Patched()
            def shout(word):
                return None
            """,
    },
    "shadows": {
        "doubles": f"import json\n{DOUBLES}",
        "words": WORDS,
        "conftest": "raise SystemExit('conftest')\n",
        "json": "raise SystemExit('json')\n",
        "autograder": "raise SystemExit('autograder')\n",
    },
    "honest": {"doubles": DOUBLES, "words": WORDS},
}
CHECKS = {
    "double": "test_double_is_a_sum",
    "negative": "test_double_of_negative",
    "half": "test_half_of_double",
    "shout": "test_shout_is_upper_case",
}


@dataclass
class Batch:
    """A graded batch, with everything that was written, in order."""

    out: Path
    graded: dict[str, Graded]
    writes: list[tuple[Path, bytes]] = field(default_factory=list)

    def results(self, name: str) -> dict[str, Any]:
        return read((self.out / name / "results.json").read_bytes())

    def report(self, name: str) -> dict[str, Any]:
        return read((self.out / name / "report.json").read_bytes())

    def check(self, name: str, check: str) -> dict[str, Any]:
        (row,) = (row for row in check_rows(self.report(name)) if row["name"] == CHECKS[check])
        return row


def read(content: bytes) -> dict[str, Any]:
    return json.loads(content, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def check_rows(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        check
        for stage in report["stages"]
        for exercise in stage["exercises"]
        for check in exercise["checks"]
    ]


def write_submission(folder: Path, modules: dict[str, str | bytes]) -> Path:
    folder.mkdir()
    for stage, source in modules.items():
        data = dedent(source).encode() if isinstance(source, str) else source
        (folder / f"{stage}.py").write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def graded(toy_course: Course, tmp_path_factory: pytest.TempPathFactory) -> Batch:
    base = tmp_path_factory.mktemp("batch")
    paths = [write_submission(base / name, modules) for name, modules in SUBMISSIONS.items()]
    for name, entry in (("good_zip", "hw/doubles.py"), ("bad_zip", "../doubles.py")):
        path = base / f"{name}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(entry, DOUBLES)
        paths.insert(3, path)
    paths.append(write_submission(base / "single", {"doubles": DOUBLES}) / "doubles.py")
    run = Batch(base / "out", {})

    def spy(path: Path, content: bytes) -> None:
        run.writes.append((path, content))
        write(path, content)

    write = batch.write_atomically
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "write_atomically", spy)
        run.graded = {g.folder.name: g for g in grade_all(toy_course, paths, run.out)}
    return run


NAMES = [*SUBMISSIONS, "good_zip", "bad_zip", "doubles"]


class TestEverySubmission:
    @pytest.mark.parametrize("name", NAMES)
    def test_has_every_row(self, graded, name):
        """Whatever a submission does, its results have every row and the course's points."""
        found = graded.results(name)
        assert [row["number"] for row in found["tests"]] == ["1.1", "1.1", "1.2", "2.1"]
        assert [row["max_score"] for row in found["tests"]] == [1, 2, 2, 1]
        report = graded.report(name)
        assert report["max_points"] == 6
        assert sorted(row["name"] for row in check_rows(report)) == sorted(CHECKS.values())

    @pytest.mark.parametrize("name", NAMES)
    def test_says_the_same_everywhere(self, graded, name):
        """The points of the rows, of the report and of what is yielded are one number."""
        report = graded.report(name)
        assert sum(row["score"] for row in graded.results(name)["tests"]) == report["points"]
        assert sum(row["points"] for row in check_rows(report)) == report["points"]
        assert float(graded.graded[name].report.points) == report["points"]
        assert report["submission"] == name

    @pytest.mark.parametrize("name", NAMES)
    def test_is_final(self, graded, name):
        """When a submission is yielded, nothing of it is open: the fault was never ours."""
        report = graded.report(name)
        assert report["graded"] is True
        assert "fault" not in report or report["fault"] is None
        assert "not graded yet" not in json.dumps(graded.results(name))

    @pytest.mark.parametrize("name", NAMES)
    def test_text_is_plain(self, graded, name):
        """No codes for terminals, no paths of ours, in what a student reads."""
        text = (graded.out / name / "results.json").read_text(encoding="utf-8")
        assert "\\u001b" not in text
        assert tempfile.gettempdir() + "/autograder-" not in text

    @pytest.mark.parametrize("name", NAMES)
    def test_leaves_two_files(self, graded, name):
        """Two files come of a submission, and no half-written one."""
        files = sorted(path.name for path in (graded.out / name).iterdir())
        assert files == ["report.json", "results.json"]

    @pytest.mark.parametrize("name", NAMES)
    def test_is_written_early_and_again(self, graded, name):
        """The first write comes before any check, with every row; the last is the final one."""
        writes = [c for path, c in graded.writes if path == graded.out / name / "results.json"]
        assert writes[-1] == (graded.out / name / "results.json").read_bytes()
        if name == "bad_zip":
            return
        assert len(writes) >= 2
        first = read(writes[0])
        assert [row["max_score"] for row in first["tests"]] == [1, 2, 2, 1]
        assert {row["score"] for row in first["tests"]} == {0}
        assert "not graded yet" in first["tests"][0]["output"]
        assert "not final" in first["output"]

    def test_order(self, graded):
        """Results come in the order in which the submissions were named."""
        assert set(graded.graded) == set(NAMES)
        given = [name for name in graded.graded if name in SUBMISSIONS]
        assert given == list(SUBMISSIONS)


class TestPoints:
    @pytest.mark.parametrize(
        "name, points",
        [
            ("honest", 6),
            ("wrong", 4),
            ("stubs", 0),
            ("nothing", 0),
            ("one_file_missing", 5),
            ("one_function_missing", 4),
            ("syntax", 1),
            ("latin1", 1),
            ("endless", 3),
            ("exits", 1),
            ("exits_in_call", 4),
            ("raises", 3),
            ("prints", 6),
            ("nan", 0),
            ("lies", 0),
            ("shadows", 6),
            ("good_zip", 5),
            ("bad_zip", 0),
            ("doubles", 5),
        ],
    )
    def test_only_what_is_wrong_costs(self, graded, name, points):
        """A submission loses the points of what is wrong with it, and no others."""
        assert graded.report(name)["points"] == points


class TestOutcomes:
    @pytest.mark.parametrize(
        "name, check, outcome, words",
        [
            ("wrong", "half", "failed", ["half(", "returned", "expected"]),
            ("stubs", "double", "missing", ["not implemented"]),
            ("nothing", "shout", "missing", ["words.py"]),
            ("one_file_missing", "shout", "missing", ["words.py", "not in the submission"]),
            ("one_function_missing", "half", "missing", ["half"]),
            ("syntax", "half", "error", ["doubles.py", "SyntaxError", "line 1"]),
            ("latin1", "half", "error", ["doubles.py", "UTF-8", "0xe9"]),
            ("endless", "half", "timeout", ["half(", "2 s"]),
            ("endless", "shout", "timeout", ["words.py", "2 s"]),
            ("exits", "negative", "crashed", ["doubles.py", "exit status 0"]),
            ("exits_in_call", "half", "crashed", ["half(", "exit status 0"]),
            ("raises", "half", "error", ["half(", "SystemExit", "line 4"]),
            ("raises", "shout", "error", ["shout(", "ValueError"]),
            ("nan", "double", "failed", ["nan"]),
            ("lies", "double", "failed", ["5"]),
            ("lies", "shout", "failed", ["None"]),
            ("bad_zip", "half", "missing", ["outside its folder"]),
        ],
    )
    def test_outcome_and_message(self, graded, name, check, outcome, words):
        """Each way to fail has its outcome, and a message that a student can act on."""
        row = graded.check(name, check)
        assert row["outcome"] == outcome
        for word in words:
            assert word in row["message"]

    def test_same_submission_same_report(self, graded):
        """Graded twice, a submission gets the same report but for its name and the times."""

        def timeless(name: str) -> str:
            report = graded.report(name)
            for row in check_rows(report):
                del row["duration"]
            del report["duration"]
            return json.dumps(report).replace(name, "")

        assert timeless("wrong_again") == timeless("wrong")

    def test_refused_is_told(self, graded):
        """One that is not taken in is yielded with the sentence, which is in its results too."""
        sentence = graded.graded["bad_zip"].refused
        assert "../doubles.py" in sentence
        assert literal(sentence) in graded.results("bad_zip")["output"]
        assert all(graded.graded[n].refused is None for n in NAMES if n != "bad_zip")

    def test_environment(self, graded):
        """A report says what it was made with."""
        environment = graded.report("honest")["environment"]
        assert {"python", "torch", "hypothesis", "autograder"} <= environment["versions"].keys()
        assert "rlimits" in environment["layers"]
        assert environment["examples"] == {"doubles": 5, "words": 5}


class TestBadInput:
    def test_no_such_path(self, toy_course, tmp_path):
        """A path that is not there stops the batch before anything is graded."""
        good = write_submission(tmp_path / "good", SUBMISSIONS["honest"])
        with pytest.raises(InputError, match="nowhere"):
            next(grade_all(toy_course, [good, tmp_path / "nowhere"], tmp_path / "out"))
        assert not (tmp_path / "out").exists()

    def test_two_of_one_name(self, toy_course, tmp_path):
        """Two submissions whose results would go to one folder stop the batch, both named."""
        paths = []
        for group in ("monday", "tuesday"):
            (tmp_path / group).mkdir()
            paths.append(write_submission(tmp_path / group / "ada", SUBMISSIONS["honest"]))
        with pytest.raises(InputError) as caught:
            next(grade_all(toy_course, paths, tmp_path / "out"))
        assert all(str(path) in str(caught.value) for path in paths)


def test_a_killed_zygote_costs_nobody_points(toy_course: Course, tmp_path: Path) -> None:
    """Where the sandbox dies, another is started and the submission graded all the same."""
    path = write_submission(tmp_path / "honest", SUBMISSIONS["honest"])

    def kill(zygote: Zygote) -> None:
        os.kill(zygote._process.pid, signal.SIGKILL)

    (done,) = grade_all(toy_course, [path], tmp_path / "out", on_start=kill)
    assert (done.report.graded, done.report.points) == (True, 6)

"""What a failure looks like: known mistakes, made in the students' own ways."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from autograder.checks.board import graded_board, print_board
from autograder.course import Course, Limits
from autograder.errors import CourseError
from autograder.grading import diagnose
from autograder.grading.batch import grade_all
from autograder.grading.diagnose import Diagnoser
from autograder.grading.grade import grade
from autograder.grading.intake import Submission
from autograder.mistakes import read_mistakes
from autograder.report import CheckRow, Report, to_json
from autograder.reports import gradescope
from autograder.sandbox.workers import Zygote

EXERCISES = ("pairs", "clamp", "variance", "shuffled", "Tally")
RIGHT = (
    Path(__file__).parents[1] / "known_course" / "assignments" / "sums" / "alternatives/loops.py"
).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Case:
    """One exercise in a student's words, and the known mistakes that it looks like."""

    exercise: str
    code: str
    mistakes: tuple[str, ...] = ()


CASES = {
    # --- a mistake, made in another way than the course makes it
    "counts both orders": Case(
        "pairs",
        """
        def pairs(n):
            return sum(1 for i in range(n) for j in range(n) if i != j)
        """,
        ("each pair twice",),
    ),
    "is the same as counting both on small inputs": Case(
        "pairs",
        "def pairs(n): return len([1 for i in range(n) for j in range(n)]) // 2",
        ("squared",),
    ),
    "adds one too many": Case(
        "pairs", "def pairs(n): return sum(range(n + 1))", ("pairs with oneself",)
    ),
    "asks for one end": Case(
        "clamp",
        """
        def clamp(x, low, high):
            if x > high:
                return high
            return x
        """,
        ("no lower end",),
    ),
    "gives the lower end for everything": Case(
        "clamp", "def clamp(x, low, high): return low", ("ends swapped",)
    ),
    "makes two mistakes": Case(
        "clamp", "def clamp(x, low, high): return x", ("no lower end", "no upper end")
    ),
    "divides in another order, as a number": Case(
        "variance",
        """
        def variance(values):
            mean = sum(values.tolist()) / len(values)
            return sum((v - mean) ** 2 / (len(values) - 1) for v in values.tolist())
        """,
        ("divided by n - 1",),
    ),
    "takes the library's": Case(
        "variance", "def variance(values): return values.var()", ("divided by n - 1",)
    ),
    "sums products": Case(
        "variance", "def variance(values): return values @ values / len(values)", ("not centred",)
    ),
    "draws with replacement, another way": Case(
        "shuffled",
        """
        def shuffled(n, generator):
            drawn = [int(torch.randint(n, (1,), generator=generator)) for _ in range(n)]
            return torch.tensor(drawn, dtype=torch.int64)
        """,
        ("with replacement",),
    ),
    "keeps the order": Case(
        "shuffled",
        "def shuffled(n, generator): return torch.tensor(list(range(n)), dtype=torch.int64)",
        ("not shuffled",),
    ),
    "has its own randomness": Case(
        "shuffled",
        """
        def shuffled(n, generator):
            import random
            return torch.tensor(random.sample(range(n), n), dtype=torch.int64)
        """,
        ("generator ignored",),
    ),
    "begins at zero": Case(
        "Tally",
        """
        class Tally:
            def __init__(self):
                self.values = []
            def add(self, value):
                self.values.append(value)
            largest = property(lambda self: max([0, *self.values]))
            total = property(lambda self: sum(self.values))
        """,
        ("largest starts at 0",),
    ),
    "keeps the last": Case(
        "Tally",
        """
        class Tally:
            def __init__(self):
                self.values = []
            def add(self, value):
                self.values.append(value)
            largest = property(lambda self: max(self.values, default=None))
            total = property(lambda self: self.values[-1] if self.values else 0)
        """,
        ("total is the last value",),
    ),
    # --- wrong in a way that nobody knows
    "a constant": Case("pairs", "def pairs(n): return 1"),
    "nonsense that is a mistake's at first": Case("pairs", "def pairs(n): return n"),
    "a float": Case("pairs", "def pairs(n): return n * (n - 1) / 2"),
    "raises": Case("pairs", "def pairs(n): return sum(range(n)) if n < 7 else 1 // 0"),
    "another constant": Case("clamp", "def clamp(x, low, high): return 5"),
    "two mistakes in one line": Case(
        "variance", "def variance(values): return (values ** 2).sum() / (len(values) - 1)"
    ),
    "the wrong keys": Case(
        "Tally",
        """
        class Tally:
            largest = total = None
            def add(self, value):
                self.largest = {"a": [value, {"": None}]}
        """,
    ),
    # --- answers that nobody expects
    "a huge tensor": Case(
        "pairs", "def pairs(n): return torch.zeros(7_000_000, dtype=torch.float64)"
    ),
    "a huge number": Case("pairs", "def pairs(n): return 10 ** 4000"),
    "deeply nested": Case(
        "clamp",
        """
        def clamp(x, low, high):
            for _ in range(30):
                x = [x, {"": x}] if _ < 10 else {"": x}
            return x
        """,
    ),
    "no value at all": Case("clamp", "def clamp(x, low, high): return {x}"),
    "not a number": Case("variance", "def variance(values): return values * float('nan')"),
    "an odd dtype": Case("variance", "def variance(values): return values.to(torch.complex64)"),
    "a long list": Case("shuffled", "def shuffled(n, generator): return [0.5] * 90_000"),
    "an empty tensor": Case("shuffled", "def shuffled(n, generator): return torch.zeros(0, n, 0)"),
    "lies about itself": Case(
        "Tally",
        """
        class Tally:
            largest = float("nan")
            total = -0.0
            def add(self, value):
                type(self).total = float("inf")
        """,
    ),
}  # fmt: skip


def packed(cases: dict[str, Case]) -> Iterator[dict[str, str]]:
    """Submissions that make each case once, as few as can be: exercise to case."""
    queues = {e: [name for name, case in cases.items() if case.exercise == e] for e in EXERCISES}
    for number in range(max(map(len, queues.values()))):
        yield {e: names[number] for e, names in queues.items() if number < len(names)}


def rows(report: Report, exercise: str) -> tuple[CheckRow, ...]:
    (found,) = (e.checks for e in report.stages[0].exercises if e.name == exercise)
    return found


def named(report: Report, exercise: str) -> set[str]:
    return {mistake for row in rows(report, exercise) for mistake in row.mistakes}


@pytest.fixture(scope="module")
def grade_source(zygote: Zygote, staging: Path) -> Callable[..., Report]:
    """The report on a module: the right one, with the given code at its end."""
    diagnosers: dict[Path, Diagnoser] = {}

    def grade_it(course: Course, code: str = "", name: str = "ada") -> Report:
        if course.root not in diagnosers:
            diagnosers[course.root] = Diagnoser(course, zygote, staging)
        folder = staging / f"{name}-{len(list(staging.iterdir()))}"
        folder.mkdir()
        folder.chmod(0o755)
        (folder / "sums.py").write_text(f"{RIGHT}\n{dedent(code)}", encoding="utf-8")
        (folder / "sums.py").chmod(0o644)
        submission = Submission(name, folder)
        return grade(course, submission, zygote, diagnoser=diagnosers[course.root])

    return grade_it


@pytest.fixture(scope="module")
def reports(known_course: Course, grade_source: Callable[..., Report]) -> dict[str, Report]:
    """For each case the report of the submission that it is part of."""
    found = {}
    for part in packed(CASES):
        code = "\n".join(dedent(CASES[name].code) for name in part.values())
        report = grade_source(known_course, code)
        found |= dict.fromkeys(part.values(), report)
    return found


class TestCases:
    @pytest.mark.parametrize("name", CASES)
    def test_looks_like_what_it_is(self, reports: dict[str, Report], name: str) -> None:
        """A mistake has its name in every check that finds it; what nobody knows has none."""
        case, report = CASES[name], reports[name]
        failed = [row for row in rows(report, case.exercise) if row.outcome != "passed"]
        assert failed, "the checks don't notice it"
        assert named(report, case.exercise) == set(case.mistakes)
        assert all(bool(row.hint) == bool(case.mistakes) for row in failed)

    @pytest.mark.parametrize("name", CASES)
    def test_costs_nobody_a_grade(self, reports: dict[str, Report], name: str) -> None:
        assert reports[name].graded
        assert reports[name].fault is None

    def test_two_mistakes_have_each_its_own_hint_at_its_own_check(
        self, reports: dict[str, Report]
    ) -> None:
        found = {row.name: row.mistakes for row in rows(reports["makes two mistakes"], "clamp")}
        assert found == {
            "test_below_the_range": ("no lower end",),
            "test_above_the_range": ("no upper end",),
            "test_in_the_range": (),
        }

    def test_right_code_never_has_a_hint(
        self, known_course: Course, grade_source: Callable[..., Report]
    ) -> None:
        report = grade_source(known_course)
        assert report.points == report.max_points
        for exercise in EXERCISES:
            assert not any(row.hint or row.mistakes for row in rows(report, exercise))

    def test_what_passes_has_no_hint_beside_what_fails(self, reports: dict[str, Report]) -> None:
        for report in reports.values():
            for exercise in EXERCISES:
                for row in rows(report, exercise):
                    assert row.outcome != "passed" or not (row.hint or row.mistakes)

    def test_what_is_missing_or_never_ends_has_no_hint(
        self, known_course: Course, grade_source: Callable[..., Report]
    ) -> None:
        code = """
            def pairs(n): raise NotImplementedError
            def clamp(x, low, high):
                while x == 11: pass
                return max(low, min(x, high))
            def shuffled(n, generator): __import__("os")._exit(0)
            """
        report = grade_source(known_course, code)
        assert {row.outcome for e in EXERCISES for row in rows(report, e)} == {
            *("passed", "missing", "timeout", "crashed")
        }
        assert not any(row.hint for e in EXERCISES for row in rows(report, e))


class TestManyAlike:
    """Mistakes that answer alike on whatever the checks draw."""

    FIND = "return n * (n - 1) // 2"
    TWICE = CASES["counts both orders"].code

    def test_two_that_can_not_be_told_apart_are_both_named(
        self, known: Any, grade_source: Callable[..., Report]
    ) -> None:
        known.add_mistake("pairs", "ordered", self.FIND, "return n * n - n", "Is order of matter?")
        report = grade_source(known.load(), self.TWICE)
        for row in rows(report, "pairs"):
            assert row.mistakes == ("each pair twice", "ordered")
            assert row.hint.splitlines() == [
                "Is Ada with Bob another pair than Bob with Ada?",
                "Is order of matter?",
            ]

    def test_one_hint_of_two_mistakes_is_given_once(
        self, known: Any, grade_source: Callable[..., Report]
    ) -> None:
        hint = "Is Ada with Bob another pair than Bob with Ada?"
        known.add_mistake("pairs", "ordered", self.FIND, "return n * n - n", hint)
        report = grade_source(known.load(), self.TWICE)
        assert {row.hint for row in rows(report, "pairs")} == {hint}

    def test_where_more_than_two_fit_nothing_is_said(
        self, known: Any, grade_source: Callable[..., Report]
    ) -> None:
        known.add_mistake("pairs", "ordered", self.FIND, "return n * n - n", "Does order matter?")
        known.add_mistake("pairs", "turned", self.FIND, "return (n - 1) * n", "What of n = 3?")
        report = grade_source(known.load(), self.TWICE)
        assert {row.outcome for row in rows(report, "pairs")} == {"failed"}
        assert named(report, "pairs") == set()
        assert not any(row.hint for row in rows(report, "pairs"))


class TestTroubleOfOurs:
    def test_a_mistake_that_never_ends_or_ends_its_process_costs_its_time_once(
        self,
        known: Any,
        grade_source: Callable[..., Report],
        zygote: Zygote,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """And no grade: the submission's own mistake is found beside it."""
        find = "return max(low, min(x, high))"
        known.add_mistake("clamp", "endless", find, "while True: pass", "Does it end?")
        known.add_mistake("clamp", "exits", find, '__import__("os")._exit(0)', "Is it there?")
        monkeypatch.setattr(diagnose, "_limits", lambda _: Limits(wall_seconds=10, cpu_seconds=0.5))
        endless: Counter[Path] = Counter()
        spawn = zygote.spawn

        def counting(folder: Path, *arguments: Any, **options: Any) -> Any:
            endless[folder] += "while True: pass" in (folder / "sums.py").read_text()
            return spawn(folder, *arguments, **options)

        monkeypatch.setattr(zygote, "spawn", counting)
        report = grade_source(known.load(), CASES["makes two mistakes"].code)
        assert report.graded
        assert report.fault is None
        assert named(report, "clamp") == {"no lower end", "no upper end"}
        assert max(endless.values()) == 1

    def test_a_patch_that_does_not_fit_any_more_is_no_reason_not_to_grade(
        self, known: Any, grade_source: Callable[..., Report]
    ) -> None:
        """`verify` reports it. The others have their hints."""
        known.add_mistake("pairs", "old", "return n * (n - 2)", "return n", "Why?")
        report = grade_source(known.load(), CASES["adds one too many"].code)
        assert report.fault is None
        assert named(report, "pairs") == {"pairs with oneself"}

    def test_an_error_in_here_costs_nobody_a_grade_and_is_told(
        self,
        known_course: Course,
        grade_source: Callable[..., Report],
        reports: dict[str, Report],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def broken(*_: object) -> float:
            raise ZeroDivisionError("somewhere")

        monkeypatch.setattr(diagnose, "_score", broken)
        report = grade_source(known_course, CASES["adds one too many"].code)
        assert report.fault == "hints are missing: ZeroDivisionError: somewhere"
        assert report.graded
        assert report.points == report.max_points - 2
        results = gradescope.results(report, known_course.visibility)
        assert all("score" in row for row in results["tests"])
        assert "output" not in results  # nothing that would alarm a student

    def test_a_wrong_mistakes_toml_is_said_before_any_work(
        self, known: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        known.edit("assignments/sums/mistakes.toml", 'exercise = "Tally"', 'exercise = "Telly"')
        (tmp_path / "ada").mkdir()
        started: list[object] = []
        with pytest.raises(CourseError, match=r"mistakes\.toml: mistake 'largest starts at 0'"):
            started += grade_all(
                *(known.load(), [tmp_path / "ada"], tmp_path / "out"), on_check=started.append
            )
        assert not started
        assert not (tmp_path / "out").exists()

    def test_no_worker_is_left(self, known_course: Course, zygote: Zygote, staging: Path) -> None:
        """A class of hundreds is graded with one diagnoser."""
        diagnoser = Diagnoser(known_course, zygote, staging)
        folder = staging / "left"
        folder.mkdir(mode=0o755)
        (folder / "sums.py").write_text(f"{RIGHT}\n{CASES['adds one too many'].code}")
        report = grade(known_course, Submission("ada", folder), zygote, diagnoser=diagnoser)
        assert named(report, "pairs") == {"pairs with oneself"}
        assert not diagnoser._workers

    def test_few_workers_at_a_time_find_the_same(
        self, known_course: Course, zygote: Zygote,
        staging: Path, monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        """Each takes its part of the memory, and an exercise may have fifty known mistakes."""
        monkeypatch.setattr(diagnose, "_MOST_RUNNING", 1)
        most = []

        class Counted(diagnose.WorkerBackend):
            open = 0

            def load(self) -> None:
                if self._worker is None:
                    Counted.open += 1
                most.append(Counted.open)
                super().load()

            def close(self) -> None:
                Counted.open -= self._worker is not None
                super().close()

        monkeypatch.setattr(diagnose, "WorkerBackend", Counted)
        for name in ("adds one too many", "counts both orders"):
            folder = staging / f"few-{name.replace(' ', '-')}"
            folder.mkdir(mode=0o755)
            (folder / "sums.py").write_text(f"{RIGHT}\n{dedent(CASES[name].code)}")
            report = grade(
                *(known_course, Submission("ada", folder), zygote),
                diagnoser=Diagnoser(known_course, zygote, staging),
            )
            assert named(report, "pairs") == set(CASES[name].mistakes)
        assert max(most) == 3  # the reference, one mistake, and for a while the student's own

    def test_workers_that_are_kept_are_one_exercises(
        self, known_course: Course, zygote: Zygote, staging: Path
    ) -> None:
        """The next failure in the exercise finds them; one in another has them ended."""
        diagnoser = Diagnoser(known_course, zygote, staging, keep=True)
        kept = []
        for name in ("adds one too many", "adds one too many", "keeps the last"):
            folder = staging / f"kept-{len(kept)}"
            folder.mkdir(mode=0o755)
            (folder / "sums.py").write_text(f"{RIGHT}\n{dedent(CASES[name].code)}")
            report = grade(known_course, Submission("ada", folder), zygote, diagnoser=diagnoser)
            assert named(report, CASES[name].exercise) == set(CASES[name].mistakes)
            kept.append(dict(diagnoser._workers))
        diagnoser.close()
        first, again, other = kept
        assert first == again
        own = {suspect.folder for suspect in diagnoser._suspects["sums"] if suspect.of("pairs")}
        assert own <= first.keys()
        assert not own & other.keys()


class TestWhereItIsRead:
    """The student reads the hint; the names of the mistakes are for the instructor."""

    BOTH = "gives the lower end for everything"
    HINT = "Which of the two ends is the larger one?"

    def test_in_the_report(self, reports: dict[str, Report]) -> None:
        report = json.loads(to_json(reports[self.BOTH]))
        found = {
            row["name"]: (row["hint"], row["mistakes"])
            for exercise in report["stages"][0]["exercises"]
            if exercise["name"] == "clamp"
            for row in exercise["checks"]
        }
        assert found == {
            "test_below_the_range": ("", []),
            "test_above_the_range": (self.HINT, ["ends swapped"]),
            "test_in_the_range": (self.HINT, ["ends swapped"]),
        }

    def test_on_gradescope_once_in_a_row(
        self, reports: dict[str, Report], known_course: Course
    ) -> None:
        results = gradescope.results(reports[self.BOTH], known_course.visibility)
        public, hidden = (
            row["output"] for row in results["tests"] if row["extra_data"]["exercise"] == "clamp"
        )
        assert self.HINT not in public
        assert hidden.count(self.HINT) == 1
        assert hidden.endswith(f"\n\nHint: {self.HINT}")

    @pytest.mark.parametrize("name", CASES)
    def test_nobody_is_shown_a_name_or_a_patch(
        self, reports: dict[str, Report], known_course: Course, name: str
    ) -> None:
        report = reports[name]
        board = io.StringIO()
        print_board(graded_board(report), board, width=200)
        shown = [
            row["output"] for row in gradescope.results(report, known_course.visibility)["tests"]
        ]
        for text in (*shown, board.getvalue()):
            for mistake in read_mistakes(known_course.assignment("sums")):
                assert mistake.name not in text
                assert mistake.find not in text
                assert mistake.replace not in text

    def test_on_the_board_below_its_exercise(self, reports: dict[str, Report]) -> None:
        out = io.StringIO()
        print_board(graded_board(reports[self.BOTH]), out, width=120)
        lines = [line.strip() for line in out.getvalue().splitlines()]
        (at,) = (i for i, line in enumerate(lines) if " clamp " in line)
        assert lines[at + 1] == self.HINT
        assert lines.count(self.HINT) == 1

    def test_never_in_a_run_of_pytest(self, known: Any, tmp_path: Path) -> None:
        """A student's own run says what is wrong and no more, whatever lies about."""
        (tmp_path / "sub").mkdir()
        code = dedent(CASES["adds one too many"].code)
        (tmp_path / "sub" / "sums.py").write_text(f"{RIGHT}\n{code}")
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--submission", "../sub",
             f"--rootdir={known.root}", "--import-mode=importlib",
             "assignments/sums/test_public.py"],
            cwd=known.root,
            env={k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")},
            capture_output=True,
            text=True,
            timeout=120,
        )  # fmt: skip
        assert run.returncode == 1, run.stdout + run.stderr
        assert "pairs(1)" in run.stdout
        for mistake in read_mistakes(known.load().assignment("sums")):
            assert mistake.hint not in run.stdout
            assert mistake.name not in run.stdout

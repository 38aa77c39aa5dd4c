"""The whole proof: it holds for a good course, and whatever is spoilt in one is named."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from autograder.checks import comparison
from autograder.course import Course
from autograder.proof import bench, pool, verify
from autograder.proof.bench import Bench, Trial
from autograder.proof.pool import Task
from autograder.proof.proof import Failure, Proof, StageProof
from autograder.release.student import student_files, write_release
from autograder.sandbox.workers import Zygote

MISTAKES = "assignments/sums/mistakes.toml"
HIDDEN = "assignments/sums/test_hidden.py"
REFERENCE = "solutions/sums.py"
MORE = "test_one_thing_more_pairs_with_all_others"
PAIRS = "return n * (n - 1) // 2"
CLAMP = "return max(low, min(x, high))"


class _Borrowed:
    """The tests' zygote, which a bench may not close."""

    def __init__(self, zygote: Zygote) -> None:
        self._zygote = zygote

    def __getattr__(self, name: str) -> Any:
        return getattr(self._zygote, name)

    def close(self) -> None:
        pass


Prove = Callable[..., Proof]


@pytest.fixture(scope="module")
def prove(zygote: Zygote, staging: Path) -> Prove:
    """`verify` in this process; of the mistakes only those of the named exercises."""

    def prove_it(course: Course, *exercises: str, mutants: bool = False) -> Proof:
        def here(
            course: Course, tasks: Sequence[Task], jobs: int | None, *, allow_weak: bool
        ) -> Iterator[tuple[list[Trial], float]]:
            with Bench(course, staging) as trying:
                for task in tasks:
                    variants = tuple(
                        v for v in task.variants if v.kind != "mistake" or v.exercise in exercises
                    )
                    if variants:
                        yield pool._try_all(trying, dataclasses.replace(task, variants=variants)), 1

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bench, "Zygote", lambda **_: _Borrowed(zygote))
            patch.setattr(verify, "on_all_cores", here)
            return verify.verify(course, with_mutants=mutants)

    return prove_it


def failures(proof: Proof) -> list[Failure]:
    """What the stage fails in."""
    (stage,) = proof.stages
    assert proof.holds is not bool(stage.failures or proof.failures)
    return stage.failures


def command(course: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "autograder", "verify", "--course", course, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
    )


class TestAsItIs:
    def test_everything_holds_and_is_counted(self, known_course: Course, tmp_path: Path) -> None:
        run = command(known_course.root, "--jobs", 2, "--json", tmp_path / "proof.json")
        assert run.returncode == 0, run.stdout + run.stderr
        assert "✓ all of it holds (15 inputs a check, " in run.stdout
        found = json.loads((tmp_path / "proof.json").read_text(encoding="utf-8"))
        assert found["course"] == "A course with known mistakes"
        assert found["failures"] == []
        (stage,) = found["stages"]
        assert stage.keys() == set(StageProof.__struct_fields__)
        measured = ("kept", "slowest_check", "slowest_share_of_limit", "precision", "each_mistake")
        assert {name: stage[name] for name in stage if name not in measured} == {
            "stage": "sums",
            "checks": 12,
            "max_points": 10,
            "reference_points": 10,
            "stub_points": 0,
            "mistakes": 13,
            "caught": 13,
            "misplaced": 0,
            "diagnosed": 13,
            "diagnosed_alone": 13,
            "alternatives": 1,
            "alternatives_full": 1,
            "mutants": 52,
            "killed": 51,
            "equivalent": 1,
            "survived": 0,
            "failures": [],
        }
        assert 0 < stage["kept"] < 0.5
        assert 0 < stage["slowest_share_of_limit"] < 1 / 3
        (row,) = stage["precision"]
        assert (row["exercise"], row["dtype"], row["resolution"]) == ("variance", "float32", 56)
        assert 0 < row["right"] < 1 < row["wrong"]
        mistakes = stage["each_mistake"]
        assert len(mistakes) == 13
        assert all(mistake["named"] == [mistake["name"]] for mistake in mistakes)
        assert min(m["error"] for m in mistakes if m["error"] is not None) == round(row["wrong"], 1)

    def test_what_does_not_is_named_on_the_terminal_and_in_json(self, known: Any) -> None:
        known.edit(HIDDEN, "student.clamp(x, 0, 10), 10)", "student.clamp(x, 0, 10), 11)")
        known.edit("assignments/sums/handout.md", "Five", "`return n * (n - 1) // 2`\n\nFive")
        known.edit("assignments/course.toml", "examples = 15", "examples = 2")
        run = command(known.root, "--jobs", 1, "--no-mutants", "--json", "-")
        assert run.returncode == 1, run.stdout + run.stderr
        found = json.loads(run.stdout)
        (failure,) = found["failures"]
        assert (failure["what"], failure["name"]) == ("release", "student")
        names = {(f["what"], f["name"]) for f in found["stages"][0]["failures"]}
        assert ("reference", "test_above_the_range") in names
        assert ("alternative", "loops") in names


class TestChecks:
    def test_one_that_demands_what_is_wrong(self, known: Any, prove: Prove) -> None:
        known.edit(HIDDEN, "student.clamp(x, 0, 10), 10)", "student.clamp(x, 0, 10), 11)")
        found = failures(prove(known.load()))
        assert Failure("reference", "test_above_the_range", "expected 11") in found
        why = "test_above_the_range: expected 11"
        assert Failure("alternative", "loops", why) in found
        assert {f.what for f in found} == {"reference", "alternative"}

    def test_one_that_demands_nothing(self, known: Any, prove: Prove) -> None:
        known.edit(HIDDEN, "assert_equal(student.clamp(x, 0, 10), 10)", "student.clamp(x, 0, 10)")
        found = failures(prove(known.load(), "clamp"))
        assert found[0] == Failure("mistake", "clamp: no upper end", "loses no points")
        assert {f.name for f in found} == {"clamp: no upper end"}

    def test_one_that_asks_the_student_for_nothing(self, known: Any, prove: Prove) -> None:
        known.edit(HIDDEN, "assert_equal(student.clamp(x, 0, 10), 10)", "pass")
        found = failures(prove(known.load()))
        assert found == [Failure("stub", "test_above_the_range", "passes on the stub")]

    def test_an_exercise_without_a_hidden_one(self, known: Any, prove: Prove) -> None:
        known.edit(HIDDEN, '@exercise("Tally")', '@exercise("pairs")')
        found = failures(prove(known.load()))
        assert Failure("exercise", "Tally", "is judged by no hidden check") in found

    def test_a_reference_that_takes_too_long(self, known: Any, prove: Prove) -> None:
        known.edit("assignments/course.toml", "examples = 15", "examples = 2")
        known.edit("assignments/course.toml", "cpu_seconds = 3", "cpu_seconds = 1")
        slowly = "while time.process_time() < end:\n        pass"
        known.edit(REFERENCE, "import torch\n", "import time\n\nimport torch\n")
        known.edit(
            *(REFERENCE, f"    {PAIRS}"),
            f"    end = time.process_time() + 0.1\n    {slowly}\n    {PAIRS}",
        )
        (failure,) = failures(prove(known.load()))
        assert failure.what == "limit"
        assert failure.name in (MORE, "test_is_the_reference")
        assert failure.why.startswith("the reference takes 0.")
        assert failure.why.endswith(" s of 1 s")


class TestTolerances:
    WHY = (
        "notices a relative error of {} eps in torch.float32 at the least, "
        "and should notice one of 100 eps"
    )

    @pytest.mark.parametrize(
        ("old", "new", "eps"),
        [
            ("scale=float(expected)", "scale=10 * float(expected)", 308),
            ("terms=9", "terms=90", 380),
        ],
    )
    def test_one_that_is_weakened_tenfold_in_a_check(
        self, known: Any, prove: Prove, old: str, new: str, eps: int
    ) -> None:
        known.edit(HIDDEN, old, new)
        found = failures(prove(known.load()))
        assert found == [Failure("tolerance", "test_is_close", self.WHY.format(eps))]

    def test_all_of_them_weakened_tenfold(
        self, known_course: Course, prove: Prove, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tolerance = comparison.tolerance

        def weak(dtype: torch.dtype, terms: int = 1) -> float:
            return 10 * tolerance(dtype, terms)

        monkeypatch.setattr(comparison, "tolerance", weak)
        found = failures(prove(known_course))
        assert found == [Failure("tolerance", "test_is_close", self.WHY.format(560))]


class TestMistakes:
    @pytest.mark.parametrize(("new", "times"), [("return n * (n - 2) // 2", 0), ("return", 4)])
    def test_one_that_fits_the_reference_no_more(
        self, known: Any, prove: Prove, new: str, times: int
    ) -> None:
        known.edit(MISTAKES, f'"squared"\nfind = "{PAIRS}"', f'"squared"\nfind = "{new}"')
        why = f"`find` occurs {times} times in the reference, not once"
        assert failures(prove(known.load())) == [Failure("mistake", "pairs: squared", why)]

    def test_one_that_no_check_sees(self, known: Any, prove: Prove) -> None:
        known.add_mistake("pairs", "unseen", PAIRS, "return int(n) * (n - 1) // 2", "Why?")
        found = failures(prove(known.load(), "pairs"))
        assert found == [
            Failure("mistake", "pairs: unseen", "loses no points"),
            Failure("diagnosis", "pairs: unseen", "is taken for none"),
        ]

    def test_one_that_fails_elsewhere(self, known: Any, prove: Prove) -> None:
        known.add_mistake("pairs", "elsewhere", CLAMP, "return min(x, high)", "Why?")
        found = failures(prove(known.load(), "pairs"))
        assert found[:2] == [
            Failure("mistake", "pairs: elsewhere", "loses no points"),
            Failure("mistake", "pairs: elsewhere", "fails test_below_the_range of clamp too"),
        ]

    def test_one_that_is_two_others(self, known: Any, prove: Prove) -> None:
        """Three that answer alike can't be told apart, and none of them is named."""
        known.add_mistake("pairs", "ordered", PAIRS, "return n * n - n", "Why?")
        known.add_mistake("pairs", "turned", PAIRS, "return (n - 1) * n", "Why?")
        found = failures(prove(known.load(), "pairs"))
        names = ("each pair twice", "ordered", "turned")
        assert found == [Failure("diagnosis", f"pairs: {n}", "is taken for none") for n in names]

    def test_a_hint_that_quotes_its_patch(self, known: Any, prove: Prove) -> None:
        known.add_mistake("clamp", "quoted", CLAMP, "return low + x", "Why `return low + x`?")
        found = failures(prove(known.load(), "clamp"))
        assert found == [Failure("hint", "clamp: quoted", "the hint quotes the patch")]


def test_an_alternative_that_loses_a_point(known: Any, prove: Prove) -> None:
    right = (known.root / "assignments/sums/alternatives/loops.py").read_text(encoding="utf-8")
    wrong = right.replace("return high if x > high else x", "return x")
    known.write("assignments/sums/alternatives/open_end.py", wrong)
    proof = prove(known.load())
    why = "test_above_the_range: expected 10"
    assert failures(proof) == [Failure("alternative", "open_end", why)]
    assert (proof.stages[0].alternatives, proof.stages[0].alternatives_full) == (2, 1)


def test_mutants_that_survive_and_entries_that_are_not_true(known: Any, prove: Prove) -> None:
    known.edit(REFERENCE, f"    {PAIRS}", f"    unused = n - 7\n    {PAIRS}")
    known.edit(
        "assignments/sums/equivalent.toml",
        "value >= self.largest:",
        'value >= self.largest:", "if self.largest is None or value == self.largest:", "gone',
    )
    proof = prove(known.load(), mutants=True)
    found = failures(proof)
    (stage,) = proof.stages
    survivors = [f for f in found if f.why == "no check notices it"]
    assert len(survivors) == stage.survived == 8
    assert survivors[0].name == "line 9, pairs: unused = n - 7 → unused = n + 7"
    before = "if self.largest is None or value > self.largest:"
    wrong, stale = [f for f in found if f not in survivors]
    assert (wrong.what, stale.what) == ("mutant", "equivalent.toml")
    assert wrong.name.endswith(f"{before} → if self.largest is None or value == self.largest:")
    assert wrong.why.startswith("is not equivalent (to put a value in its own place ")
    assert wrong.why.endswith("): test_totals notices it")
    assert stale.name == f"Tally.add: {before} → gone"
    assert stage.mutants == stage.killed + stage.survived + stage.equivalent


class TestRelease:
    """Whatever stages are proved, the whole release is."""

    @pytest.fixture
    def released(self, known: Any) -> Any:
        """The course with its `student_template/`."""
        write_release(student_files(known.load()), known.root / "student_template")
        return known

    def found(self, known: Any) -> list[Failure]:
        return list(verify._release_failures(known.load()))

    def test_a_current_one_holds(self, released: Any, prove: Prove) -> None:
        assert self.found(released) == []
        assert prove(released.load()).holds

    def test_a_course_that_has_none_holds(self, known: Any) -> None:
        assert self.found(known) == []

    @pytest.mark.parametrize(
        ("line", "source"),
        [
            ("assert_equal(student.pairs(n), reference.pairs(n))", "a line of {}"),
            ("deviations = (values - values.mean()) ** 2", "line 23 of solutions/sums.py"),
        ],
    )
    @pytest.mark.parametrize("file", ["assignments/sums/handout.md", "sums.py", "README.md"])
    def test_a_secret_line_in_the_template(
        self, released: Any, prove: Prove, file: str, line: str, source: str
    ) -> None:
        path = released.root / "student_template" / file
        path.write_text(f"{path.read_text(encoding='utf-8')}\n# {line}\n", encoding="utf-8")
        leaked, changed = self.found(released)
        told = f"student_template/{file} would hand out {source.format(HIDDEN)}: "
        assert (leaked.what, leaked.name) == ("release", "student_template")
        assert leaked.why.startswith(told)
        assert file in changed.why

    def test_a_secret_line_in_the_source(self, known: Any, prove: Prove) -> None:
        known.edit("assignments/sums/handout.md", "Five", f"    {CLAMP}\n\nFive")
        proof = prove(known.load())
        assert failures(proof) == []
        (failure,) = proof.failures
        assert (failure.what, failure.name) == ("release", "student")
        assert failure.why.startswith("assignments/sums/handout.md would hand out line 16 of")

    def test_a_template_that_is_out_of_date(self, released: Any) -> None:
        released.edit(REFERENCE, "How many pairs can be made", "The number of pairs")
        found = self.found(released)
        assert {(failure.what, failure.name) for failure in found} == {
            ("release", "student_template")
        }
        assert any("sums.py" in failure.why for failure in found)
        assert all(f.why.endswith(": `autograder release` was not run") for f in found)

    def test_a_stub_that_can_not_be_cut(self, known: Any) -> None:
        known.edit(REFERENCE, "def clamp(", "def clip(")
        (failure,) = self.found(known)
        assert (failure.what, failure.name) == ("release", "student")
        assert "clamp" in failure.why

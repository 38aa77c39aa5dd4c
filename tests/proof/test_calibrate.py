"""What trainings have to reach, from what was measured of them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from textwrap import dedent

import msgspec
import pytest
import tomlkit

from autograder.checks import assert_reaches, goal_of, training_seeds
from autograder.checks.failures import CheckFailure
from autograder.checks.goals import FILE, SEEDS, Calibration, Goal, is_measured, trying
from autograder.course import Course, Exercise
from autograder.errors import CourseError
from autograder.proof.calibrate import (
    FALSE_FAIL,
    Measured,
    calibrate,
    goal,
    most_below,
    of_three,
    read_runs,
)
from autograder.proof.evidence import WEAKEST, digest_of, stale
from autograder.proof.odds import write_odds
from autograder.proof.plan import plan_stage
from autograder.proof.proof import Failure


def runs(variant: str, accuracies: list[float | None]) -> list[Measured]:
    return [Measured("d", "train", variant, seed, a) for seed, a in enumerate(accuracies, 1)]


class TestOdds:
    @pytest.mark.parametrize(
        ("once", "of_median"), [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0), (0.1, 0.028)]
    )
    def test_median_does_what_two_of_three_do(self, once: float, of_median: float) -> None:
        """3p²(1 − p) + p³."""
        assert of_three(once) == pytest.approx(of_median)

    def test_how_many_seeds_it_takes(self) -> None:
        """With none below of n, p is below 1 − 0.01^(1/n) with 99% confidence."""

        def bound(n: int) -> float:
            return of_three(1 - 0.01 ** (1 / n))

        enough = next(n for n in range(1, 1000) if bound(n) <= FALSE_FAIL)
        assert most_below(enough - 1) is None
        assert most_below(enough) == 0
        assert most_below(300) == 0
        assert (most_below(1000) or 0) > 3


class TestGoal:
    def test_threshold_is_what_all_but_a_few_reach(self) -> None:
        """Rounded down to a tenth; and known mistakes stand beside it."""
        weakest = runs("weakest", [90.07, *[92.0 + i / 1000 for i in range(299)]])
        found = goal([*weakest, *runs("blind", [10.0, None, 95.0, *[20.0] * 57])], allowed=0)
        assert (found.threshold, found.floor) == (90.0, 80.0)
        assert (found.seeds, found.below) == (300, 0)
        assert 5e-4 < found.false_fail <= FALSE_FAIL
        [odds] = found.mistakes
        assert (odds.name, odds.seeds) == ("blind", 60)
        assert odds.mean == pytest.approx((10 + 95 + 57 * 20) / 59, abs=0.01)
        assert odds.refused == 1
        # one of 60: below 0.106 with 99% confidence, and two of three then below 0.033
        assert 0.02 < odds.full < 0.04

    def test_some_may_fall_short_where_there_are_many(self) -> None:
        weakest = runs("weakest", [50.0, 60.0, *[93.0] * 998])
        found = goal(weakest, allowed=2)
        assert (found.threshold, found.below) == (93.0, 2)
        assert found.false_fail < FALSE_FAIL

    def test_weakest_training_has_to_be_right(self) -> None:
        with pytest.raises(CourseError, match="a training of train is refused"):
            goal(runs("weakest", [90.0, None]), allowed=0)


class TestACheck:
    def test_reads_its_goal_beside_it(self, tmp_path: Path) -> None:
        wanted = Goal(80.0, 90.0, 7e-4, 0.99, 300, 0, 93.0, 0.5)
        found = Calibration("2026-11-21", "d", {"torch": "2"}, {"train": wanted})
        (tmp_path / FILE).write_text(tomlkit.dumps(msgspec.to_builtins(found)))
        assert goal_of(str(tmp_path / "test_hidden.py"), "train") == wanted
        with pytest.raises(CourseError, match=r"has nothing of other: run `autograder calibrate"):
            goal_of(str(tmp_path / "test_hidden.py"), "other")

    def test_is_told_where_nothing_was_measured(self, tmp_path: Path) -> None:
        with pytest.raises(
            CourseError, match=rf"is missing: `autograder calibrate {tmp_path.name}`"
        ):
            goal_of(str(tmp_path / "test_hidden.py"), "train")

    def test_trains_with_one_seed_while_it_is_measured(self) -> None:
        """There is no goal then: what is reached is noted."""

        def check() -> None:
            found = goal_of("nowhere/test_hidden.py", "train")
            assert_reaches(91.5, found.threshold, floor=found.floor, problem="not enough")

        assert training_seeds() == SEEDS
        assert not is_measured()
        with trying(7) as trial:
            assert is_measured()
            assert training_seeds() == (7,)
            with pytest.raises(CheckFailure):
                check()
        assert trial.reached == [91.5]
        assert training_seeds() == SEEDS


class TestRuns:
    def test_go_on_after_an_interruption(self, tmp_path: Path) -> None:
        """A line that was cut off is left out, and so is what is no line of ours."""
        path = tmp_path / "calibration.jsonl"
        assert list(read_runs(path)) == []
        first, second = runs("weakest", [90.0, None])
        encoded = [msgspec.json.encode(run) for run in (first, second)]
        path.write_bytes(b"\n".join([*encoded, b'{"digest": "d", "exer']))
        assert list(read_runs(path)) == [first, second]


ASSIGNMENT = """\
title = "Trainings"
points = 1

[[exercises]]
name = "train"
points = 1
recipe = true
"""
REFERENCE = '''\
def train(seed):
    """A training that reaches 95%."""
    # BEGIN SOLUTION
    return 95.0
    # END SOLUTION
'''
CHECK = '''\
import statistics
from autograder.checks import assert_reaches, assert_that, exercise, goal_of, training_seeds


@exercise("train")
def test_training_reaches_its_goal(student):
    """It is accurate at the median of three seeds."""
    goal = goal_of(__file__, "train")
    found = [student.train(seed) for seed in training_seeds()]
    assert_that(min(found) > 0, "expected an accuracy above 0", found)
    accuracy = statistics.median(found)
    assert_reaches(accuracy, goal.threshold, floor=goal.floor, problem=f"{accuracy}%")
'''
MISTAKES = """\
[[mistakes]]
exercise = "train"
name = "blind"
find = "95.0"
replace = "10.0 * seed"
hint = "Does it look at the images?"

[[mistakes]]
exercise = "train"
name = "nothing"
find = "95.0"
replace = "-1.0"
hint = "What is an accuracy?"
"""


@pytest.fixture
def trainings(tmp_path: Path) -> Course:
    """A course whose trainings take no time."""
    folder = tmp_path / "assignments" / "toy"
    files = {
        "assignments/course.toml": 'title = "Toy"\nstages = ["toy"]\n',
        "assignments/toy/assignment.toml": ASSIGNMENT,
        "assignments/toy/test_hidden.py": CHECK,
        "assignments/toy/mistakes.toml": MISTAKES,
        "assignments/toy/weakest.py": "def train(seed):\n    return 90.0 + seed / 4\n",
        "solutions/toy.py": REFERENCE,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert folder.is_dir()
    return Course.load(tmp_path)


class TestCalibrating:
    def test_measures_what_the_weakest_reaches_and_what_mistakes_do(
        self, trainings: Course, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In the sandbox, by the very check; what was measured before is not measured again."""
        monkeypatch.setattr("autograder.proof.calibrate.FALSE_FAIL", 0.6)
        seen: list[tuple[int, int]] = []

        def measure() -> Calibration:
            return calibrate(
                *(trainings, "toy"), seeds=8, mistake_seeds=3, jobs=1,
                progress=lambda *counts: seen.append(counts),
            )  # fmt: skip

        found = measure()
        goal = found.goals["train"]
        assert (goal.threshold, goal.floor) == (90.2, 80.2)
        assert [(m.name, m.seeds, m.mean) for m in goal.mistakes] == [
            ("blind", 3, 20.0),
            ("nothing", 3, 0.0),
        ]
        assert [m.refused for m in goal.mistakes] == [0, 3]
        assert goal_of(str(trainings.root / "assignments/toy/test_hidden.py"), "train") == goal
        assert seen[0] == (0, 14)
        assert seen[-1] == (14, 14)

        runs = trainings.root / "assignments/toy/calibration.jsonl"
        lines = runs.read_bytes().splitlines(keepends=True)
        runs.write_bytes(b"".join(lines[:-2]))
        seen.clear()
        assert measure().goals == found.goals
        assert seen[0] == (12, 14)
        assert sorted(runs.read_bytes().splitlines(keepends=True)) == sorted(lines)

    def test_a_change_makes_what_was_measured_stale(self, trainings: Course) -> None:
        assignment = trainings.assignment("toy")
        before = digest_of(assignment)
        assert digest_of(assignment) == before
        (assignment.folder / "weakest.py").write_text("def train(seed):\n    return 91.0\n")
        assert digest_of(assignment) != before

    def test_but_not_one_that_no_training_depends_on(self, trainings: Course) -> None:
        """Of a docstring, or of a check of another exercise; of a helper's it does."""
        folder = trainings.assignment("toy").folder
        (folder / "assignment.toml").write_text(
            'title = "Trainings"\npoints = 2\n'
            '[[exercises]]\nname = "train"\npoints = 1\nrecipe = true\n'
            '[[exercises]]\nname = "other"\npoints = 1\n'
        )
        checks = folder / "test_hidden.py"
        source = checks.read_text() + dedent(
            '''
            from autograder.checks import assert_equal

            def helper(student):
                """Helps."""
                return student.train(1)

            @exercise("train")
            def test_more(student):
                """More."""
                assert helper(student) > 0

            @exercise("other")
            def test_other(student):
                """Another."""
                assert_equal(student.other(), 1)
            '''
        )

        def digest(old: str, new: str) -> str:
            assert source.count(old) == 1
            checks.write_text(source.replace(old, new))
            return digest_of(Course.load(trainings.root).assignment("toy"))

        before = digest("Helps.", "Helps.")
        assert digest("Helps.", "Is of help.\n\n    In two ways.") == before
        assert digest("student.other(), 1", "student.other(), 2") == before
        assert digest("import assert_equal", "import assert_close, assert_equal") == before
        assert digest("student.train(1)", "student.train(2)") != before
        assert digest("(student) > 0", "(student) > 1") != before
        reference = trainings.assignment("toy").reference
        reference.write_text("def other():\n    return 3\n\n" + reference.read_text())
        assert digest("Helps.", "Helps.") == before

    def test_verify_asks_for_evidence_that_is_not_older(self, trainings: Course) -> None:
        """Missing, incomplete or stale, it says so; else it is content."""
        assignment = trainings.assignment("toy")
        again = "run `autograder calibrate toy`"
        assert list(stale(assignment)) == [
            Failure("calibration", "calibration.toml", f"is missing: {again}")
        ]
        goals = {"train": Goal(80.0, 90.0, 7e-4, 0.99, 300, 0, 93.0, 0.5)}
        for digest, some, whys in [
            (digest_of(assignment), goals, []),
            (digest_of(assignment), {}, [f"was not measured: {again}"]),
            ("d", goals, [f"is older than the reference, the checks, the mistakes or {WEAKEST}: "
                          f"{again}"]),
        ]:  # fmt: skip
            found = Calibration("2026-11-21", digest, {}, some)
            text = tomlkit.dumps(msgspec.to_builtins(found))
            (assignment.folder / FILE).write_text(text)
            assert [failure.why for failure in stale(assignment)] == whys

    def test_few_seeds_prove_nothing(self, trainings: Course) -> None:
        with pytest.raises(CourseError, match=r"20 seeds can't show that fewer than 0.001"):
            calibrate(trainings, "toy", seeds=20)

    def test_needs_the_weakest_training(self, trainings: Course) -> None:
        (trainings.assignment("toy").folder / "weakest.py").unlink()
        with pytest.raises(CourseError, match=r"weakest.py is missing"):
            calibrate(trainings, "toy")

    def test_a_recipe_has_no_mutants(self, trainings: Course) -> None:
        """Another learning rate may be as right."""
        assert plan_stage(trainings.assignment("toy")).mutants.judged == ()


def test_a_stage_without_a_recipe_is_refused(toy_course: Course) -> None:
    stage = toy_course.stages[0]
    with pytest.raises(CourseError, match="no exercise is a `recipe`"):
        calibrate(toy_course, stage)


def test_an_exercise_is_no_recipe_unless_it_says_so() -> None:
    assert not Exercise("train", Decimal(1)).recipe


class TestOddsForPeople:
    def found(self) -> tuple[Calibration, list[Measured]]:
        weakest = [Measured("d", "train", "weakest", i, 90.0 + i / 100) for i in range(300)]
        lost = [Measured("d", "train", "no gradients", i, None) for i in range(60)]
        blind = [Measured("d", "train", "blind", i, 10.0 + i / 10) for i in range(60)]
        measured = [*weakest, *lost, *blind]
        goals = {"train": goal(measured, allowed=0)}
        return Calibration("2026-11-21", "d", {"torch": "2"}, goals), measured

    def test_table_stands_in_the_handout(self, tmp_path: Path) -> None:
        """Between its marks, anew each time; what stands around it stays."""
        handout = tmp_path / "handout.md"
        handout.write_text(
            "above\n<!-- calibration -->\noutdated\n<!-- end of calibration -->\nbelow\n"
        )
        for _ in range(2):
            write_odds(tmp_path, *self.found())
            text = handout.read_text()
            assert text.startswith("above\n<!-- calibration -->\n`train`: all points from **90%**")
            assert text.endswith("<!-- end of calibration -->\nbelow\n")
            assert "outdated" not in text
            assert "| no gradients | refused 60 of 60 times | below 1.6% |" in text
            assert "| blind | 12.9% | below 1.6% |" in text
            assert "below **0.069%** (99% sure)" in text

    def test_histograms_are_the_same_for_the_same_runs(self, tmp_path: Path) -> None:
        write_odds(tmp_path, *self.found())
        first = (tmp_path / "calibration.svg").read_bytes()
        write_odds(tmp_path, *self.found())
        assert (tmp_path / "calibration.svg").read_bytes() == first
        assert b"<svg" in first
        assert not (tmp_path / "handout.md").exists()

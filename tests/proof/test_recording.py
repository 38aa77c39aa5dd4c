"""Recordings: what the checks draw, and what a variant comes to on it."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from autograder.checks.comparison import assert_close
from autograder.checks.faces import Backend, Example, Face, ModuleBackend
from autograder.checks.failures import CheckStopped
from autograder.course import CheckKey, Course
from autograder.errors import AutograderError
from autograder.grading.run import reference_backend
from autograder.proof.bench import Bench
from autograder.proof.recording import Recording, record, replay
from autograder.proof.variants import reference
from autograder.sandbox.runner import Answer, Call

PAIRS: CheckKey = ("sums", "hidden", "test_is_the_reference")
VARIANCE: CheckKey = ("sums", "hidden", "test_is_close")
TWO_VALUES: CheckKey = ("sums", "public", "test_two_values")
TALLY: CheckKey = ("sums", "hidden", "test_totals")
REPEATS: CheckKey = ("sums", "hidden", "test_repeats")


@pytest.fixture(scope="module")
def recording(known_course: Course) -> Recording:
    return record(known_course)


@pytest.fixture
def changed(known_course: Course, tmp_path: Path) -> Callable[[str, str], Backend]:
    """The reference with one change, in this process."""

    def change(old: str, new: str) -> Backend:
        assignment = known_course.assignment("sums")
        source = assignment.reference.read_text(encoding="utf-8")
        assert old in source
        (tmp_path / "sums.py").write_text(source.replace(old, new), encoding="utf-8")
        return ModuleBackend(tmp_path, "sums", assignment.probes)

    return change


def pairs_drawn(recording: Recording) -> list[int]:
    return [example.kwargs["n"] for example in recording.drawn[PAIRS]]


class TestRecord:
    def test_every_check_has_its_examples(self, recording: Recording, known_course: Course) -> None:
        counts = {key: len(examples) for key, examples in recording.drawn.items()}
        assert len(counts) == len(known_course.assignment("sums").checks)
        assert counts[PAIRS] == counts[VARIANCE] == counts[REPEATS] == 15
        assert counts[TWO_VALUES] == 1  # without `given` it is an example itself
        assert counts["sums", "public", "test_nothing_is_the_largest_of_nothing"] == 1

    def test_a_reference_that_fails_in_this_process_is_told(
        self, recording: Recording, known: Any, staging: Path
    ) -> None:
        """Though it is right in a worker: what was recorded of it is cut short."""
        assert recording.failed == {}
        here = 'import sys\n\nimport torch\n\nif "pytest" in sys.modules:\n    raise OSError("x")\n'
        known.edit("solutions/sums.py", "import torch\n", here)
        course = known.load()
        with Bench(course, staging) as bench:
            failed = bench.grade(reference(course.assignment("sums"))).failed
        assert failed[TWO_VALUES].startswith("in the grader's own process: ")

    def test_a_seed_draws_others_and_the_same_ones_again(
        self, recording: Recording, known_course: Course
    ) -> None:
        five, again = record(known_course, 5), record(known_course, 5)
        assert pairs_drawn(five) == pairs_drawn(again) != pairs_drawn(recording)
        assert pairs_drawn(record(known_course)) == pairs_drawn(recording)

    def test_the_names_that_a_check_uses_are_those_it_asks_for_itself_or_through_a_probe(
        self, recording: Recording
    ) -> None:
        assert recording.names[PAIRS] == {"pairs"}
        assert recording.names[TWO_VALUES] == {"variance"}
        assert recording.names[TALLY] == {"Tally"}

    def test_every_check_has_its_time(self, recording: Recording) -> None:
        assert recording.seconds_used.keys() == recording.drawn.keys()
        assert all(0 <= seconds < 60 for seconds in recording.seconds_used.values())

    def test_checks_that_can_not_be_run_are_our_error(self, known: object) -> None:
        known.edit("assignments/sums/test_hidden.py", "_MANY = 40", "import nowhere")  # type: ignore[attr-defined]
        with pytest.raises(AutograderError, match=r"the checks can't be run: .*nowhere"):
            record(known.load())  # type: ignore[attr-defined]


class TestReplay:
    def test_the_reference_holds_again_and_again(
        self, recording: Recording, known_course: Course
    ) -> None:
        """Also where a check has drawn from its generator."""
        backend = reference_backend(known_course, "sums")
        for _ in range(2):
            for key, examples in recording.drawn.items():
                held = replay(examples, backend)
                assert (key, held.first, held.how) == (key, None, "")

    def test_the_first_example_that_fails_has_its_number_and_its_sentence(
        self, recording: Recording, changed: Callable[[str, str], Backend]
    ) -> None:
        drawn = pairs_drawn(recording)
        large = max(drawn[:10])
        backend = changed("n * (n - 1) // 2", f"0 if n == {large} else n * (n - 1) // 2")
        held = replay(recording.drawn[PAIRS], backend)
        assert held.first == drawn.index(large)
        assert held.how == f"expected {large * (large - 1) // 2}"

    @pytest.mark.parametrize(
        ("new", "how"),
        [
            ("raise NotImplementedError", "`pairs` is not implemented yet"),
            ("return 1 // 0", "ZeroDivisionError: integer division or modulo by zero"),
            ("assert False", "AssertionError: "),
        ],
    )
    def test_whatever_ends_an_example_fails_it(
        self, recording: Recording, changed: Callable[[str, str], Backend], new: str, how: str
    ) -> None:
        held = replay(recording.drawn[PAIRS], changed("return n * (n - 1) // 2", new))
        assert (held.first, held.how) == (0, how)

    def test_comparisons_say_how_close_they_were(
        self, recording: Recording, known_course: Course, changed: Callable[[str, str], Backend]
    ) -> None:
        """The largest error in units of the tolerance, and the finest resolution, by dtype."""
        right = replay(recording.drawn[VARIANCE], reference_backend(known_course, "sums"))
        (near,) = right.closest
        assert near.dtype is torch.float32
        assert 0 < near.error < 1
        # 10 + 2 · 9 eps of the value itself, and as much of the scale, which is the value
        assert near.resolution == pytest.approx(56, abs=0.1)
        off = changed("deviations.sum()", "(1 + 3e-6) * deviations.sum()")
        (nearer,) = replay(recording.drawn[VARIANCE], off).closest
        assert near.error + 0.3 < nearer.error < 1
        wrong = changed("deviations.sum()", "float('nan') * deviations.sum()")
        held = replay(recording.drawn[VARIANCE], wrong)
        assert held.first == 0
        assert held.closest[0].error == math.inf

    def test_of_several_comparisons_the_largest_error_and_the_finest_resolution_count(
        self, known_course: Course
    ) -> None:
        def check(student: Face, error: float, scale: float) -> None:
            values = torch.tensor([0.0, 2.0])
            assert_close(student.variance(values), torch.tensor(1 + error), scale=scale)

        backend = reference_backend(known_course, "sums")
        inputs = [(0.0, 9.0), (1e-6, 1.0), (0.0, 4.0)]
        examples = [Example(check, (Face(backend),), {"error": e, "scale": s}) for e, s in inputs]
        (near,) = replay(examples, backend).closest
        assert near.resolution == pytest.approx(24, abs=0.1)
        assert near.error == pytest.approx(1e-6 / (24 * torch.finfo(torch.float32).eps), rel=0.1)

    def test_a_check_that_compares_exactly_says_nothing_of_closeness(
        self, recording: Recording, known_course: Course
    ) -> None:
        backend = reference_backend(known_course, "sums")
        assert replay(recording.drawn[PAIRS], backend).closest == ()

    def test_a_failure_of_the_sandbox_is_nobodys(self, recording: Recording) -> None:
        class Broken:
            def load(self) -> None:
                raise CheckStopped("ungraded", "the zygote is gone")

            def call(self, call: Call) -> Answer:
                raise AssertionError

            def close(self) -> None:
                pass

        with pytest.raises(AutograderError, match="the zygote is gone"):
            replay(recording.drawn[PAIRS], Broken())

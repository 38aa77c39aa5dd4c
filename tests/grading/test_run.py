"""Runs: one session of pytest, and in it one run of the checks after the other."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from autograder.checks.faces import Example, Face, ModuleBackend
from autograder.checks.failures import CheckFailure, Made
from autograder.checks.formatting import show_call
from autograder.course import CheckKey, Course
from autograder.grading.backend import StageRun, Trace
from autograder.grading.run import Run, reference_backend, run_checks
from autograder.sandbox.runner import Answer, Call, Returned
from autograder.sandbox.workers import Zygote

PAIRS: CheckKey = ("sums", "hidden", "test_is_the_reference")
BELOW: CheckKey = ("sums", "public", "test_below_the_range")
ABOVE: CheckKey = ("sums", "hidden", "test_above_the_range")
TWO_VALUES: CheckKey = ("sums", "public", "test_two_values")
MIXED: CheckKey = ("sums", "hidden", "test_is_mixed")


@pytest.fixture
def stages(
    known_course: Course, zygote: Zygote, submission: Callable[..., Path]
) -> Callable[..., dict[str, StageRun]]:
    """The stages of a submission: the reference with the given changes."""
    assignment = known_course.assignment("sums")

    def change(*changes: tuple[str, str]) -> dict[str, StageRun]:
        source = assignment.reference.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in source
            source = source.replace(old, new)
        return {"sums": StageRun(zygote, submission(sums=source), assignment)}

    return change


def calls(run: Run, key: CheckKey) -> list[str]:
    """The calls that a check made, as one would type them."""
    return [show_call(made.call) for made in run.traces[key]]


def outcomes(run: Run) -> dict[str, str]:
    return {name: verdict.outcome for (_, _, name), verdict in run.verdicts.items()}


class TestOneSession:
    def test_every_run_sees_the_same_inputs(
        self, known_course: Course, stages: Callable[..., dict[str, StageRun]]
    ) -> None:
        """Also the one after a failure, for which hypothesis has drawn more."""
        first, wrong, last = (
            Run(known_course, stages()),
            Run(known_course, stages(("max(low, min(x, high))", "x"))),
            Run(known_course, stages()),
        )
        assert run_checks(known_course, [first, wrong, last]) is None
        assert len(calls(first, PAIRS)) == known_course.examples[PAIRS[0]]
        assert first.traces.keys() == last.traces.keys() == first.verdicts.keys()
        for key in first.traces:
            assert calls(first, key) == calls(last, key)
        for made in calls(wrong, BELOW)[:1]:
            assert made == calls(first, BELOW)[0]
        assert set(outcomes(first).values()) == set(outcomes(last).values()) == {"passed"}

    def test_a_run_may_depend_on_what_the_last_came_to(
        self, known_course: Course, stages: Callable[..., dict[str, StageRun]]
    ) -> None:
        first = Run(known_course, stages(("min(x, high)", "x")))
        again: list[Run] = []

        def runs() -> Iterator[Run]:
            yield first
            failed = {key for key, verdict in first.verdicts.items() if verdict.outcome != "passed"}
            again.append(Run(known_course, stages(), only=failed))
            yield again[0]

        assert run_checks(known_course, runs()) is None
        assert outcomes(again[0]) == {"test_above_the_range": "passed"}
        assert outcomes(first)["test_above_the_range"] == "failed"

    def test_an_error_of_the_iterator_is_its_callers(self, known_course: Course) -> None:
        first = Run(known_course, only={TWO_VALUES})

        def runs() -> Iterator[Run]:
            yield first
            raise LookupError("no more")

        with pytest.raises(LookupError, match="no more"):
            run_checks(known_course, runs())
        assert outcomes(first) == {"test_two_values": "passed"}

    def test_an_interrupt_is_one(self, known_course: Course) -> None:
        def runs() -> Iterator[Run]:
            yield Run(known_course, only={TWO_VALUES})
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run_checks(known_course, runs())

    def test_checks_that_can_not_be_collected_are_a_sentence_and_nothing_is_run(
        self, known: Any
    ) -> None:
        known.edit("assignments/sums/test_hidden.py", "_MANY = 40", "import no_such_module")
        course = known.load()
        run = Run(course)
        fault = run_checks(course, [run])
        assert fault is not None
        assert "no_such_module" in fault
        assert not run.verdicts


class TestWhatIsRun:
    def test_only_the_checks_that_are_asked_for(self, known_course: Course) -> None:
        some, none = Run(known_course, only={PAIRS, TWO_VALUES}), Run(known_course, only=set())
        assert run_checks(known_course, [some, none]) is None
        assert some.verdicts.keys() == {PAIRS, TWO_VALUES}
        assert not none.verdicts

    def test_a_seed_gives_other_inputs_and_the_same_ones_again(
        self, known_course: Course, stages: Callable[..., dict[str, StageRun]]
    ) -> None:
        def run(seed: int | None = None) -> Run:
            return Run(known_course, stages(), only={PAIRS, TWO_VALUES, MIXED}, seed=seed)

        usual, five, six, five_again, usual_again = run(), run(5), run(6), run(5), run()
        every = [usual, five, six, five_again, usual_again]
        assert run_checks(known_course, every) is None
        for key in (PAIRS, MIXED):
            assert calls(usual, key) == calls(usual_again, key)
            assert calls(five, key) == calls(five_again, key)
            different = [calls(one, key) for one in (usual, five, six)]
            assert different[0] != different[1] != different[2] != different[0]
        assert {len(calls(one, TWO_VALUES)) for one in every} == {1}

    def test_the_first_failure_ends_a_run_and_not_the_next(
        self, known_course: Course, stages: Callable[..., dict[str, StageRun]]
    ) -> None:
        short = Run(known_course, stages(("max(low, min(x, high))", "x")), until_failure=True)
        whole = Run(known_course, stages(("max(low, min(x, high))", "x")))
        assert run_checks(known_course, [short, whole]) is None
        assert list(outcomes(short).values()) == ["passed", "failed"]
        assert list(short.verdicts) == list(whole.verdicts)[:2]
        assert len(whole.verdicts) == len(known_course.assignment("sums").checks)


class TestWhatIsKept:
    def test_a_failure_has_its_smallest_example_with_its_calls(
        self, known_course: Course, stages: Callable[..., dict[str, StageRun]]
    ) -> None:
        run = Run(known_course, stages(("return n * (n - 1) // 2", "return n if n > 5 else 0")))
        run_checks(known_course, [run])
        failing = run.failing[PAIRS]
        assert failing.example.kwargs["n"] == 2
        assert failing.calls == [Made(Call("pairs", (2,)), Returned(0))]
        assert isinstance(failing.error, CheckFailure)
        assert str(failing.error) == "expected 1"
        assert PAIRS in run.traces
        assert BELOW not in run.failing
        assert failing.error.__traceback__ is None  # frames would hold all that a check has drawn

    def test_a_trace_has_the_calls_as_they_were_drawn_and_those_of_the_shrinking(
        self, known_course: Course, stages: Callable[..., dict[str, StageRun]]
    ) -> None:
        right = Run(known_course, stages(), only={ABOVE})
        wrong = Run(known_course, stages(("min(x, high)", "x")), only={ABOVE})
        run_checks(known_course, [right, wrong])
        assert calls(wrong, ABOVE)[0] == calls(right, ABOVE)[0]
        assert calls(wrong, ABOVE)[-1] == "clamp(11, 0, 10)"
        assert all(isinstance(made.answer, Returned) for made in wrong.traces[ABOVE])

    def test_of_stages_before_only_what_failed_is_kept(
        self, toy_course: Course, zygote: Zygote, submission: Callable[..., Path]
    ) -> None:
        """What is right needs no hint, and twelve stages of it would not fit a small machine."""
        folder = submission(
            doubles="def double(n):\n    return 2 * n\ndef half(n):\n    return n\n",
            words="def shout(word):\n    return word.upper()\n",
        )
        assignments = toy_course.assignments
        run = Run(toy_course, {a.stage: StageRun(zygote, folder, a) for a in assignments})
        room = run._room
        run_checks(toy_course, [run])
        kept = {(stage, name) for stage, _, name in run.traces}
        assert kept == {("doubles", "test_half_of_double"), ("words", "test_shout_is_upper_case")}
        assert run._room == room - sum(trace.used for trace in run.traces.values())

    def test_of_a_long_trace_both_ends_are_kept(self) -> None:
        trace = Trace()
        for n in range(1000):
            trace.add(Made(Call("f", (n,)), Returned(n)))
        assert [made.call.args[0] for made in trace] == [*range(40), *range(960, 1000)]

    def test_a_check_without_inputs_is_an_example_itself(
        self, known_course: Course, stages: Callable[..., dict[str, StageRun]]
    ) -> None:
        run = Run(known_course, stages(("return deviations.sum()", "return deviations.max() + 1")))
        run_checks(known_course, [run])
        failing = run.failing[TWO_VALUES]
        assert failing.example.kwargs.keys() == {"student"}
        assert [made.call.name for made in failing.calls] == ["variance"]
        right = Face(reference_backend(known_course, "sums"))
        assert failing.example.run(right) is None

    def test_a_failing_example_fails_again_on_the_same_submission_and_not_on_the_reference(
        self, known_course: Course, submission: Callable[..., Path], stages: Any
    ) -> None:
        change = ("return torch.randperm(n, generator=generator)", "return torch.arange(n)")
        run = Run(known_course, stages(change), only={MIXED})
        run_checks(known_course, [run])
        example = run.failing[MIXED].example
        right = Face(reference_backend(known_course, "sums"))
        wrong = Face(ModuleBackend(run.stages["sums"].folder, "sums", None))  # type: ignore[index]
        assert example.run(right) is None
        assert str(example.run(wrong)) == "they are in order"

    def test_of_a_check_with_several_items_the_first_failure_is_kept(
        self, known: Any, stages: Callable[..., dict[str, StageRun]]
    ) -> None:
        known.edit(
            "assignments/sums/test_public.py",
            '@exercise("variance")\ndef test_two_values(student):',
            '@exercise("pairs")\n@pytest.mark.parametrize("n", [1, 2, 3, 4])\n'
            "def test_some(student, n):\n"
            '    """Some are right."""\n'
            "    assert_equal(student.pairs(n), n * (n - 1) // 2)\n\n\n"
            '@exercise("variance")\ndef test_two_values(student):',
        )
        known.edit(
            "assignments/sums/test_public.py", "import torch\n", "import pytest\nimport torch\n"
        )
        course = known.load()
        run = Run(course, stages(("return n * (n - 1) // 2", "return 0 if n < 3 else 100 * n")))
        assert run_checks(course, [run]) is None
        key: CheckKey = ("sums", "public", "test_some")
        assert run.failing[key].example.kwargs["n"] == 2
        assert calls(run, key) == ["pairs(2)"]
        assert run.verdicts[key].outcome == "failed"
        assert "pairs(2)" in run.verdicts[key].message

    def test_what_breaks_down_is_unsure_and_what_fails_is_not(
        self, known_course: Course, stages: Callable[..., dict[str, StageRun]]
    ) -> None:
        """`sorted(found.tolist())` breaks down on None: whose fault that is has to be settled."""
        run = Run(known_course, stages(("return torch.randperm(n, generator=generator)", "pass")))
        run_checks(known_course, [run])
        assert {name for _, _, name in run.unsure} == {"test_is_a_permutation", "test_is_mixed"}
        assert outcomes(run)["test_is_mixed"] == "failed"


class _Listening:
    """A backend that keeps the calls and answers each with nothing."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def load(self) -> None:
        pass

    def call(self, call: Call) -> Answer:
        self.calls.append(call)
        return Returned(None)

    def close(self) -> None:
        pass


class TestReplay:
    def test_generators_begin_again(self) -> None:
        """The check may have drawn from them: a replay sees what the first run saw."""

        def check(student: Face, generator: torch.Generator) -> None:
            student.f(torch.rand(3, generator=generator))

        generator = torch.Generator().manual_seed(7)
        backend = _Listening()
        face = Face(backend)
        for values in ((face, generator), ()):
            named = {} if values else {"student": face, "generator": generator}
            for _ in range(2):
                assert Example(check, values, named).run(face) is None
        first = torch.rand(3, generator=torch.Generator().manual_seed(7))
        assert len(backend.calls) == 4
        assert all(torch.equal(call.args[0], first) for call in backend.calls)

    def test_what_the_check_changed_begins_again(self) -> None:
        """Whatever it was given is as it was drawn, each time."""

        @dataclass(frozen=True)
        class Drawn:
            numbers: list[int]

        def check(student: Face, case: dict[str, torch.Tensor], drawn: Drawn) -> None:
            student.f(case["x"], list(drawn.numbers))
            case |= {"x": case["x"].repeat(2)}
            case["y"] += 1
            drawn.numbers.append(3)
            student.f(case["x"], case["y"], drawn.numbers)

        backend = _Listening()
        face = Face(backend)
        case = {"x": torch.ones(2), "y": torch.zeros(3, 2).T}
        strides = case["y"].stride()
        example = Example(check, (face,), {"case": case, "drawn": Drawn([1, 2])})
        check(face, case, Drawn([1, 2]))
        for _ in range(2):
            assert example.run(face) is None
        assert len(backend.calls) == 6
        for first, second in zip(backend.calls[::2], backend.calls[1::2], strict=True):
            assert first.args[0].shape == (2,)
            assert second.args[0].shape == (4,)
            assert torch.equal(second.args[1], torch.ones(2, 3))
            assert second.args[1].stride() == strides
            assert first.args[1] == [1, 2]
            assert second.args[2] == [1, 2, 3]

    def test_the_students_place_is_taken_and_the_reference_stays(self) -> None:
        def check(student: Face, *, reference: Face) -> None:
            student.f(1)
            reference.g(2)

        students, theirs, others = _Listening(), _Listening(), _Listening()
        named = {"reference": Face(theirs, trusted=True)}
        Example(check, (Face(students),), named).run(Face(others))
        assert students.calls == []
        assert [call.name for call in theirs.calls] == ["g"]
        assert [call.name for call in others.calls] == ["f"]


def test_a_trace_has_no_room_for_answers_without_end() -> None:
    """They come from outside, and stay until the submission is graded."""
    trace = Trace()
    for _ in range(10):
        trace.add(Made(Call("f"), Returned(torch.zeros(300_000))))
    assert len(list(trace)) == 3
    trace.add(Made(Call("f"), Returned(1)))
    assert len(list(trace)) == 4, "what fits is kept all the same"
    assert trace.used <= trace.room


def test_what_a_check_imports_from_beside_the_course_stays_loaded(
    known: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A virtual environment in the course's folder holds torch, which can't be loaded twice."""
    library = known.root / ".venv" / "lib"
    library.mkdir(parents=True)
    (library / "beside_the_course.py").write_text("x = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(library)
    hidden = known.root / "assignments" / "sums" / "test_hidden.py"
    hidden.write_text("import beside_the_course\n" + hidden.read_text(encoding="utf-8"))
    course = Course.load(known.root)
    assert run_checks(course, [Run(course)]) is None
    assert sys.modules.pop("beside_the_course").__spec__ is not None
    assert not [name for name in sys.modules if name.endswith("sums.test_hidden")]

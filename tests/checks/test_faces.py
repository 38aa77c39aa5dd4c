"""A face is a submission as functions of values; here it stands before a module of the student's.

What a sandboxed worker answers to the same calls is in tests/grading.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
import torch

from autograder.checks.faces import Face, ModuleBackend, calls_of
from autograder.checks.failures import CheckStopped, StudentRaised

Write = Callable[..., Face]


@pytest.fixture
def face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a student's module ``toy_stage.py`` and stand a face before it."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(sys.modules, "toy_stage", sys)  # put back afterwards

    def write(source: str | bytes, probes: str | None = None) -> Face:
        text = source if isinstance(source, bytes) else dedent(source).encode()
        (tmp_path / "toy_stage.py").write_bytes(text)
        if probes is not None:
            (tmp_path / "probes.py").write_text(dedent(probes))
        beside = tmp_path / "probes.py" if probes is not None else None
        return Face(ModuleBackend(tmp_path, "toy_stage", beside))

    return write


def stopped(call: Callable[[], object]) -> CheckStopped:
    """How a check ends in which `call` is made."""
    with pytest.raises(CheckStopped) as caught:
        call()
    return caught.value


class TestACall:
    def test_returns_what_the_function_returns(self, face: Write) -> None:
        """With positional and named arguments."""
        student = face("def power(base, exponent=2):\n    return base ** exponent")
        assert student.power(3) == 9
        assert student.power(3, exponent=3) == 27

    def test_brings_plain_values_back(self, face: Write) -> None:
        """Scalars of NumPy, parameters and iterators come as what they hold."""
        student = face("""
            import numpy, torch
            def scalar(): return numpy.float64(0.5)
            def parameter(): return torch.nn.Parameter(torch.ones(2))
            def lazy(): return (n * n for n in range(3))
            """)
        assert type(student.scalar()) is float
        assert type(student.parameter()) is torch.Tensor
        assert not student.parameter().requires_grad
        assert student.lazy() == [0, 1, 4]

    def test_keeps_the_layout_of_a_tensor(self, face: Write) -> None:
        """The function meets the memory layout that the check drew."""
        student = face("def stride(x):\n    return x.stride()")
        assert student.stride(torch.ones(2, 3).T) == (1, 3)
        assert student.stride(torch.ones(3, 1).expand(3, 4)) == (1, 0)

    def test_can_not_reach_the_values_of_the_check(self, face: Write) -> None:
        """A function that modifies its arguments modifies copies, and it is noted."""
        student = face("""
            def spoil(x, items, a):
                x.zero_(); items.append(1); a[0] = 7
            """)
        x, items, a = torch.ones(2), [], np.ones(2)
        student.spoil(x, items, a=a)
        assert x.tolist() == [1, 1]
        assert items == []
        assert a.tolist() == [1, 1]
        assert calls_of(student)[0].answer.mutated == ["argument 1", "argument 2", "a"]

    def test_again_is_the_second_of_two(self, face: Write) -> None:
        """A function that modifies its arguments gives itself away."""
        student = face("def next_one(items):\n    items.append(0)\n    return len(items)")
        assert student.next_one([]) == 1
        assert student.again.next_one([]) == 2

    def test_again_meets_a_generator_as_it_was(self, face: Write) -> None:
        """Drawing from a generator is no modification: the second call draws the same."""
        student = face("""
            import torch
            def draw(generator): return torch.rand(2, generator=generator)
            """)
        generator = torch.Generator().manual_seed(5)
        assert torch.equal(student.again.draw(generator), student.draw(generator))

    def test_of_a_probe_runs_beside_the_submission(self, face: Write) -> None:
        """A probe gets the submission and drives its classes."""
        student = face(
            "class Counter:\n    n = 0\n    def count(self):\n        self.n += 1",
            "def counted(student, times):\n"
            "    counter = student.Counter()\n"
            "    for _ in range(times): counter.count()\n"
            "    return counter.n",
        )
        assert student.probe.counted(3) == 3

    def test_of_a_name_with_an_underscore_is_none(self, face: Write) -> None:
        """Such attributes are the face's own, and copy and pytest look for some."""
        student = face("_secret = 1")
        with pytest.raises(AttributeError):
            student._secret()


class TestTheModule:
    def test_is_imported_when_the_first_call_is_made(self, face: Write, tmp_path: Path) -> None:
        """And once for all the calls of a check."""
        student = face("""
            import pathlib
            with open(pathlib.Path(__file__).parent / "log", "a") as log: log.write("x")
            def f(): pass
            """)
        assert not (tmp_path / "log").exists()
        student.f()
        student.f()
        assert (tmp_path / "log").read_text() == "x"

    def test_is_fresh_for_every_face(self, face: Write, tmp_path: Path) -> None:
        """Nothing that one check left behind reaches the next."""
        source = "seen = []\ndef f():\n    seen.append(1)\n    return len(seen)"
        assert [face(source).f(), face(source).f()] == [1, 1]

    def test_starts_from_the_same_seed(self, face: Write) -> None:
        """Code that draws without a generator draws the same in every check."""
        source = "import torch\ndef f():\n    return torch.rand(3)"
        first = face(source).f()
        torch.rand(1)
        assert torch.equal(face(source).f(), first)

    def test_that_changed_is_read_anew(self, face: Write) -> None:
        """No stale bytecode is run, however fast the change."""
        assert face("def f(): return 1").f() == 1
        assert face("def f(): return 2").f() == 2


class TestNoAnswer:
    def test_without_the_file(self, tmp_path: Path) -> None:
        """The file is missing; where it was looked for is said."""
        stop = stopped(Face(ModuleBackend(tmp_path, "toy_stage", None)).f)
        assert stop.outcome == "missing"
        assert "toy_stage.py is missing" in stop.message
        assert str(tmp_path) in stop.message

    def test_without_the_function(self, face: Write) -> None:
        """The name is missing, to a probe too."""
        student = face("def f(): pass", "def p(student): student.h()")
        assert (stopped(student.g).outcome, stopped(student.g).message) == (
            "missing",
            "`g` is missing",
        )
        assert stopped(student.probe.p).message == "`h` is missing"

    def test_of_a_stub(self, face: Write) -> None:
        """What only raises NotImplementedError is not implemented yet."""
        student = face("def f():\n    raise NotImplementedError")
        assert stopped(student.f).outcome == "missing"
        assert stopped(student.f).message == "`f` is not implemented yet"

    def test_of_a_stub_that_another_function_needs(self, face: Write) -> None:
        """The stub is named, not the function that calls it."""
        student = face("def f():\n    return g()\ndef g():\n    raise NotImplementedError")
        assert stopped(student.f).message == "`g` is not implemented yet"

    def test_but_a_library_that_lacks_something_is_an_error(self, face: Write) -> None:
        """A NotImplementedError from elsewhere says nothing of the student's progress."""
        student = face("""
            import torch
            def f(): torch.nn.Module()(1)
            """)
        with pytest.raises(StudentRaised):
            student.f()

    @pytest.mark.parametrize(
        ("source", "words"),
        [
            ("def f(:\n    pass", ["SyntaxError", "line 1", "def f(:"]),
            ("x = 1\ny = x / 0\n", ["ZeroDivisionError", "line 2", "y = x / 0"]),
            ("import no_such_module", ["ModuleNotFoundError", "no_such_module"]),
            ("import sys\nsys.exit(3)", ["SystemExit", "line 2"]),
            (b"x = 1\ny = '\xe9'\n", ["SyntaxError", "UTF-8", "line 2"]),
            (b"x = '\0'", ["SyntaxError", "null"]),
        ],
    )
    def test_of_a_module_that_can_not_be_imported(
        self, face: Write, source: str | bytes, words: list[str]
    ) -> None:
        """The line is shown, without the path to it."""
        stop = stopped(face(source).f)
        assert stop.outcome == "error"
        assert stop.message.startswith("toy_stage.py can't be imported: ")
        assert all(word in stop.message for word in words)
        assert "/" not in stop.message.replace("x / 0", "")

    def test_that_can_be_compared(self, face: Write) -> None:
        """The call and the type are named."""
        student = face("def f(n):\n    return {n}")
        stop = stopped(lambda: student.f(3))
        assert stop.outcome == "failed"
        assert stop.message == "f(3)\n    returned a value of type set"


class TestAnException:
    def test_is_known_with_its_line(self, face: Write) -> None:
        """It reaches the check as StudentRaised, so that hypothesis can shrink it."""
        student = face("def f(n):\n    return 1 // n")
        with pytest.raises(StudentRaised, match="division") as caught:
            student.f(0)
        where = caught.value.raised.where
        assert (where.file, where.line, where.function) == ("toy_stage.py", 2, "f")
        assert where.source == "return 1 // n"

    def test_is_known_by_its_bases(self, face: Write) -> None:
        """Its own class and those that it derives from."""
        student = face("class Bad(ValueError): pass\ndef f():\n    raise Bad('no')")
        with pytest.raises(StudentRaised) as caught:
            student.f()
        assert caught.value.is_a(ValueError)
        assert caught.value.is_a(Exception)
        assert not caught.value.is_a(TypeError)

    @pytest.mark.parametrize("code", ["sys.exit(0)", "raise BaseException", "raise GeneratorExit"])
    def test_that_would_end_a_process_is_an_exception_like_others(
        self, face: Write, code: str
    ) -> None:
        """It ends no check but its own."""
        student = face(f"import sys\ndef f():\n    {code}")
        with pytest.raises(StudentRaised):
            student.f()

    def test_of_the_keyboard_goes_through(self, face: Write) -> None:
        """Ctrl-C is the user's, whatever code is running."""
        student = face("def f():\n    raise KeyboardInterrupt")
        with pytest.raises(KeyboardInterrupt):
            student.f()

    def test_whose_text_raises_is_told_all_the_same(self, face: Write) -> None:
        """A broken `__str__` breaks no report."""
        student = face("""
            class Bad(Exception):
                def __str__(self): raise Bad
            def f(): raise Bad
            """)
        with pytest.raises(StudentRaised, match="can't be shown"):
            student.f()

    def test_in_a_lazy_result_is_the_functions(self, face: Write) -> None:
        """A generator function runs when its result is read."""
        student = face("def f():\n    yield 1\n    yield 1 // 0")
        with pytest.raises(StudentRaised, match="division"):
            student.f()


def test_a_probe_that_tells_how_far_it_is_is_heard(tmp_path: Path) -> None:
    """Its own function of that name is for where nobody watches."""
    probes = tmp_path / "probes.py"
    probes.write_text(
        "def progress(share, text):\n    pass\n"
        "def train(student):\n    progress(0.5, 'half')\n    return student.f()\n"
    )
    (tmp_path / "stage.py").write_text("def f():\n    return 3\n")
    heard: list[tuple[float, str]] = []
    watched = ModuleBackend(tmp_path, "stage", probes, lambda *told: heard.append(told))
    assert Face(watched).probe.train() == 3
    assert heard == [(0.5, "half")]
    assert Face(ModuleBackend(tmp_path, "stage", probes)).probe.train() == 3
    assert len(heard) == 1

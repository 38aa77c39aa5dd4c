"""The runner: what comes back from importing a submission and from calling its functions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from autograder.sandbox.runner import Call, Missing, Raised, Returned, Runner, Unsendable

STAGE = "runner_stage"


@pytest.fixture(autouse=True)
def _restore_imports() -> Iterator[None]:
    """A runner makes its submission importable; here, many follow each other."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


@pytest.fixture
def load(submission: Callable[..., Path]) -> Callable[..., Runner]:
    """A runner of a submission whose stage has this source, imported."""

    def loaded(source: str, probes: str | None = None, **others: str) -> Runner:
        runner = Runner(submission(**{STAGE: source}, **others), STAGE, probes)
        assert runner.load() is None
        return runner

    return loaded


def failed_import(folder: Path) -> Raised:
    raised = Runner(folder, STAGE).load()
    assert raised is not None
    return raised


class TestImport:
    def test_syntax_error(self, submission):
        """A syntax error tells the message, file, line and text, without our paths."""
        folder = submission(**{STAGE: "x = 1\ndef f(:\n    pass\n"})
        raised = failed_import(folder)
        assert raised.type == "SyntaxError"
        assert raised.where is not None
        assert (raised.where.file, raised.where.line) == (f"{STAGE}.py", 2)
        assert raised.where.source == "def f(:"
        assert str(folder) not in raised.message

    def test_not_utf8(self, submission):
        """A file in another encoding tells the byte, the line and the remedy."""
        raised = failed_import(submission(**{STAGE: b"# one\nname = 'caf\xe9'\n"}))
        assert raised.type == "SyntaxError"
        assert "0xe9" in raised.message
        assert "UTF-8" in raised.message
        assert raised.where is not None
        assert raised.where.line == 2

    def test_declared_encoding(self, submission):
        """A file that declares its encoding, or begins with a byte order mark, is Python too."""
        for source in (b"# coding: latin-1\nNAME = 'caf\xe9'\n", b"\xef\xbb\xbfNAME = 'x'\n"):
            assert Runner(submission(**{STAGE: source}), STAGE).load() is None

    def test_null_byte(self, submission):
        """A file with a null byte in it is a failed import like any other."""
        assert failed_import(submission(**{STAGE: b"x = 1\n\0\n"})).type in (
            "SyntaxError",
            "ValueError",
        )

    @pytest.mark.parametrize(
        "statement, name",
        [
            ("raise ValueError('no')", "ValueError"),
            ("raise SystemExit(0)", "SystemExit"),
            ("raise KeyboardInterrupt", "KeyboardInterrupt"),
            ("class E(BaseException): pass\nraise E", "E"),
            ("import no_such_module", "ModuleNotFoundError"),
        ],
    )
    def test_exception_at_import(self, submission, statement, name):
        """Whatever an import raises comes back as data, and its line with it."""
        raised = failed_import(submission(**{STAGE: f"x = 1\n{statement}\n"}))
        assert raised.type == name
        assert raised.bases[0] == name
        assert "BaseException" in raised.bases
        assert raised.where is not None
        assert raised.where.line == 1 + len(statement.splitlines())
        assert raised.where.function == "<module>"

    def test_missing_file(self, submission):
        """A stage that was not handed in can't be imported."""
        assert failed_import(submission()).type == "FileNotFoundError"

    def test_helpers_beside_the_stage(self, load):
        """A submission may be spread over several files, and defines classes and dataclasses."""
        runner = load(
            """
            from dataclasses import dataclass
            from runner_helper import twice

            @dataclass
            class Pair:
                a: int

            def f(n):
                return twice(Pair(n).a)
            """,
            runner_helper="def twice(n):\n    return 2 * n\n",
        )
        assert runner.call(Call("f", (4,))) == Returned(8)

    def test_a_file_named_like_a_library_is_not_it(self, submission):
        """A submission's `json.py` is never imported in the library's place."""
        source = "import json\ndef f():\n    return json.dumps([1])\n"
        folder = submission(**{STAGE: source, "json": "def dumps(x): return 'mine'"})
        runner = Runner(folder, STAGE)
        assert runner.load() is None
        assert runner.call(Call("f")) == Returned("[1]")

    def test_main_block_does_not_run(self, load):
        """`if __name__ == "__main__"` is false: students may keep their experiments."""
        runner = load("X = 1\nif __name__ == '__main__':\n    X = 2\ndef f():\n    return X\n")
        assert runner.call(Call("f")) == Returned(1)

    def test_stale_bytecode_is_not_used(self, submission):
        """The source is what counts, not a compiled file of an older one."""
        folder = submission(**{STAGE: "def f():\n    return 'old'\n"})
        assert Runner(folder, STAGE).load() is None
        (folder / f"{STAGE}.py").write_text("def f():\n    return 'new'\n")
        runner = Runner(folder, STAGE)
        assert runner.load() is None
        assert runner.call(Call("f")) == Returned("new")


class TestCall:
    def test_returns_the_value(self, load):
        """Positional and keyword arguments arrive, and the value comes back."""
        runner = load("def f(a, *, b):\n    return [a, b]\n")
        assert runner.call(Call("f", (1,), {"b": "x"})) == Returned([1, "x"])

    def test_answer_is_cut_off_from_the_submission(self, load):
        """What comes back is a copy: a submission can't change it afterwards."""
        runner = load(
            """
            import torch
            kept = torch.zeros(2)
            def f():
                return kept
            def g():
                kept.add_(1)
            """
        )
        answer = runner.call(Call("f"))
        runner.call(Call("g"))
        assert torch.equal(answer.value, torch.zeros(2))

    def test_lazy_result_is_run_to_its_end(self, load):
        """A generator function answers with a list, and its exceptions are the call's."""
        runner = load(
            """
            def good():
                yield 1
                yield 2
            def bad():
                yield 1
                raise ValueError("later")
            """
        )
        assert runner.call(Call("good")) == Returned([1, 2])
        raised = runner.call(Call("bad"))
        assert isinstance(raised, Raised)
        assert raised.message == "later"

    def test_missing_name(self, load):
        """A function that isn't there is missing, which is not an error of the student's code."""
        assert load("x = 1\n").call(Call("f")) == Missing("f")

    def test_attribute_error_of_the_student_is_no_missing_name(self, load):
        """An AttributeError inside a function is that, also if it names a thing of the module."""
        answer = load("def f():\n    return (1).shape\n").call(Call("f"))
        assert isinstance(answer, Raised)
        assert answer.type == "AttributeError"

    def test_name_that_is_no_function(self, load):
        """Calling what can't be called is the student's TypeError."""
        answer = load("f = 3\n").call(Call("f"))
        assert isinstance(answer, Raised)
        assert answer.type == "TypeError"

    @pytest.mark.parametrize(
        "expression, what",
        [
            ("object()", "object"),
            ("{1, 2}", "set"),
            ("[lambda: 0]", "function"),
            ("__import__('torch').nn.Linear(1, 1)", "Linear"),
            ("__import__('torch').zeros(2).to_sparse()", "sparse"),
        ],
    )
    def test_unsendable_result(self, load, expression, what):
        """A result that is no plain value is named."""
        answer = load(f"def f():\n    return {expression}\n").call(Call("f"))
        assert isinstance(answer, Unsendable)
        assert what in answer.what

    @pytest.mark.parametrize(
        "statement, name",
        [
            ("raise SystemExit(0)", "SystemExit"),
            ("raise KeyboardInterrupt", "KeyboardInterrupt"),
            ("exit()", "SystemExit"),
            ("return f()", "RecursionError"),
            ("raise type('Own', (BaseException,), {})", "Own"),
            ("assert False, 'why'", "AssertionError"),
            ("return bytearray(1 << 60)", "MemoryError"),
        ],
    )
    def test_exceptions_come_back_as_data(self, load, statement, name):
        """No exception of the student's code goes through, not even one that ends programs."""
        answer = load(f"import sys\nfrom builtins import *\ndef f():\n    {statement}\n")
        raised = answer.call(Call("f"))
        assert isinstance(raised, Raised)
        assert raised.type == name

    def test_interrupts_of_ours_go_through(self, submission):
        """A student who presses Ctrl-C in their own run means pytest, not the function."""
        folder = submission(**{STAGE: "def f():\n    raise KeyboardInterrupt\n"})
        runner = Runner(folder, STAGE, let_pass=(KeyboardInterrupt,))
        assert runner.load() is None
        with pytest.raises(KeyboardInterrupt):
            runner.call(Call("f"))


class TestWhereItRaised:
    def raised(self, runner: Runner, name: str) -> Raised:
        answer = runner.call(Call(name))
        assert isinstance(answer, Raised)
        return answer

    def test_innermost_line_of_the_student(self, load):
        """Of all frames the student's innermost is named, also when torch raised below it."""
        runner = load(
            """
            import torch
            def helper():
                return torch.ones(2) @ torch.ones(3)
            def f():
                return helper()
            """
        )
        where = self.raised(runner, "f").where
        assert where is not None
        assert (where.file, where.line, where.function) == (f"{STAGE}.py", 4, "helper")
        assert where.source == "return torch.ones(2) @ torch.ones(3)"

    def test_direct(self, load):
        """`direct` tells a raise of the student's own from one of something that was called."""
        runner = load(
            """
            def own():
                raise NotImplementedError
            def called():
                return int("x")
            def library():
                import torch
                return torch.nn.Module().forward()
            """
        )
        assert self.raised(runner, "own").where.direct
        assert not self.raised(runner, "library").where.direct

    def test_no_line_of_the_student(self, load):
        """A call that fails before it reaches the student's code has no line of theirs."""
        assert self.raised(load("def f(x):\n    pass\n"), "f").where is None

    def test_paths_are_left_out(self, load):
        """Messages don't tell where the grader keeps its copy."""
        runner = load("def f():\n    raise ValueError(__file__)\n")
        assert self.raised(runner, "f").message == f"{STAGE}.py"

    def test_long_message_is_cut(self, load):
        """A message has a bounded length."""
        runner = load("def f():\n    raise ValueError('x' * 10_000_000)\n")
        assert 100 < len(self.raised(runner, "f").message) < 10_000

    @pytest.mark.parametrize(
        "body", ["raise ValueError", "return 3", "return 'a' + 'b' * 10**7", "exit()"]
    )
    def test_message_that_can_not_be_shown(self, load, body):
        """An exception whose `__str__` misbehaves is still reported by its type."""
        runner = load(
            f"""
            class Nasty(Exception):
                def __str__(self):
                    {body}
            def f():
                raise Nasty
            """
        )
        answer = self.raised(runner, "f")
        assert answer.type == "Nasty"
        assert type(answer.message) is str


class TestMutation:
    @pytest.mark.parametrize(
        "statement, mutated",
        [
            ("pass", []),
            ("y = x + 1", []),
            ("x += 1", ["argument 1"]),
            ("x[0, 0] = 9", ["argument 1"]),
            ("items.append(2)", ["items"]),
            ("items[0][0] = 5", ["items"]),
            ("x.zero_(); items.clear()", ["argument 1", "items"]),
        ],
    )
    def test_names_what_was_modified(self, load, statement, mutated):
        """Arguments that the call modified in place are named, by position or keyword."""
        runner = load(f"def f(x, items):\n    {statement}\n    return 1\n")
        answer = runner.call(Call("f", (torch.ones(2, 2),), {"items": [[1]]}))
        assert answer == Returned(1, mutated)

    def test_again_calls_with_the_same_objects(self, load):
        """The second of two calls answers; a function that spoils its input gives itself away."""
        runner = load("def f(x):\n    x += 1\n    return x.sum()\ndef g(x):\n    return x.sum()\n")
        twice = runner.call(Call("f", (torch.zeros(2),), again=True))
        assert twice.value == 4
        assert runner.call(Call("g", (torch.zeros(2),), again=True)).value == 0

    def test_again_rewinds_generators(self, load):
        """The second of two calls meets a generator in the state in which the first met it."""
        runner = load("import torch\ndef f(g):\n    return torch.rand(2, generator=g)\n")
        seeded = [torch.Generator().manual_seed(3) for _ in range(2)]
        once = runner.call(Call("f", (seeded[0],)))
        twice = runner.call(Call("f", (seeded[1],), again=True))
        assert torch.equal(once.value, twice.value)


class TestProbes:
    PROBES = "def count(student, n):\n    c = student.Counter()\n    c.add(n)\n    return c.total\n"

    def test_drives_a_class(self, load):
        """A probe gets the submission's names and answers like a function of the student's."""
        runner = load(
            """
            class Counter:
                total = 0
                def add(self, n):
                    self.total += n
            """,
            self.PROBES,
        )
        assert runner.call(Call("count", (3,), probe=True)) == Returned(3)

    def test_missing_class(self, load):
        """A name that a probe asks for and the submission lacks is missing."""
        assert load("x = 1\n", self.PROBES).call(Call("count", (3,), probe=True)) == Missing(
            "Counter"
        )

    def test_exception_inside_the_class(self, load):
        """An exception in the class names the student's line, not the probe's."""
        runner = load("class Counter:\n    def add(self, n):\n        1 / 0\n", self.PROBES)
        answer = runner.call(Call("count", (3,), probe=True))
        assert isinstance(answer, Raised)
        assert answer.where is not None
        assert (answer.where.file, answer.where.line) == (f"{STAGE}.py", 3)

    def test_submission_can_not_replace_a_probe(self, load):
        """A function of the submission named like a probe is not called in its place."""
        runner = load("def count(*_):\n    return 'mine'\nclass Counter:\n    pass\n", self.PROBES)
        assert isinstance(runner.call(Call("count", (3,), probe=True)), Raised)

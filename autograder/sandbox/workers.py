"""The grader's side of the sandbox: start a zygote, get fresh workers, call, and cut off.

    with Zygote() as zygote:
        worker = zygote.spawn(folder, "batching", probes=None, limits=limits)
        answer = worker.call(Call("num_batches", kwargs={"n": 12, "batch_size": 3}))
        worker.close()

A worker's answers are claims of the student's process: they are decoded strictly and mean
nothing until the grader has compared the values in them.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from autograder.course import Limits
from autograder.errors import AutograderError
from autograder.sandbox import gpu, jail, wire, zygote
from autograder.sandbox.runner import (
    Answer,
    Call,
    Missing,
    NotPortable,
    Raised,
    Returned,
    Unsendable,
)

_START_SECONDS = 120.0  # a cold import of torch from a slow disk
_CONTROL_SECONDS = 60.0
_READY_SECONDS = 60.0
_SEED = 0
# A block of user ids that no account uses and that fits a 16-bit user namespace. Each zygote
# locks a slot of its own, so that two graders on one machine never share a user.
_UID_BASE, _UID_SLOTS, _UIDS_PER_SLOT = 40_000, 256, 64


class SandboxError(AutograderError):
    """The sandbox itself failed: no student's fault."""


class WeakSandboxError(SandboxError):
    """This machine doesn't allow the layers without which no grade can be trusted."""

    exit_code = 2

    def __init__(self, missing: dict[str, str]) -> None:
        reasons = "; ".join(f"{layer}: {why}" for layer, why in missing.items())
        super().__init__(
            "the sandbox is too weak here for grades to be trusted: it needs seccomp, and a user "
            f"of its own or Landlock ({reasons}). --allow-weak grades all the same"
        )


class ExposedCourseError(SandboxError):
    """Without Landlock, a worker could read what it must not."""

    exit_code = 2

    def __init__(self, folder: str) -> None:
        super().__init__(
            f"submissions could read {folder}: this machine has no Landlock, so close it to other "
            f"users (`chmod -R go= {folder}`). --allow-weak grades all the same"
        )


class GpuError(SandboxError):
    """Workers can't use the GPU that was asked for."""

    exit_code = 2

    def __init__(self, why: str) -> None:
        super().__init__(f"--device cuda: {why}; --device cpu grades without a GPU")


class OutOfTime(Exception):
    """The worker used up its time; the message says which and how much."""


class WorkerDied(Exception):
    """The worker ended before it answered; the message says how."""


class BadAnswer(Exception):
    """The worker sent something that is no answer."""


class Zygote:
    """A running zygote; a context manager that ends it and all its workers.

    Args:
        readable: folders, beside Python's own, that a worker has to be able to read.
        secret: folders that a worker must not be able to read. Landlock sees to that; where it is
            missing, their modes have to.
        closed: folders inside of Python's own that workers are kept from where there is Landlock,
            such as one that holds the labels of images to be recognised.
        allow_weak: go on where the sandbox does not reach its floor (seccomp, and a user of its
            own or Landlock).
        without: layers to leave out, for measuring what they are good for.
        device: "cuda" for workers that may use a GPU, "auto" where there is one that they can use.
            Which it came to stands in the attribute of that name, why it is no GPU in `no_gpu`.

    Raises:
        SandboxError: it can't be started.
        WeakSandboxError: this machine doesn't allow the floor.
        ExposedCourseError: there is no Landlock, and workers could read what is secret.
        GpuError: workers can't use the GPU that was asked for.
    """

    def __init__(
        self,
        readable: Sequence[Path] = (),
        *,
        secret: Sequence[Path] = (),
        closed: Sequence[Path] = (),
        allow_weak: bool = False,
        without: Iterable[str] = (),
        device: str = "cpu",
    ) -> None:
        no_gpu = "nobody asked for it" if device == "cpu" else gpu.why_not_here()
        if device == "cuda" and no_gpu:
            raise GpuError(no_gpu)
        self._uid_lock: socket.socket | None = None
        self._uid_block = 0
        if os.geteuid() == 0:
            self._uid_lock, self._uid_block = _lock_uid_slot()
        self._next_uid = itertools.count()
        self._killed: list[int] = []
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        begin = msgspec.json.encode(
            zygote.Begin(
                control=theirs.fileno(),
                uid=self._uid_block,
                readable=[str(path) for path in readable],
                secret=[str(path) for path in secret],
                closed=[str(path) for path in closed],
                without=sorted(without),
                seed=_SEED,
                with_gpu=not no_gpu,
            )
        ).decode()
        # torch makes a folder for compiled kernels when it is imported: let it be one that goes
        self._cache = tempfile.TemporaryDirectory(prefix="autograder-torch-")
        self._process = self._start(begin, theirs)
        try:
            self._take(self._reply(_START_SECONDS), allow_weak)
            no_gpu = no_gpu or self._why_no_gpu()
            if device == "cuda" and no_gpu:
                raise GpuError(no_gpu)
        except BaseException:
            self.close()
            raise
        self.device, self.no_gpu = "cpu" if no_gpu else "cuda", no_gpu

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, begin: str, theirs: socket.socket) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                [sys.executable, "-I", "-B", "-m", "autograder.sandbox.zygote", begin],
                pass_fds=[theirs.fileno()],
                env=_scrubbed_environment() | {"TORCHINDUCTOR_CACHE_DIR": self._cache.name},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise SandboxError(f"the sandbox can't be started: {error}") from error
        finally:
            theirs.close()

    def _take(self, hello: zygote.Reply, allow_weak: bool) -> None:
        """Note what the zygote begins with, unless that is too weak to grade with."""
        if not isinstance(hello, zygote.Hello):
            raise SandboxError(f"the sandbox started with {type(hello).__name__}")
        self.versions = hello.versions
        self.torchvision_repaired = hello.torchvision_repaired
        self.layers = hello.layers
        self.missing = hello.missing
        if not jail.is_strong(self.layers) and not allow_weak:
            raise WeakSandboxError(hello.missing)
        if hello.exposed and not allow_weak:
            raise ExposedCourseError(hello.exposed)

    def _why_no_gpu(self) -> str:
        """Why a worker can't use the GPU, empty if it can: found out by training in its jail."""
        with tempfile.TemporaryDirectory(prefix="autograder-gpu-") as folder:
            Path(folder).chmod(0o755)
            Path(folder, "trial.py").touch()
            try:
                with contextlib.closing(
                    self.spawn(Path(folder), "trial", None, Limits(), with_gpu=True)
                ) as worker:
                    worker.load()
                    answer = worker.call(Call("program", (gpu.TRIAL,), program=True))
            except (SandboxError, OutOfTime, WorkerDied, BadAnswer) as error:
                return str(error)
        if isinstance(answer, Returned):
            return ""
        return answer.message if isinstance(answer, Raised) else type(answer).__name__

    def spawn(
        self,
        folder: Path,
        stage: str,
        probes: str | None,
        limits: Limits,
        *,
        with_gpu: bool = False,
        device: str = "cpu",
    ) -> Worker:
        """A fresh worker that has begun to import one stage of the submission in `folder`.

        Args:
            folder: the submission's.
            stage: the name of its module.
            probes: the source of the stage's probes, None where it has none.
            limits: what the worker may use.
            with_gpu: initialise CUDA in it; where that fails, `Worker.load` says so.
            device: where the tensors of its calls are; "cuda" needs `with_gpu`.
        """
        ours, theirs = socket.socketpair()
        request = zygote.Spawn(
            uid=self._uid_block + next(self._next_uid) % _UIDS_PER_SLOT,
            folder=str(folder),
            cpu_seconds=limits.cpu_seconds,
            memory_mb=limits.memory_mb,
            seed=_SEED,
            with_gpu=with_gpu,
        )
        try:
            reply, fds = self._ask(request, theirs.fileno())
        finally:
            theirs.close()
        if not isinstance(reply, zygote.Spawned) or len(fds) != 1:
            ours.close()
            raise SandboxError(f"no worker could be started: {reply}")
        start = zygote.Start(str(folder), stage, probes, device)
        return Worker(self, reply.pid, fds[0], wire.Channel(ours), start, limits)

    def is_running(self) -> bool:
        """Whether the zygote is there to be asked."""
        return self._process.poll() is None

    def reap(self, pid: int) -> int:
        """Wait for a worker that is ending and return its wait status."""
        self._reap_the_killed()
        return self._reap(pid)

    def reap_later(self, pid: int) -> None:
        """Have a worker that was killed reaped beside the next: its end takes milliseconds."""
        self._reap_the_killed()
        self._killed.append(pid)

    def _reap_the_killed(self) -> None:
        while self._killed:
            self._reap(self._killed.pop())

    def _reap(self, pid: int) -> int:
        reply, _ = self._ask(zygote.Reap(pid))
        if not isinstance(reply, zygote.Reaped):
            raise SandboxError(f"a worker could not be reaped: {reply}")
        return reply.status

    def close(self) -> None:
        """End the zygote; its workers die with it."""
        self._control.close()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stderr:
            self._process.stderr.close()
        self._cache.cleanup()
        if self._uid_lock:
            self._uid_lock.close()

    def _ask(self, request: zygote.Request, *fds: int) -> tuple[zygote.Reply, list[int]]:
        try:
            socket.send_fds(self._control, [msgspec.msgpack.encode(request)], fds)
        except OSError as error:
            raise SandboxError(f"the sandbox is gone: {self._last_words()}") from error
        received: list[int] = []
        return self._reply(_CONTROL_SECONDS, received), received

    def _reply(self, seconds: float, fds: list[int] | None = None) -> zygote.Reply:
        self._control.settimeout(seconds)
        try:
            data, received, _, _ = socket.recv_fds(self._control, zygote.MAX_CONTROL, 1)
        except TimeoutError as error:
            raise SandboxError(f"the sandbox did not answer in {seconds:.0f} s") from error
        except OSError as error:
            raise SandboxError(f"the sandbox is gone: {self._last_words()}") from error
        if not data:
            raise SandboxError(f"the sandbox is gone: {self._last_words()}")
        if fds is not None:
            fds.extend(received)
        reply: zygote.Reply = msgspec.msgpack.decode(data, type=zygote.Reply)
        return reply

    def _last_words(self) -> str:
        """The last line that the zygote wrote before it ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=2)
        if self._process.returncode is None or not self._process.stderr:
            return "it no longer answers"
        words = self._process.stderr.read().decode(errors="replace").strip().splitlines()
        return words[-1] if words else f"exit status {self._process.returncode}"


class _Doing(NamedTuple):
    """What a worker is waited for, in the words of a message."""

    subject: str
    when: str
    seconds: float


class Worker:
    """One worker: a process of the student's code that answers calls until it is closed."""

    def __init__(
        self,
        parent: Zygote,
        pid: int,
        pidfd: int,
        channel: wire.Channel,
        start: zygote.Start,
        limits: Limits,
    ) -> None:
        self._zygote = parent
        self._pid = pid
        self._pidfd: int | None = pidfd
        self._channel = channel
        self._limits = limits
        self._stage = start.stage
        self._requests = itertools.count(1)
        self._left = limits.wall_seconds
        self._loading = next(self._requests)
        self._load_deadline = 0.0  # set when the worker is ready
        # a worker that has died by now is noticed by `load`
        with contextlib.suppress(wire.Closed):
            self._channel.send(wire.encode(self._loading, msgspec.to_builtins(start)))

    def load(self) -> Raised | None:
        """Wait until the submission is imported; what the import raised, None if all went well.

        Raises:
            OutOfTime, WorkerDied, BadAnswer: the import did not come to an end of its own.
        """
        self._await_ready()
        doing = _Doing(
            f"importing {self._stage}.py ",
            f"while {self._stage}.py was imported",
            self._limits.import_seconds,
        )
        reply = self._receive(self._loading, self._load_deadline, doing)
        return None if reply is None else _convert(reply, Raised)

    def _await_ready(self) -> None:
        """Whatever goes wrong before the student's code runs is our fault, not theirs."""
        try:
            deadline = time.monotonic() + _READY_SECONDS
            request, header, body = self._channel.receive(deadline, most=0)
            said = wire.decode(header, body)
        except (wire.Timeout, wire.Closed, wire.WireError) as error:
            raise SandboxError(
                "a worker could not enter its jail, or load the stage's probes"
            ) from error
        if request != zygote.READY:
            raise SandboxError("a worker started out of order")
        if said is not True:
            raise SandboxError(str(said))
        self._load_deadline = time.monotonic() + self._limits.import_seconds

    def call(self, call: Call) -> Answer:
        """Have the student's code run one call; the time it takes counts against the limit.

        Raises:
            OutOfTime, WorkerDied, BadAnswer: there is no answer and there will be none.
            UnsendableError: an argument of the check's does not cross the wire.
        """
        request = next(self._requests)
        message = {name: getattr(call, name) for name in call.__struct_fields__}
        frame = wire.encode(request, message, keep_strides=True)
        started = time.monotonic()
        deadline = started + self._left
        doing = _Doing("", f"during {call.name}", self._limits.wall_seconds)
        try:
            try:
                self._channel.send(frame, deadline)
            except wire.Timeout:
                raise self._too_long(doing) from None
            except wire.Closed:
                raise self._death(doing) from None
            reply = self._receive(request, deadline, doing)
        finally:
            self._left -= time.monotonic() - started
        return _answer(reply)

    def close(self) -> None:
        """End the worker, whatever it is doing."""
        self._channel.close()
        if self._pidfd is None:
            return
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        os.close(self._pidfd)
        self._pidfd = None
        # a zygote that is gone took its workers along
        with contextlib.suppress(SandboxError):
            self._zygote.reap_later(self._pid)

    def _receive(self, request: int, deadline: float, doing: _Doing) -> Any:
        try:
            answered, header, body = self._channel.receive(deadline, most=wire.MAX_ANSWER)
            if answered != request:
                raise wire.WireError("an answer to another request")
            return wire.decode(header, body)
        except wire.Timeout:
            raise self._too_long(doing) from None
        except wire.Closed:
            raise self._death(doing) from None
        except wire.WireError as error:
            raise BadAnswer(f"sent {error} instead of an answer {doing.when}") from None

    def _too_long(self, doing: _Doing) -> OutOfTime:
        return OutOfTime(f"{doing.subject}took longer than {doing.seconds:g} s")

    def _death(self, doing: _Doing) -> OutOfTime | WorkerDied:
        during, cpu = doing.when, self._limits.cpu_seconds
        status = self._end(patience=1.0)
        code = os.waitstatus_to_exitcode(status) if status is not None else 0
        if code == -signal.SIGXCPU:
            return OutOfTime(f"{doing.subject}used more than {cpu:g} s of CPU time")
        if code < 0:
            with contextlib.suppress(ValueError):  # a real-time signal has no name
                return WorkerDied(f"ended the process {during} ({signal.Signals(-code).name})")
            return WorkerDied(f"ended the process {during} (signal {-code})")
        return WorkerDied(f"ended the process {during} (exit status {code})")

    def _end(self, patience: float) -> int | None:
        """Let the worker end within `patience` seconds, or kill it; return its wait status."""
        if self._pidfd is None:
            return None
        try:
            gone, _, _ = select.select([self._pidfd], [], [], patience)
            if not gone:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        finally:
            os.close(self._pidfd)
            self._pidfd = None
        return self._zygote.reap(self._pid)


def _answer(reply: Any) -> Answer:
    """A worker's reply as an answer, rebuilt from nothing but plain values of the right types."""
    kind = reply.get("answer") if type(reply) is dict else None
    if kind == "returned" and reply.keys() - {"used"} == {"answer", "value", "mutated"}:
        # the value is already what the wire let through; the rest is checked like any answer
        rest = {name: item for name, item in reply.items() if name != "value"}
        returned: Returned = _convert(rest | {"value": None}, Returned)
        return Returned(reply["value"], returned.mutated, returned.used)
    for model in (Raised, Unsendable, Missing, NotPortable):
        if kind == model.__struct_config__.tag:
            answer: Answer = _convert(reply, model)
            return answer
    raise BadAnswer("sent no answer")


def _convert(reply: Any, model: Any) -> Any:
    try:
        return msgspec.convert(reply, model)
    except msgspec.ValidationError as error:
        raise BadAnswer("sent no answer") from error


def _scrubbed_environment() -> dict[str, str]:
    """Nothing of the grader's environment but what the interpreter needs to start."""
    names = ("LD_LIBRARY_PATH", *gpu.INHERITED)
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return (
        kept
        | gpu.ENVIRONMENT
        | {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": "/nonexistent",
            "LANG": "C.UTF-8",
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "PASSIVE",
        }
    )


def _lock_uid_slot() -> tuple[socket.socket, int]:
    """Reserve a block of scratch uids on this machine, until the returned socket is closed.

    The lock is the name of an abstract socket: the kernel frees it however we end.
    """
    for slot in range(_UID_SLOTS):
        lock = socket.socket(socket.AF_UNIX)
        try:
            lock.bind(f"\0autograder-uids-{slot}")
        except OSError:
            lock.close()
            continue
        return lock, _UID_BASE + slot * _UIDS_PER_SLOT
    raise SandboxError(f"{_UID_SLOTS} graders are running on this machine; end some of them")

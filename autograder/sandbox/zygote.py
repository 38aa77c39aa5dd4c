"""The zygote: a process that has loaded torch and forks a fresh worker for every check.

Started by exec with a scrubbed environment (see `workers`), it never reads anything secret. It
stays single-threaded and never runs a parallel operator: a child forked after one hangs.

Control messages are msgpack over a SEQPACKET socket, one request and one reply at a time:

- ``Spawn`` with the worker's socket attached → ``Spawned`` with a pidfd attached;
- ``Reap`` a worker that is dead or dying → ``Reaped`` with its wait status.
"""

from __future__ import annotations

import gc
import importlib
import os
import random
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from autograder.sandbox.gpu import NoGpuError

if TYPE_CHECKING:
    from landlockpy import Ruleset

    from autograder.sandbox.jail import Jail

MAX_CONTROL = 1 << 20
WORKER_FD = 3  # a worker's socket
READY = 0  # the id of a worker's first frame


class Spawn(msgspec.Struct, frozen=True, tag="spawn"):
    """Fork a worker for one submission's stage, which uses a GPU if `with_gpu` says so."""

    uid: int
    folder: str
    cpu_seconds: float
    memory_mb: int
    seed: int
    with_gpu: bool = False


class Reap(msgspec.Struct, frozen=True, tag="reap"):
    """Wait for a worker to end."""

    pid: int


class Spawned(msgspec.Struct, frozen=True, tag="spawned"):
    """The worker's process id."""

    pid: int


class Reaped(msgspec.Struct, frozen=True, tag="reaped"):
    """The worker's wait status, as `os.waitpid` gives it."""

    status: int


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The zygote could not do it; the grader reports why."""

    why: str


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The first message: what was loaded, and the layers that workers are behind.

    `missing` says for each layer that is not there why it is not, `exposed` names a secret folder
    that workers can read all the same.
    """

    layers: tuple[str, ...]
    missing: dict[str, str]
    exposed: str
    versions: dict[str, str]
    torchvision_repaired: bool


Request = Spawn | Reap
Reply = Spawned | Reaped | Failed | Hello


class Begin(msgspec.Struct, frozen=True):
    """How a zygote is started: its socket, a scratch user, what workers may and must not read.

    Of `secret` it says if workers can read it all the same; `closed` is kept from them as far as
    Landlock is there. `with_gpu` says that some workers are to use a GPU.
    """

    control: int
    uid: int
    readable: list[str]
    secret: list[str]
    closed: list[str]
    without: list[str]
    seed: int
    with_gpu: bool = False


class Start(msgspec.Struct, frozen=True):
    """The first frame to a worker: whose code to load, and on which device its calls run."""

    folder: str
    stage: str
    probes: str | None
    device: str = "cpu"


def main() -> None:
    """Serve until the grader closes the control socket.

    The one argument is `Begin` as JSON.
    """
    begin = msgspec.json.decode(sys.argv[1], type=Begin)
    control = socket.socket(fileno=begin.control)
    if begin.control != WORKER_FD:
        # taken, so that nothing of ours that a worker needs gets the number of its socket
        os.dup2(os.open(os.devnull, os.O_RDWR), WORKER_FD)
    from autograder.sandbox import jail, pages

    jail.harden_parent()
    versions, repaired = _preload()
    without = frozenset(begin.without)
    prison, missing = jail.detect(
        *(begin.uid, begin.readable, without, begin.closed), with_gpu=begin.with_gpu
    )
    _seed(begin.seed)  # every worker inherits the same state
    # What is loaded by now lives for ever: a worker's garbage collector need not touch, and so
    # copy, its pages.
    gc.collect()
    gc.freeze()
    exposed = jail.exposed(prison.layers, begin.uid, begin.secret)
    hello = Hello(prison.layers, missing, exposed, versions, repaired)
    control.send(msgspec.msgpack.encode(hello))
    pages.collapse_own_memory()  # while the grader prepares
    decoder = msgspec.msgpack.Decoder(Request)
    rules = _Rules(prison)
    while True:
        data, fds, _, _ = socket.recv_fds(control, MAX_CONTROL, 1)
        if not data:
            return
        try:
            request = decoder.decode(data)
            reply, attached = _serve(request, fds, prison, rules)
        except Exception as error:  # noqa: BLE001  Landlock has exceptions of its own
            reply, attached = Failed(str(error)), []
        finally:
            for fd in fds:
                os.close(fd)
        socket.send_fds(control, [msgspec.msgpack.encode(reply)], attached)
        for fd in attached:
            os.close(fd)


def _preload() -> tuple[dict[str, str], bool]:
    """Load what student code uses; the versions, and whether torchvision had to be repaired."""
    import numpy
    import torch

    from autograder.sandbox import runner  # noqa: F401  the worker's side, loaded once
    from autograder.sandbox.dataloader import load_in_process
    from autograder.torchvision_compat import import_torchvision

    torch.set_num_threads(1)
    load_in_process()
    importlib.import_module("torch._dynamo")  # an optimizer's constructor imports it
    try:
        repaired = import_torchvision()
    except ImportError:
        repaired = False  # no stage before `models` needs it; `doctor` says that it is missing
    versions = {
        "python": sys.version.split()[0],
        "torch": str(torch.__version__),
        "numpy": numpy.__version__,
    }
    if "torchvision" in sys.modules:
        versions["torchvision"] = str(sys.modules["torchvision"].__version__)
    return versions, repaired


class _Rules:
    """The file rules of the submission that was asked for last."""

    def __init__(self, prison: Jail) -> None:
        self._prison = prison
        self._wanted: tuple[str, bool] | None = None
        self._rules: Ruleset | None = None

    def of(self, folder: str, with_gpu: bool) -> Ruleset | None:
        if (folder, with_gpu) != self._wanted:
            if self._rules:
                self._rules.close()
            self._wanted, self._rules = None, None
            self._rules = self._prison.file_rules(folder, with_gpu=with_gpu)
            self._wanted = folder, with_gpu
        return self._rules


def _serve(
    request: Request, fds: list[int], prison: Jail, rules: _Rules
) -> tuple[Reply, list[int]]:
    if isinstance(request, Reap):
        _, status = os.waitpid(request.pid, 0)
        return Reaped(status), []
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        return Failed(f"the zygote runs {threads} threads, and a fork of it could hang"), []
    (worker_fd,) = fds
    parent, file_rules = os.getpid(), rules.of(request.folder, request.with_gpu)
    pid = os.fork()
    if pid == 0:
        _run_worker(worker_fd, request, prison, parent, file_rules)
    return Spawned(pid), [os.pidfd_open(pid)]


def _run_worker(
    fd: int, spawn: Spawn, prison: Jail, parent: int, rules: Ruleset | None
) -> NoReturn:
    """The life of a worker: enter the jail, load the submission, answer calls, end."""
    status = 70
    try:
        os.setsid()
        _keep_only(fd, rules.fileno() if rules else None)
        os.chdir(spawn.folder)
        try:
            prison.enter(
                parent=parent,
                uid=spawn.uid,
                rules=rules,
                cpu_seconds=spawn.cpu_seconds,
                memory_mb=spawn.memory_mb,
                with_gpu=spawn.with_gpu,
            )
        except NoGpuError as error:
            _say_not_ready(socket.socket(fileno=WORKER_FD), str(error))
        else:
            random.seed(spawn.seed)  # Python's own generator seeds itself anew in every fork
            if spawn.with_gpu:
                _seed(spawn.seed)  # trying it out has drawn from the others
            _answer_calls(socket.socket(fileno=WORKER_FD))
            status = 0
    finally:
        os._exit(status)


def _keep_only(fd: int, other: int | None) -> None:
    """Close all but `fd`, which becomes WORKER_FD, and `other`; standard streams lead nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    if fd != WORKER_FD:
        os.dup2(fd, WORKER_FD)
    most = 1 << 16
    os.closerange(WORKER_FD + 1, most if other is None else other)
    if other is not None:
        os.closerange(other + 1, most)


def _seed(seed: int) -> None:
    import numpy
    import torch

    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)


def _say_not_ready(sock: socket.socket, why: str) -> None:
    from autograder.sandbox import wire

    wire.Channel(sock).send(wire.encode(READY, f"a worker can't use the GPU: {why}"))


def _answer_calls(sock: socket.socket) -> None:
    from autograder.sandbox import wire
    from autograder.sandbox.runner import Call, Runner, Unsendable

    channel = wire.Channel(sock)

    def receive() -> tuple[int, Any]:
        request, header, body = channel.receive()
        return request, wire.decode(header, body, allow_strides=True)

    request, first = receive()
    start = msgspec.convert(first, Start)
    runner = Runner(
        Path(start.folder), start.stage, start.probes, to_send=True, device=start.device
    )
    # Before any of the student's code: a worker that ends without it has us to blame, for a jail
    # that could not be entered or probes that can't be loaded.
    channel.send(wire.encode(READY, True))
    channel.send(wire.encode(request, msgspec.to_builtins(runner.load())))
    while True:
        try:
            request, message = receive()
        except wire.Closed:
            return
        answer = runner.call(Call(**message))
        try:
            frame = wire.encode(request, _builtins(answer), most=wire.MAX_ANSWER)
        except wire.UnsendableError as error:
            frame = wire.encode(request, _builtins(Unsendable(str(error)[:500])))
        channel.send(frame)


def _builtins(answer: Any) -> dict[str, Any]:
    """An answer as a dict, its value left as it is: only the wire knows how tensors cross."""
    from autograder.sandbox.runner import Returned

    if isinstance(answer, Returned):
        told = {"answer": "returned", "value": answer.value, "mutated": answer.mutated}
        return told | ({"used": msgspec.to_builtins(answer.used)} if answer.used else {})
    return msgspec.to_builtins(answer)  # type: ignore[no-any-return]


if __name__ == "__main__":
    main()

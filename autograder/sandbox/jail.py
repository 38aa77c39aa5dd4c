"""What a worker gives up before it runs student code.

`detect` finds out, once and in the zygote, which layers this machine allows, by entering each in
a child of its own. `Jail.enter` then puts them up in every worker, in an order that matters, and
fails rather than go on without one that was promised.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import resource
import signal
import socket
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograder.sandbox import gpu, syscalls

if TYPE_CHECKING:
    from landlockpy import Ruleset

# in the order in which they are entered
LAYERS = (
    "namespaces",
    "oom",
    "uid",
    "rlimits",
    "no_new_privs",
    "dumpable",
    "pdeathsig",
    "capabilities",
    "landlock",
    "seccomp",
)
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_CHILD_SUBREAPER = 36
_CAPABILITY_VERSION_3 = 0x20080522
_CLONE_NEWIPC = 0x08000000
_CLONE_NEWNET = 0x40000000
_MAX_OPEN_FILES = 64
_MAX_THREADS = 64
_MORE_THREADS = 256  # than its user runs already, where a worker has no user of its own

# What Python and torch read while they work, beside their own files. Not the whole of /proc or
# /etc: those tell about the grader and the machine.
_SYSTEM_FILES = (
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache",
    "/etc/localtime", "/usr/share/zoneinfo", "/dev/null", "/dev/zero", "/dev/urandom",
    "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu", "/sys/devices/system/node",
)  # fmt: skip

_libc = ctypes.CDLL(None, use_errno=True)


class JailError(Exception):
    """A layer could not be entered; the message names it."""


def python_files() -> list[str]:
    """The folders that hold Python, its libraries and our own package, and nothing else of ours.

    An editable installation puts a whole checkout on `sys.path`, with the course in it: only
    what lies below Python's own prefixes is taken from there.
    """
    prefixes = {os.path.realpath(p) for p in (sys.prefix, sys.base_prefix, sys.exec_prefix)}
    standard = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib")]
    below = [
        path
        for path in (*sys.path, *standard)
        if os.path.isdir(path)
        and any(os.path.realpath(path).startswith(prefix + os.sep) for prefix in prefixes)
    ]
    lib = [os.path.join(prefix, "lib") for prefix in prefixes if prefix not in ("/", "/usr")]
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return sorted({os.path.realpath(p) for p in (*below, *lib, package) if os.path.isdir(p)})


def _without_nested(paths: list[str]) -> tuple[str, ...]:
    """The paths that exist, resolved, without those that lie in another: each costs a rule."""
    real = sorted({os.path.realpath(path) for path in paths if os.path.exists(path)})
    kept: list[str] = []
    for path in real:  # sorted: what contains a path comes before it
        if not any(path.startswith(folder + os.sep) for folder in kept):
            kept.append(path)
    return tuple(kept)


def _around(paths: Iterable[str], closed: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The paths without what is closed in them, and the folders on the way: those only to list.

    Landlock can only allow, and what it allows holds for all that lies below. So a folder that has
    something closed in it is allowed entry by entry.
    """
    shut = {os.path.realpath(path) for path in closed}
    readable, listed = [], []
    waiting = list(paths)
    while waiting:
        path = waiting.pop()
        if path in shut:
            continue
        if not any(inner.startswith(path + os.sep) for inner in shut):
            readable.append(path)
            continue
        listed.append(path)
        with os.scandir(path) as entries:
            # what a link leads to is allowed where it lies, or not at all
            waiting += [entry.path for entry in entries if not entry.is_symlink()]
    return tuple(sorted(readable)), tuple(sorted(listed))


@dataclass(frozen=True)
class Jail:
    """The layers that this machine allows, ready to be entered.

    Args:
        layers: their names, in the order of `LAYERS`.
        readable: what a worker may read beside its submission.
        listed: folders that it may list, and no more.
        program: the seccomp filter, empty where that layer is not there.
        threads: how many threads the worker's user may run.
        gpu_program: the filter of workers that use a GPU, empty where there are none.
    """

    layers: tuple[str, ...]
    readable: tuple[str, ...]
    listed: tuple[str, ...]
    program: bytes
    threads: int
    gpu_program: bytes = b""

    def file_rules(self, folder: str, *, with_gpu: bool = False) -> Ruleset | None:
        """Landlock's rules for one submission's workers, None where that layer is not there.

        The zygote makes them once for all workers of a submission: each only has to enter them.
        """
        if "landlock" not in self.layers:
            return None
        if not with_gpu:
            return _file_rules([*self.readable, folder], self.listed)
        readable = [*self.readable, *filter(os.path.isdir, gpu.FOLDERS), folder]
        return _file_rules(readable, self.listed, gpu.device_files())

    def enter(
        self,
        *,
        parent: int,
        uid: int,
        rules: Ruleset | None,
        cpu_seconds: float,
        memory_mb: int,
        with_gpu: bool = False,
    ) -> None:
        """Enter all layers, for good.

        Args:
            parent: the zygote's process id: a worker doesn't outlive it.
            uid: the scratch user and group to become, where the layer is there.
            rules: what `file_rules` made.
            cpu_seconds: CPU time that the process may use before the kernel ends it.
            memory_mb: MB that it may allocate on top of what it has now.
            with_gpu: initialise CUDA on the way, and leave it usable.

        Raises:
            JailError: a layer could not be entered. The caller must not go on.
            NoGpuError: CUDA can't be initialised. Neither then.
        """
        actions: dict[str, Callable[[], None]] = {
            "namespaces": lambda: None,  # the zygote entered them, for all its workers
            "oom": lambda: None,  # inherited from the zygote too
            "uid": lambda: _become(uid),
            "rlimits": lambda: _limit_resources(cpu_seconds, memory_mb, self.threads, with_gpu),
            "no_new_privs": lambda: prctl(_PR_SET_NO_NEW_PRIVS, 1),
            "dumpable": lambda: prctl(_PR_SET_DUMPABLE, 0),
            # the kernel clears it when the uid changes, so it comes after
            "pdeathsig": lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),
            "capabilities": _drop_capabilities,
            "landlock": lambda: _restrict_files(rules),
            "seccomp": lambda: syscalls.install(self.gpu_program if with_gpu else self.program),
        }
        for layer in LAYERS:
            if layer == "rlimits" and with_gpu:
                _open_gpu()  # as the user that goes on to use it, which the driver minds
            if layer not in self.layers:
                continue
            if layer == "seccomp" and os.getppid() != parent:
                os._exit(1)  # the parent died before pdeathsig was set
            try:
                actions[layer]()
            except Exception as error:
                raise JailError(f"{layer}: {error}") from error


def detect(
    uid: int,
    readable: list[str],
    without: frozenset[str] = frozenset(),
    closed: Sequence[str] = (),
    *,
    with_gpu: bool = False,
) -> tuple[Jail, dict[str, str]]:
    """The jail that this machine allows, and why each layer that is missing is.

    The zygote calls this once. It enters the layers that all workers inherit, and stops showing
    its memory to others.

    Args:
        uid: a scratch user id to try.
        readable: folders that workers read, beside Python's own files.
        without: layers to leave out, to see what they are good for.
        closed: folders inside of those that Landlock keeps workers from.
        with_gpu: some of the workers are to use a GPU.
    """
    missing = dict.fromkeys(without, "switched off")
    files, listed = _around(_without_nested([*python_files(), *_SYSTEM_FILES]), closed)
    program = gpu_program = b""

    def why_not(layer: str) -> str:
        nonlocal program, gpu_program
        if layer == "namespaces":
            return _enter_namespaces()
        if layer == "oom":
            return _be_the_first_to_go()
        if layer == "uid":
            return _why_no_uid(uid, [*python_files(), *readable])
        if layer == "seccomp":
            try:
                may_write = "landlock" not in missing
                program = syscalls.build_filter(may_write=may_write)
                if with_gpu:
                    gpu_program = syscalls.build_filter(may_write=may_write, any_ioctl=True)
            except syscalls.FilterError as error:
                return str(error)
        needed = ("no_new_privs", layer) if layer in ("landlock", "seccomp") else (layer,)
        return _try(Jail(needed, files, listed, program, threads=4096), uid)

    with contextlib.suppress(ImportError):
        import landlockpy  # noqa: F401  here, once, and not in every worker
    for layer in LAYERS:
        if layer not in missing and (why := why_not(layer)):
            missing[layer] = why
    with contextlib.suppress(OSError):
        prctl(_PR_SET_DUMPABLE, 0)  # last: it closes our own /proc files to an ordinary user
    layers = tuple(layer for layer in LAYERS if layer not in missing)
    threads = _MAX_THREADS if "uid" in layers else _threads_of_this_user() + _MORE_THREADS
    return Jail(layers, files, listed, program, threads, gpu_program), missing


def exposed(layers: tuple[str, ...], uid: int, secret: list[str]) -> str:
    """The first of the folders `secret` that a worker could read, empty if it can read none.

    Landlock keeps workers out of everything else. A user of its own keeps them out only of what
    other users can't read.
    """
    if "landlock" in layers or "uid" not in layers:
        return ""

    def find() -> str:
        _become(uid)
        return next((path for path in secret if os.access(path, os.R_OK | os.X_OK)), "")

    return _in_a_child(find)


def is_strong(layers: tuple[str, ...]) -> bool:
    """Whether the layers reach the floor below which no grade is given."""
    return "seccomp" in layers and ("uid" in layers or "landlock" in layers)


def prctl(option: int, value: int) -> None:
    """``prctl(option, value)``; raises OSError where the kernel refuses."""
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl({option}, {value}): {os.strerror(code)}")


def hide_memory() -> None:
    """Show this process's memory, environment and descriptors to nobody but root."""
    prctl(_PR_SET_DUMPABLE, 0)


def die_with_parent() -> None:
    """Be killed when the thread that started this process ends, however it ends."""
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def harden_parent() -> None:
    """For the zygote: die with the grader, gain no privileges, adopt a worker's orphans."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    die_with_parent()
    prctl(_PR_SET_CHILD_SUBREAPER, 1)


# --- finding out -----------------------------------------------------------------------------


def _in_a_child(action: Callable[[], str]) -> str:
    """What `action` returns, or raises, in a forked child; the child ends with it."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            theirs.sendall(b"+" + action().encode()[:1000])
        except BaseException as error:  # noqa: BLE001  a child of a fork must not go on
            theirs.sendall(b"+" + (str(error) or type(error).__name__).encode()[:1000])
        finally:
            os._exit(0)
    theirs.close()
    with ours:
        said = ours.recv(4096)
    os.waitpid(child, 0)
    return said[1:].decode(errors="replace") if said else "the trial ended at once"


def _try(jail: Jail, uid: int) -> str:
    """Enter `jail` in a child; why it can't be entered, empty if it can."""
    parent = os.getpid()

    def enter() -> str:
        rules = jail.file_rules("/")
        jail.enter(parent=parent, uid=uid, rules=rules, cpu_seconds=60, memory_mb=4096)
        return ""

    return _in_a_child(enter)


def _why_no_uid(uid: int, paths: list[str]) -> str:
    """Why workers can't get a user of their own, empty if they can: found out by doing it.

    A Python that lives in a private home can't be read by anyone else. Lazy imports would then
    fail in the worker, in ways that look like the student's mistake.
    """
    if os.geteuid() != 0:
        return "only root can give workers a user of their own"

    def become() -> str:
        _become(uid)
        hidden = [path for path in paths if not os.access(path, os.X_OK)]
        return f"{hidden[0]} can't be read by other users" if hidden else ""

    return _in_a_child(become)


def _threads_of_this_user() -> int:
    """How many threads this user runs now, all processes together."""
    count = 0
    for process in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if process.isdecimal() and os.stat(f"/proc/{process}").st_uid == os.geteuid():
                count += len(os.listdir(f"/proc/{process}/task"))
    return count


def _enter_namespaces() -> str:
    """Leave the machine's network and SysV IPC; why that is not allowed, empty if it is."""
    if _libc.unshare(_CLONE_NEWNET | _CLONE_NEWIPC) == 0:
        return ""
    return os.strerror(ctypes.get_errno())


# --- the layers ------------------------------------------------------------------------------


def _be_the_first_to_go() -> str:
    """Have the kernel end us before the grader when memory runs out; why not, empty if it will."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("1000")
    except OSError as error:
        return str(error)
    return ""


def _become(uid: int) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    with contextlib.suppress(OSError):
        os.setresuid(0, 0, 0)
        raise JailError("root could be regained")


def _open_gpu() -> None:
    with contextlib.suppress(OSError):
        # CUDA names its threads through /proc, which a process that hides its memory can't write
        prctl(_PR_SET_DUMPABLE, 1)
    try:
        gpu.open_gpu()
    finally:
        prctl(_PR_SET_DUMPABLE, 0)


def _limit_resources(cpu_seconds: float, memory_mb: int, threads: int, with_gpu: bool) -> None:
    # CUDA has taken some to begin with
    seconds = math.ceil(cpu_seconds) + int(time.process_time())
    # SIGXCPU at the limit, SIGKILL a second later for those who catch it
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    with open("/proc/self/statm", encoding="ascii") as file:
        pages, *_, data_pages, _ = map(int, file.read().split())
    allowed, page = memory_mb * 2**20, resource.getpagesize()
    if with_gpu:  # it shares the GPU's addresses, terabytes of them: only what is ours counts
        _limit(resource.RLIMIT_DATA, data_pages * page + allowed)
    else:
        _limit(resource.RLIMIT_AS, pages * page + allowed)
        _limit(resource.RLIMIT_DATA, pages * page + allowed)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, gpu.MAX_OPEN_FILES if with_gpu else _MAX_OPEN_FILES)
    _limit(resource.RLIMIT_MSGQUEUE, 0)
    _limit(resource.RLIMIT_MEMLOCK, 0)
    # counted per user, with all that the user runs elsewhere; the kernel exempts root
    _limit(resource.RLIMIT_NPROC, threads)


def _limit(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(which, (value, value))


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


def _drop_capabilities() -> None:
    """Root without capabilities, where the uid had to stay; nothing to drop where it did not."""
    header = _CapabilityHeader(_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    if _libc.capset(ctypes.byref(header), none) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _file_rules(readable: list[str], listed: Iterable[str], devices: Iterable[str] = ()) -> Ruleset:
    """Landlock: read those paths and nothing else, write nothing, no TCP, no signals outward.

    `devices` are opened for writing too, and asked what their drivers understand.
    """
    from landlockpy import AccessFS, Ruleset, Scope

    rules = Ruleset(scoped=Scope.ABSTRACT_UNIX_SOCKET | Scope.SIGNAL)
    for path in readable:
        access = AccessFS.READ_FILE
        if os.path.isdir(path):
            access |= AccessFS.READ_DIR
        if path == os.devnull:
            access |= AccessFS.WRITE_FILE
        rules.allow_path(path, access)
    for path in listed:
        rules.allow_path(path, AccessFS.READ_DIR)
    for path in devices:
        rules.allow_path(path, AccessFS.READ_FILE | AccessFS.WRITE_FILE | AccessFS.IOCTL_DEV)
    return rules


def _restrict_files(rules: Ruleset | None) -> None:
    if rules is None:
        raise JailError("no rules were made")
    rules.restrict()
    rules.close()

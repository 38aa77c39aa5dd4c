"""What a worker gives up before it runs student code.

Each layer is entered in `enter`, in an order that matters, and named in `layers`: a report says
which were active. Standard library and libc only: it runs between fork and student code.
"""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_MAX_OPEN_FILES = 64
_MAX_THREADS = 64

_libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, value: int) -> None:
    """``prctl(option, value)``; raises OSError where the kernel refuses."""
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl({option}, {value}): {os.strerror(code)}")


def harden_parent() -> None:
    """For the zygote: die with the grader, gain no privileges, show no memory to others."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    prctl(_PR_SET_DUMPABLE, 0)
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def enter(*, uid: int | None, cpu_seconds: float, memory_mb: int) -> None:
    """Enter the jail; it can't be left.

    Args:
        uid: the scratch user and group to become, None to stay who we are.
        cpu_seconds: CPU time that the process may use before the kernel ends it.
        memory_mb: MB that it may allocate on top of what it has now.

    Raises:
        OSError: a layer could not be entered. The caller must not go on.
    """
    parent = os.getppid()
    _limit_resources(cpu_seconds, memory_mb)
    if uid is not None:
        _become(uid)
        # counted per user, so only a user of its own can be given a small number
        _limit(resource.RLIMIT_NPROC, _MAX_THREADS)
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    prctl(_PR_SET_DUMPABLE, 0)
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # the kernel clears it when the uid changes
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)  # the parent died before the line above


def layers(uid_drop: bool) -> list[str]:
    """The names of the layers that `enter` puts up."""
    return ["process", "rlimits", "no_new_privs", "pdeathsig", *(["uid"] if uid_drop else [])]


def can_become(uid: int, paths: list[str]) -> bool:
    """Whether a process that became `uid` could still read `paths`, found out by doing it.

    A Python that lives in a private home can't be read by anyone else: lazy imports would then
    fail in the worker, in ways that look like the student's mistake.
    """
    if os.geteuid() != 0:
        return False
    there = [path for path in paths if os.path.exists(path)]  # asked while we still may
    child = os.fork()
    if child == 0:
        try:
            _become(uid)
            for path in there:
                if not os.access(path, os.R_OK if os.path.isfile(path) else os.X_OK):
                    os._exit(1)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return status == 0


def _become(uid: int) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    try:
        os.setresuid(0, 0, 0)
    except OSError:
        return
    raise OSError("root could be regained after the uid was dropped")


def _limit_resources(cpu_seconds: float, memory_mb: int) -> None:
    seconds = math.ceil(cpu_seconds)
    # SIGXCPU at the limit, SIGKILL a second later for those who catch it
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    with open("/proc/self/statm", encoding="ascii") as file:
        pages = int(file.read().split()[0])
    allowed = pages * resource.getpagesize() + memory_mb * 2**20
    _limit(resource.RLIMIT_AS, allowed)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, _MAX_OPEN_FILES)
    sys.setrecursionlimit(1000)


def _limit(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(which, (value, value))

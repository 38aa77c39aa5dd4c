"""The system calls that a worker may make, as a seccomp filter.

An allow-list: computing, reading files, talking over the one socket it has, and threads. What is
not named fails with ENOSYS, as on a kernel that does not have it, so that glibc falls back (from
clone3 to clone, say) and a library that only probes goes on.
"""

from __future__ import annotations

import ctypes
import errno
import os

_PR_SET_NAME = 15
_PR_GET_NAME = 16
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
_CLONE_THREAD = 0x00010000
_CLONE_VM = 0x00000100
# is it a terminal, how much can be read, (non-)blocking, close-on-exec: what opening a file does
_IOCTLS = (0x5401, 0x541B, 0x5421, 0x5450, 0x5451)
# duplicate, get and set flags, locks of one's own, sizes and seals of pipes: nothing that has the
# kernel send signals to others, as F_SETOWN and F_SETSIG do
_FCNTLS = (0, 1, 2, 3, 4, 1030, 1032, 1034)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_INSTRUCTION = 8  # bytes

# fmt: off
_FREE = (
    # reading, and writing to what is already open
    "read", "readv", "pread64", "preadv", "write", "writev", "pwrite64", "close", "lseek",
    # finding and opening files
    "stat", "fstat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2",
    "statfs", "fstatfs", "readlink", "readlinkat", "getdents", "getdents64",
    "getcwd", "chdir", "fchdir", "dup", "dup2", "dup3",
    # memory
    "mmap", "munmap", "mprotect", "mremap", "madvise", "brk", "mincore",
    # waiting, and the one socket
    "poll", "ppoll", "select", "pselect6", "epoll_create1", "epoll_ctl", "epoll_wait",
    "epoll_pwait", "eventfd2", "pipe", "pipe2", "sendto", "recvfrom", "sendmsg", "recvmsg",
    "shutdown", "getsockopt", "getsockname", "getpeername",
    # signals to oneself
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "sigaltstack",
    "restart_syscall", "setitimer", "getitimer", "alarm",
    # threads
    "futex", "set_robust_list", "get_robust_list", "set_tid_address", "rseq", "membarrier",
    "arch_prctl", "sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler",
    "sched_get_priority_max", "sched_get_priority_min", "getcpu",
    # time
    "nanosleep", "clock_nanosleep", "clock_gettime", "clock_getres", "gettimeofday", "time",
    "times",
    # who and where am I
    "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getgroups",
    "getresuid", "getresgid", "getpgrp", "getpgid", "getsid", "getrusage", "getrlimit",
    "getrandom", "uname", "sysinfo", "umask", "getpriority",
    # the end
    "exit", "exit_group",
)
# fmt: on


class FilterError(Exception):
    """The filter can't be built on this machine; the message says why."""


def build_filter(*, may_write: bool, any_ioctl: bool = False) -> bytes:
    """The filter as a BPF program, to be installed by `install`.

    Args:
        may_write: let files be opened for writing, where another layer says which. Without it the
            filter lets none be, not even ``/dev/null``.
        any_ioctl: let devices that are open be asked anything, as a GPU's driver is.

    Raises:
        FilterError: libseccomp is missing, or too old for this machine.
    """
    try:
        import pyseccomp as seccomp
    except (ImportError, RuntimeError, OSError) as error:
        raise FilterError(f"{error}; install libseccomp2") from error

    def allow(name: str, *arguments: object) -> None:
        try:
            rules.add_rule(seccomp.ALLOW, name, *arguments)
        except (OSError, ValueError) as error:
            if seccomp.resolve_syscall(seccomp.system_arch(), name) >= 0:
                raise FilterError(f"no rule for {name}: {error}") from error
            # this architecture never had it (open, stat and others on arm64)

    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.ENOSYS))
    for name in _FREE:
        allow(name)
    # threads, no processes: clone with both flags, clone3 (whose flags a filter can't see) never
    threads = _CLONE_THREAD | _CLONE_VM
    allow("clone", seccomp.Arg(0, seccomp.MASKED_EQ, threads, threads))
    if any_ioctl:
        allow("ioctl")
    for request in () if any_ioctl else _IOCTLS:
        allow("ioctl", seccomp.Arg(1, seccomp.EQ, request))
    for command in _FCNTLS:
        allow("fcntl", seccomp.Arg(1, seccomp.EQ, command))
    for name, flags in (("open", 1), ("openat", 2)):
        only = () if may_write else (seccomp.Arg(flags, seccomp.MASKED_EQ, _WRITING, 0),)
        allow(name, *only)
    for option in (_PR_SET_NAME, _PR_GET_NAME):
        allow("prctl", seccomp.Arg(0, seccomp.EQ, option))
    # pid 0 is the caller; limits may be read and not set
    allow("prlimit64", seccomp.Arg(0, seccomp.EQ, 0), seccomp.Arg(2, seccomp.EQ, 0))
    allow("sched_setaffinity", seccomp.Arg(0, seccomp.EQ, 0))
    # through a pipe, which a full disk can't cut short; a filter is a few kB, a pipe holds 64
    reading, writing = os.pipe()
    with open(reading, "rb") as source:
        with open(writing, "wb") as target:
            rules.export_bpf(target)
        return source.read()


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def install(program: bytes) -> None:
    """Put this thread, and all it starts, under the filter; NO_NEW_PRIVS has to be set.

    Raises:
        OSError: the kernel refuses it.
    """
    count, rest = divmod(len(program), _INSTRUCTION)
    if rest or not count:
        raise OSError(errno.EINVAL, "a seccomp filter that is no BPF program")
    libc = ctypes.CDLL(None, use_errno=True)
    holder = _Program(count, program)
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(holder), 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"seccomp: {os.strerror(code)}")

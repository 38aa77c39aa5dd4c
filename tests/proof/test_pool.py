"""The processes that try variants side by side end when they are told to."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

KNOWN = Path(__file__).parents[1] / "known_course"


def children_of(pid: int) -> set[int]:
    """The processes that a process has started, and those that they have."""
    try:
        own = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return set()
    found = {int(child) for child in own}
    return found.union(*(children_of(child) for child in found)) if found else found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_proof_ends_at_once_and_leaves_nothing(tmp_path: Path, number: int) -> None:
    """Whatever variant is under way: one may take minutes."""
    run = subprocess.Popen(
        [sys.executable, "-m", "autograder", "verify", "--course", str(KNOWN), "--jobs", "2"],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    # a variant's module: the first is being tried
    while not list(tmp_path.glob("autograder-verify-*/*/*.py")) and run.poll() is None:
        pass
    assert run.poll() is None
    children = children_of(run.pid)
    assert len(children) >= 3
    run.send_signal(number)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "Traceback" not in said
    assert not list(tmp_path.glob("autograder-*"))
    patience = time.monotonic() + 20
    while left := [child for child in children if status_of(child) != "Z"]:
        assert time.monotonic() < patience, left


def status_of(pid: int) -> str:
    """A process's state, Z where nobody has asked how it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"

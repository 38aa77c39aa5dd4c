"""What each layer of the sandbox is good for: the attacks that get through without it.

    python tests/attacks/ablation.py                      a table: layer, cases that succeed
    python tests/attacks/ablation.py --json FILE          the same as JSON
    python tests/attacks/ablation.py --only reading/ --without landlock --without uid

Each line switches one layer off (or, with several --without, all of those) and leaves the rest
on: what two layers hold shows only when both are off. A case succeeds where it gets points, or
says by its exception that it did what it must not, or leaves a process or a file behind, or ends
the grader. Everything happens on copies in a folder of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from batch import NOBODY, Case, Run, Staged, as_nobody, cases, run_batch

from autograder.sandbox.jail import LAYERS

# what a layer can make a difference to; the rest is held by the wire and the deadlines
_CONCERNED = (
    *("reading/", "ending/", "escaping/", "state/remembered", "forging/results_file"),
    *("forging/report_file", "exhausting/disk", "exhausting/empty_files", "exhausting/pipes"),
    *("exhausting/shared_memory", "exhausting/torch_shared_memory", "exhausting/threads"),
    *("exhausting/mapped_memory", "exhausting/locked_memory", "exhausting/descriptors"),
    *("exhausting/socket_pairs", "exhausting/sent_descriptors"),
)
# without the layers that hold it this reaches beyond what we started
_NEVER = {"ending/kill_groups"}
_SLOW = {"escaping/compile_code", "ending/many_bases", "ending/broken_object", "ending/recursion"}


def succeed_without(layers: list[str], chosen: list[Case], *, nobody: bool = False) -> list[str]:
    """The names of the cases that succeed where `layers` are switched off."""
    staged = Staged(chosen, NOBODY if nobody else None)
    try:
        command = [sys.executable, str(Path(__file__).resolve()), "--grade", ",".join(layers)]
        run = run_batch(staged, [*as_nobody(), *command] if nobody else command)
        found = [case.name for case in chosen if _succeeded(staged, case)]
    finally:
        staged.remove()
    if run.status not in (0, 3):
        raise RuntimeError(f"the grader ended with {run.status}: {run.stderr[-2000:]}")
    found += [f"left behind: {thing}" for thing in (*run.processes, *run.files, *run.changed)]
    _clean_up(run)
    return found


def _clean_up(run: Run) -> None:
    for line in run.processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(line.split()[0]), signal.SIGKILL)
    for kind, option in (("shm", "-M"), ("sem", "-S"), ("msg", "-Q")):  # ours, by their key
        if any(line.startswith(kind) for line in run.files):
            subprocess.run(["ipcrm", option, "0x5eed"], check=False)
    for path in run.files:
        if path.startswith("/") and os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
        elif path.startswith("/"):
            os.unlink(path)


def _succeeded(staged: Staged, case: Case) -> bool:
    file = staged.out / case.folder / "report.json"
    if not file.is_file():
        return True  # it ended the grader
    report = json.loads(file.read_text(encoding="utf-8"))
    checks = [c for s in report["stages"] for e in s["exercises"] for c in e["checks"]]
    said = any("Error: BREACHED" in check["message"] for check in checks)
    return said or not report["graded"] or (report["points"] > 0 and not case.full)


def _grade(layers: list[str], arguments: list[str]) -> None:
    """The command line `autograder grade`, with a zygote that leaves layers out."""
    from autograder import cli
    from autograder.sandbox.workers import Zygote

    Zygote.__init__.__kwdefaults__["without"] = layers  # grading never names any
    sys.argv = ["autograder", "grade", "--allow-weak", *arguments]
    cli.main()


def main() -> None:
    """Print the table."""
    if sys.argv[1:2] == ["--grade"]:
        _grade(sys.argv[2].split(",") if sys.argv[2] else [], sys.argv[3:])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--without", action="append", metavar="LAYER", choices=LAYERS)
    parser.add_argument("--only", action="append", metavar="TEXT", help="cases with it in the name")
    parser.add_argument("--nobody", action="store_true", help="as an ordinary user")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    chosen = [
        case
        for case in cases()
        if case.name not in _NEVER | _SLOW
        and case.name.startswith(_CONCERNED)
        and (not options.only or any(text in case.name for text in options.only))
    ]
    table = {}
    for layers in [options.without] if options.without else [[layer] for layer in LAYERS]:
        found = succeed_without(layers, chosen, nobody=options.nobody)
        table["+".join(layers)] = found
        print(f"without {', '.join(layers)}: {len(found)} of {len(chosen)}", flush=True)
        for name in found:
            print(f"    {name}", flush=True)
    idle = [layers for layers, found in table.items() if not found]
    if idle:
        print(f"no case needs: {', '.join(idle)}")
    if options.json:
        options.json.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

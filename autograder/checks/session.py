"""A pytest session inside of a program: it takes nothing from its surroundings, and leaves none."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path


def session_arguments(root: Path) -> list[str]:
    """What such a session is told, beside which files to collect; `root` is the course's folder."""
    return [
        f"--rootdir={root}",
        f"--config-file={os.devnull}",
        "--noconftest",
        "--disable-plugin-autoload",
        "--import-mode=importlib",
        "--capture=no",
        "--tb=line",
        "--disable-warnings",  # they would stand last, where an error is looked for
        "-q",
        *("-p", "autograder.checks.plugin", "-p", "no:cacheprovider"),
        # each collects garbage at the end, over all that torch has loaded
        *("-p", "no:unraisableexception", "-p", "no:threadexception"),
    ]


@contextlib.contextmanager
def own_pytest(root: Path) -> Iterator[None]:
    """Keep this process's settings out of the run, and the run's modules out of this process."""
    addopts = os.environ.pop("PYTEST_ADDOPTS", None)
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    before = set(sys.modules)
    try:
        yield
    finally:
        sys.dont_write_bytecode = bytecode
        if addopts is not None:
            os.environ["PYTEST_ADDOPTS"] = addopts
        # pytest caches a test module by its name, which another course may share
        # (only the course's own: a virtual environment may lie in its folder, and torch in that)
        homes = (root / "assignments", root / "solutions")
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and any(Path(file).is_relative_to(home) for home in homes):
                # hypothesis remembers functions, and through their module's loader the session
                sys.modules[name].__spec__ = sys.modules[name].__loader__ = None
                del sys.modules[name]

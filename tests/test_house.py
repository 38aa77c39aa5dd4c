"""The house: imports run one way, and the worker's side knows nothing of the grader."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "autograder"
ALL = {path.stem for path in PACKAGE.glob("*.py")} | {
    path.parent.name for path in PACKAGE.glob("*/__init__.py")
}
# what each part may import of the package, beside itself
MAY = {
    "errors": set(),
    "text": set(),
    "torchvision_compat": set(),
    "forbidden": set(),
    "cells": set(),
    "data": {"errors", "torchvision_compat"},
    "course": {"errors", "forbidden"},
    "mistakes": {"errors", "course"},
    "progress": {"report"},
    "report": {"errors", "course", "text"},
    "sandbox": {"errors", "course", "torchvision_compat"},
    "checks": {"errors", "course", "report", "text", "sandbox", "torchvision_compat"},
    "reports": {"errors", "course", "report", "text"},
    "live": {"errors", "cells", "course", "checks"},
    "otter_plugin": {"errors", "report"},
    "release": {"errors", "course", "text"},
    "new": {"errors", "course", "release"},
    "grading": {
        "errors",
        "cells",
        "course",
        "data",
        "mistakes",
        "report",
        "text",
        "sandbox",
        "checks",
        "reports",
    },
    "proof": {
        "text",
        "errors",
        "course",
        "data",
        "mistakes",
        "report",
        "sandbox",
        "checks",
        "grading",
        "release",
        "progress",
    },
}
WORKERS_SIDE = {
    "wire": set(),
    "syscalls": set(),
    "gpu": set(),
    "jail": {"sandbox.gpu", "sandbox.syscalls"},
    "frames": set(),
    "operators": {"sandbox.frames"},
    "pages": set(),
    "portable": {"sandbox.frames"},
    "programs": {"sandbox.wire"},
    "runner": {"sandbox.operators", "sandbox.portable", "sandbox.programs", "sandbox.wire"},
    "dataloader": set(),
    "zygote": {
        "sandbox.dataloader",
        "sandbox.gpu",
        "sandbox.jail",
        "sandbox.pages",
        "sandbox.runner",
        "sandbox.wire",
        "torchvision_compat",
    },
}


def imports_of(path: Path) -> set[str]:
    """The modules of the package that a file imports, at any depth, as `sandbox.wire`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            head, _, rest = name.partition(".")
            if head == "autograder" and rest:
                found.add(rest)
    return found


def files_of(part: str) -> list[Path]:
    single = PACKAGE / f"{part}.py"
    return [single] if single.is_file() else sorted((PACKAGE / part).rglob("*.py"))


@pytest.mark.parametrize("part", MAY)
def test_a_part_imports_only_what_is_below_it(part: str) -> None:
    for path in files_of(part):
        for name in imports_of(path):
            other = name.split(".")[0]
            if other in ALL:
                assert other == part or other in MAY[part], f"{path.name} imports {name}"


@pytest.mark.parametrize("module", WORKERS_SIDE)
def test_the_workers_side_imports_nothing_of_the_graders(module: str) -> None:
    """What runs beside student code has nothing to tell it."""
    for name in imports_of(PACKAGE / "sandbox" / f"{module}.py"):
        allowed = WORKERS_SIDE[module]
        # `from autograder.sandbox import wire`, or `from autograder.sandbox.wire import …`
        candidates = {name, name.rpartition(".")[0]}
        assert candidates & allowed, f"{module} imports {name}"


def test_the_package_knows_no_course_by_name() -> None:
    """Its wheel goes to students, and to other courses."""
    stages = {p.parent.name for p in (PACKAGE.parent / "assignments").glob("*/assignment.toml")}
    assert stages
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and id(node) not in docstrings:
                assert node.value not in stages, f"{path}:{node.lineno}"

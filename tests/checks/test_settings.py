"""The same submission meets the same inputs, whatever else is installed or imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DRAW = """
import json, sys
for name in sys.argv[2:]:
    __import__(name)
from autograder.checks.settings import use
from hypothesis import given, settings
from hypothesis import strategies as st

use(int(sys.argv[1]))
seen = []

@given(n=st.integers(), x=st.floats(), s=st.text())
def test_something(n, x, s):
    seen.append((n, repr(x), s))

test_something()
print(json.dumps(seen))
"""


def drawn(folder: Path, examples: int, *modules: str) -> list[Any]:
    """What a check draws in a fresh process that has imported `modules` from `folder`."""
    done = subprocess.run(
        [sys.executable, "-c", DRAW, str(examples), *modules],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    result: list[Any] = json.loads(done.stdout)
    return result


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a module full of constants, such as hypothesis likes to try."""
    folder = tmp_path_factory.mktemp("elsewhere")
    numbers = ", ".join(str(10**6 + 7919 * i) for i in range(200))
    words = ", ".join(f'"strange word {i}"' for i in range(200))
    floats = ", ".join(f"{i}.123e9" for i in range(1, 200))
    text = f"def f():\n    return [{numbers}], [{words}], [{floats}]\n"
    (folder / "strange.py").write_text(text)
    return folder


def test_inputs_do_not_depend_on_what_is_imported(elsewhere: Path, tmp_path: Path) -> None:
    """Constants in local modules, the student's own among them, don't change what is drawn."""
    plain = drawn(tmp_path, 200)
    assert len(plain) == 200
    assert drawn(elsewhere, 200, "strange") == plain


def test_the_number_of_examples_is_the_runs(tmp_path: Path) -> None:
    """As many inputs are drawn as asked for."""
    assert len(drawn(tmp_path, 7)) == 7

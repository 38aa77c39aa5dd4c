"""The toolkit itself as a wheel: what students and platforms install; it holds no course."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

import autograder
from autograder.errors import InputError


class Wheel(NamedTuple):
    """A wheel file: its name, which tells the version, and its bytes."""

    name: str
    content: bytes


def build_wheel() -> Wheel:
    """Build the wheel of the toolkit that is running; the same source gives the same bytes.

    Raises:
        InputError: the toolkit does not run from its source folder, or hatchling is missing.
    """
    root = Path(autograder.__file__).resolve().parents[1]
    if not (root / "pyproject.toml").is_file():
        raise InputError(
            "a release holds the toolkit's wheel, which is built from its source: install the "
            "toolkit from its source folder (python -m pip install -e FOLDER)"
        )
    try:
        from hatchling.builders.wheel import WheelBuilder
    except ModuleNotFoundError as error:
        raise InputError("a release needs hatchling: python -m pip install hatchling") from error
    with tempfile.TemporaryDirectory(prefix="autograder-wheel-") as folder:
        [built] = WheelBuilder(str(root)).build(directory=folder, versions=["standard"])
        return Wheel(Path(built).name, Path(built).read_bytes())

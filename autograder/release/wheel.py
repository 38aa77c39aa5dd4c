"""The toolkit itself as a wheel: what students and platforms install; it holds no course."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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
    with tempfile.TemporaryDirectory(prefix="autograder-wheel-") as folder, _no_time():
        [built] = WheelBuilder(str(root)).build(directory=folder, versions=["standard"])
        return Wheel(Path(built).name, Path(built).read_bytes())


@contextmanager
def _no_time() -> Iterator[None]:
    """Builders take the time of every file from this variable; without it hatchling has its own."""
    before = os.environ.pop("SOURCE_DATE_EPOCH", None)
    try:
        yield
    finally:
        if before is not None:
            os.environ["SOURCE_DATE_EPOCH"] = before

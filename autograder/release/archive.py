"""A release as a zip file: the same files give the same bytes, wherever and whenever."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can tell
_PLAIN, _PROGRAM = 0o100644, 0o100755


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip file.

    Args:
        files: paths with forward slashes, and contents; see `is_program`.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.create_system = 3  # Unix, on every system: else the modes would be lost
            entry.external_attr = (_PROGRAM if is_program(content) else _PLAIN) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content, compresslevel=9)
    return buffer.getvalue()


def is_program(content: bytes) -> bool:
    """Whether a file of a release is to be executable: if it begins with ``#!``."""
    return content.startswith(b"#!")

"""What is hidden in a file: archives are opened, packed and encoded contents are undone.

Nothing is skipped in silence: what can't be looked into becomes a page with a fault.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator

from autograder.release.pages import Page

_LARGEST = 256 * 2**20  # bytes of one page; no release of ours has any such
_SHORT = 12  # bytes below which nothing is said

# lines of base64, and the end of one; Python and JSON may write the line breaks as \n
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/_-]{16,}(?:\s|\\n){0,3})+[A-Za-z0-9+/_-]*={0,2}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){12,}")
_BREAK = re.compile(rb"\s|\\n")

_Unpack = Callable[[bytes], bytes]
_PACKED: tuple[tuple[bytes, _Unpack], ...] = (
    (b"\x1f\x8b\x08", gzip.decompress),
    (b"BZh", bz2.decompress),
    (b"\xfd7zXZ\0", lzma.decompress),
)
# zlib's two bytes may begin anything
_PERHAPS = tuple(b"x" + byte for byte in (b"\x01", b"\x5e", b"\x9c", b"\xda"))
# what reading a broken archive raises
_BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error),
    *(OSError, EOFError, ValueError, RuntimeError, NotImplementedError, KeyError),
)


def inside(page: Page) -> Iterator[Page]:
    """The pages that are hidden in a page, one level of them; their names begin with its own."""
    try:
        if zipfile.is_zipfile(io.BytesIO(page.content)):
            yield from _zipped(page)
        elif page.content[257:262] == b"ustar":
            yield from _tarred(page)
        elif unpacked := _unpacked(page.content):
            yield Page(f"{page.name} (unpacked)", unpacked)
        else:
            yield from _decoded(page)
    except _BROKEN as error:
        yield Page(page.name, b"", f"can't be looked into: {error}")


def _zipped(page: Page) -> Iterator[Page]:
    with zipfile.ZipFile(io.BytesIO(page.content)) as archive:
        for entry in archive.infolist():
            name = f"{page.name}/{entry.filename}"
            if stat.S_ISLNK(entry.external_attr >> 16):
                yield Page(name, b"", "is a link")
            elif entry.file_size > _LARGEST:
                yield Page(name, b"", "is too large to be looked into")
            else:
                yield Page(name, archive.read(entry))  # a folder, too: for its name
            for note in (entry.comment, entry.extra):
                if len(note) >= _SHORT:
                    yield Page(f"{name} (comment)", note)
        if archive.comment:
            yield Page(f"{page.name} (comment)", archive.comment)


def _tarred(page: Page) -> Iterator[Page]:
    with tarfile.open(fileobj=io.BytesIO(page.content)) as archive:
        for entry in archive:
            name = f"{page.name}/{entry.name}"
            file = archive.extractfile(entry) if entry.isreg() else None
            if entry.size > _LARGEST:
                yield Page(name, b"", "is too large to be looked into")
            elif file:
                yield Page(name, file.read())
            elif not entry.isdir():
                yield Page(name, b"", "is a link")


def _unpacked(content: bytes) -> bytes | None:
    for magic, unpack in _PACKED:
        if content.startswith(magic):
            return unpack(content)
    if content.startswith(_PERHAPS):
        try:
            return zlib.decompress(content)
        except zlib.error:
            pass
    return None


def _decoded(page: Page) -> Iterator[Page]:
    """What base64 or hexadecimal digits in the page stand for, where that is worth reading."""
    seen = set()
    for text in (page.content, *(string.encode(errors="ignore") for string in page.strings)):
        for kind, found in (("base64", _BASE64), ("hex", _HEX)):
            for match in found.finditer(text):
                decoded = _decode(kind, _BREAK.sub(b"", match[0]))
                if decoded not in seen and _is_worth_reading(decoded):
                    seen.add(decoded)
                    yield Page(f"{page.name} ({kind})", decoded)


def _decode(kind: str, digits: bytes) -> bytes:
    if kind == "hex":
        return bytes.fromhex(digits.decode())
    plain = digits.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    whole = plain[: len(plain) - 1] if len(plain) % 4 == 1 else plain
    return base64.b64decode(whole + b"=" * (-len(whole) % 4))


def _is_worth_reading(content: bytes) -> bool:
    if len(content) < _SHORT:
        return False
    try:
        if _unpacked(content):
            return True
    except _BROKEN:
        return False  # the first bytes were chance
    if content.startswith(b"PK\3\4") or content[257:262] == b"ustar":
        return True
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter in "\t\r\n" for letter in text)

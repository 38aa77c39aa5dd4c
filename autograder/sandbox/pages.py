"""Huge pages for a process that forks often.

A fork copies an entry for every page of memory that its parent has written, and its end drops them
all again. Of the 220 MB that torch and what it imports leave behind that are 56,000 pages: most of
what a worker costs. In pages of 2 MB it is a third of that.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator

_MADV_COLLAPSE = 25  # since Linux 6.1; an older kernel says EINVAL
_HUGE = 2 << 20  # bytes; where huge pages are larger, the kernel refuses or rounds inwards


def collapse_own_memory() -> None:
    """Gather this process's private memory in huge pages, as far as the kernel does that.

    Nothing but speed depends on it: a refusal changes nothing, and is not reported.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    for start, end in list(_private_memory()):
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_COLLAPSE)


def _private_memory() -> Iterator[tuple[int, int]]:
    """The writable private mappings of no file, cut to whole huge pages."""
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        for line in maps:
            addresses, mode, _, _, inode, *name = line.split(maxsplit=5)
            if mode != "rw-p" or inode != "0" or (name and not name[0].startswith("[heap]")):
                continue
            first, last = (int(address, 16) for address in addresses.split("-"))
            start, end = -(-first // _HUGE) * _HUGE, last // _HUGE * _HUGE
            if start < end:
                yield start, end

"""Huge pages: the memory is what it was, and fewer pages hold it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

PROGRAM = """
    import mmap, os, re
    from autograder.sandbox import pages

    def huge():
        with open("/proc/self/smaps_rollup") as rollup:
            return int(re.search(r"AnonHugePages:\\s+(\\d+)", rollup.read())[1])

    size = 16 << 20
    held = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    pattern = os.urandom(1 << 20)
    held[:] = pattern * 16
    before = huge()
    pages.collapse_own_memory()
    assert held[:] == pattern * 16
    child = os.fork()
    if child == 0:
        held[:3] = b"abc"
        os._exit(held[3 : 1 << 20] != pattern[3:])
    assert os.waitpid(child, 0)[1] == 0
    assert held[:] == pattern * 16
    print(huge() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has the call")
def test_memory_is_the_same_in_larger_pages():
    """Values stay, a child's changes are its own, and where the kernel can it has huge pages."""
    done = subprocess.run(
        [sys.executable, "-c", dedent(PROGRAM)], capture_output=True, text=True, check=True
    )
    if not Path("/sys/kernel/mm/transparent_hugepage").exists():
        pytest.skip("this kernel has no huge pages")
    if done.stdout.strip() == "0":
        pytest.skip("this kernel does not collapse memory, or finds no room")
    assert int(done.stdout) >= 8 << 10  # kB

"""Attacks that the layers hold succeed without them: they are true attacks, and the layers matter.

`ablation.py` prints the whole table; here are cases of the layers that stand alone.
"""

from __future__ import annotations

import os

import pytest
from ablation import succeed_without
from batch import cases, why_not_as_nobody

from autograder.sandbox.workers import Zygote

BY_NAME = {case.name: case for case in cases()}

# what has to succeed without a layer, whoever the grader runs as
ALONE = {
    "landlock": [
        *("reading/reference", "reading/hidden_checks", "reading/other_submission"),
        *("reading/numpy_fromfile", "reading/libc_open", "reading/through_proc_root"),
        *("reading/change_folder", "reading/import_reference", "reading/runpy_reference"),
        *("reading/course_listing", "reading/system_files"),
    ],
    "seccomp": [
        *("escaping/fork", "escaping/clone", "escaping/clone3", "escaping/exec"),
        *("escaping/sockets", "escaping/unix_socket", "exhausting/socket_pairs"),
        *("escaping/namespaces", "escaping/personality", "escaping/watch_files"),
    ],
    "rlimits": ["exhausting/mapped_memory", "exhausting/descriptors"],
}
# what two or three layers hold, each for itself; as root
TOGETHER = [
    (("uid", "landlock", "seccomp"), ["escaping/write_files", "ending/signal_by_owner"]),
    (("uid", "landlock", "capabilities"), ["reading/grader_memory", "reading/grader_environment"]),
    (("uid", "seccomp", "capabilities"), ["escaping/chroot"]),
    (("namespaces", "seccomp"), ["escaping/internet", "escaping/sysv_shared_memory"]),
]
# where the user is shared, file modes hold nothing
AS_NOBODY = ["reading/reference", "reading/hidden_checks"]


def held_without(switched_off: list[str], names: list[str]) -> list[str]:
    """Those that fail all the same, each time: on a busy machine an attack may run out of time."""
    left = names
    for _ in range(3):
        found = succeed_without(switched_off, [BY_NAME[name] for name in left])
        left = [name for name in left if name not in found]
        if not left:
            break
    return left


@pytest.fixture(scope="module")
def layers() -> tuple[str, ...]:
    with Zygote(allow_weak=True) as zygote:
        return zygote.layers


@pytest.mark.parametrize("layer", ALONE)
def test_attacks_succeed_without_the_layer_that_holds_them(
    layers: tuple[str, ...], layer: str
) -> None:
    """What the layer alone holds gets through when it is gone."""
    if layer not in layers:
        pytest.skip(f"no {layer} on this machine")
    assert held_without([layer], ALONE[layer]) == []


@pytest.mark.parametrize("switched_off, names", TOGETHER, ids=lambda part: "+".join(part))
def test_attacks_succeed_without_all_layers_that_hold_them(
    layers: tuple[str, ...], switched_off: tuple[str, ...], names: list[str]
) -> None:
    """What two layers hold gets through when both are gone: that is what the second is for."""
    if os.geteuid() != 0:
        pytest.skip("an ordinary user has fewer layers")
    if missing := {"landlock", "seccomp", "namespaces"} - set(layers):
        pytest.skip(f"no {', '.join(sorted(missing))} on this machine")
    assert held_without(list(switched_off), names) == []


def test_attacks_on_a_shared_user_succeed_without_landlock(layers: tuple[str, ...]) -> None:
    """Where the worker has the grader's user, Landlock keeps it from the grader's processes."""
    why_not = why_not_as_nobody() or ("" if "landlock" in layers else "no landlock")
    if why_not:
        pytest.skip(why_not)
    found = succeed_without(["landlock"], [BY_NAME[name] for name in AS_NOBODY], nobody=True)
    assert [name for name in AS_NOBODY if name not in found] == []

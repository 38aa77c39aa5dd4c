"""What this machine has for grading, and what to do about what is missing."""

from __future__ import annotations

import platform
import sys

import msgspec

from autograder.data import NAMES, data_folder, is_there
from autograder.sandbox.jail import LAYERS, is_strong
from autograder.sandbox.workers import Zygote

_REMEDIES = {
    "namespaces": "needs a capability that containers lack; seccomp stands in for it",
    "oom": "nothing to do; memory limits stand in for it",
    "uid": "run as root, with a Python that all users can read (the system's, not one in a home)",
    "landlock": "needs Linux 5.13 with Landlock on, and `python -m pip install landlockpy`",
    "seccomp": "install libseccomp2, and `python -m pip install pyseccomp`",
}


class Layer(msgspec.Struct, frozen=True):
    """One layer of the sandbox; `why` and `remedy` are empty where it is there."""

    name: str
    active: bool
    why: str = ""
    remedy: str = ""


class Health(msgspec.Struct, frozen=True):
    """What `examine` found; `no_gpu` says why workers can't use one, empty where they can."""

    system: str
    versions: dict[str, str]
    torchvision_repaired: bool
    cuda: list[str]
    no_gpu: str
    data: list[str]
    layers: list[Layer]
    strong: bool


def examine() -> Health:
    """Start the sandbox as grading does, and look at what it got.

    Raises:
        SandboxError: it can't be started at all.
    """
    import torch

    with Zygote(allow_weak=True, device="auto") as zygote:
        layers = [
            Layer(name, True)
            if name in zygote.layers
            else Layer(name, False, zygote.missing.get(name, ""), _REMEDIES.get(name, ""))
            for name in LAYERS
        ]
        return Health(
            system=f"{platform.system()} {platform.release()}, {platform.machine()}, "
            f"{sys.executable}",
            versions=zygote.versions,
            torchvision_repaired=zygote.torchvision_repaired,
            cuda=[torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
            no_gpu=zygote.no_gpu,
            data=[name for name in NAMES if is_there(name)],
            layers=layers,
            strong=is_strong(zygote.layers),
        )


def describe(health: Health) -> str:
    """The findings as lines to read."""
    lines = [health.system]
    lines += [f"{name} {version}" for name, version in health.versions.items()]
    if "torchvision" not in health.versions:
        lines.append("torchvision is missing: `python -m pip install -c constraints.txt -e .`")
    elif health.torchvision_repaired:
        lines.append("torchvision and torch are of different builds; its import was repaired")
    lines.append(f"GPU: {', '.join(health.cuda)}" if health.cuda else "no GPU: grading on the CPU")
    if health.cuda:
        lines.append(f"  workers can't use it: {health.no_gpu}" if health.no_gpu else
                     "  workers can use it: --device auto trains on it")  # fmt: skip
    away = [name for name in NAMES if name not in health.data]
    lines.append(f"data: {', '.join(health.data)}")
    if away:
        lines.append(f"  not yet in {data_folder()}: {', '.join(away)}")
    lines += ["", "sandbox"]
    for layer in health.layers:
        lines.append(f"  {'✓' if layer.active else '✗'} {layer.name}")
        if not layer.active:
            lines.append(f"      {layer.why}")
            lines += [f"      {layer.remedy}"] if layer.remedy else []
    lines.append("")
    if health.strong:
        lines.append("strong enough to grade")
    else:
        lines.append("too weak to grade: it needs seccomp, and a user of its own or Landlock")
    return "\n".join(lines)

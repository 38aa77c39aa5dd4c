"""A GPU for a worker: CUDA is initialised in it, by our code alone, before its jail closes.

A process can't use CUDA if it was forked from one that has, so the zygote never touches it. And
what CUDA does when it starts (looking through ``/proc`` and ``/sys``, naming its threads) would
need a much wider jail than what it does afterwards, which is to open its devices and to ask them.
"""

from __future__ import annotations

import glob
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

# each mapping of the GPU's memory takes a descriptor
MAX_OPEN_FILES = 1024
# where containers get the driver's libraries, and CUDA's own
FOLDERS = ("/usr/local/nvidia", "/usr/local/cuda")
ENVIRONMENT = {
    # Whether there is a GPU is asked of the driver's library of measurements: asking CUDA itself
    # would initialise it.
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # without it, cuBLAS adds up in any order
    "CUDA_CACHE_DISABLE": "1",  # it would write to a home folder, and there is none
}
# of the grader's environment, what says which GPU
INHERITED = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")
# what a worker runs in its jail before the first submission does
TRIAL = "from autograder.sandbox.gpu import try_out\ntry_out()"
_MOST_DIFFERENCE = 1e-3


class NoGpuError(Exception):
    """CUDA can't be used in this process; the message says why, in its own words."""


def device_files() -> tuple[str, ...]:
    """The devices that CUDA opens: one for each GPU, and two for all of them."""
    names = ("nvidia[0-9]*", "nvidiactl", "nvidia-uvm")
    return tuple(path for name in names for path in sorted(glob.glob(f"/dev/{name}")))


def why_not_here() -> str:
    """Why no process of this machine's can use a GPU, empty where one might.

    CUDA is not touched.
    """
    import torch

    if torch.version.cuda is None:
        return f"torch {torch.__version__} is a build without CUDA"
    if not device_files():
        return "there is no NVIDIA GPU here, or its driver is not loaded"
    return ""


def open_gpu() -> None:
    """Initialise CUDA in this process, and have it train a little.

    That loads what is loaded when it is first used, and shows that the GPU computes what the CPU
    does. From then on results are the same every time wherever CUDA can do that.

    Raises:
        NoGpuError: it can't be used, or computes something else.
    """
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        try_out()
    except Exception as error:
        words = str(error).strip().splitlines()
        raise NoGpuError(words[0] if words else type(error).__name__) from error


def try_out() -> None:
    """Train a small network on the GPU and on the CPU.

    Raises:
        NoGpuError: they don't come to the same.
    """
    on_gpu, on_cpu = _trained("cuda"), _trained("cpu")
    difference = float((on_gpu.cpu() - on_cpu).abs().max())
    if not difference <= _MOST_DIFFERENCE * max(1.0, float(on_cpu.abs().max())):
        raise NoGpuError(f"the GPU's results differ from the CPU's by {difference:.3g}")


def _trained(device: str) -> torch.Tensor:
    """What a small convolutional network gives after two steps."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    x = torch.linspace(-1, 1, 4 * 64).reshape(4, 1, 8, 8).to(device)
    y = torch.tensor([0, 1, 2, 1]).to(device)
    net = nn.Sequential(
        *[nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)],
        *[nn.Flatten(), nn.Linear(64, 3)],
    )
    with torch.no_grad():
        for parameter in net.parameters():
            values = torch.arange(parameter.numel()).mul(math.e).sin().div(4)
            parameter.copy_(values.reshape(parameter.shape))
    net.to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for _ in range(2):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    logits: torch.Tensor = net(x).detach()
    return logits

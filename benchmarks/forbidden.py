"""What listening for forbidden functions costs: the same call with and without, side by side.

A convolution by hand is the worst that a course has: written with loops it calls PyTorch for every
pixel. Both sides run in turn in this one process; the ratio is taken pair by pair. For comparison
a third side has what PyTorch would offer one level below, a `TorchDispatchMode`.

    python benchmarks/forbidden.py [--rounds 30]
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from autograder.forbidden import Forbidden
from autograder.sandbox.runner import Call, Forbid, Runner

STUDENT = """
import torch

def loops(x, w):
    (N, C, H, W), (O, _, kh, kw) = x.shape, w.shape
    out = torch.zeros(N, O, H - kh + 1, W - kw + 1)
    for n in range(N):
        for o in range(O):
            for i in range(H - kh + 1):
                for j in range(W - kw + 1):
                    out[n, o, i, j] = (x[n, :, i:i + kh, j:j + kw] * w[o]).sum()
    return out

def slices(x, w):
    H, W = x.shape[2] - w.shape[2] + 1, x.shape[3] - w.shape[3] + 1
    return sum(
        torch.einsum("nchw,oc->nohw", x[:, :, i:i + H, j:j + W], w[:, :, i, j])
        for i in range(w.shape[2]) for j in range(w.shape[3])
    )

def nothing(x, w):
    return None
"""


class Below(TorchDispatchMode):
    """Listens to every operator, and does nothing."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        return func(*args, **(kwargs or {}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    rules = Forbidden(("nn", "conv", "pooling", "padding", "unfold"), "by hand")
    forbid = msgspec.to_builtins(Forbid(rules.operators, rules.names))
    x, w = torch.randn(2, 3, 8, 8), torch.randn(4, 3, 3, 3)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "student.py").write_text(STUDENT, encoding="utf-8")
        plain, watched = (Runner(Path(folder), "student") for _ in range(2))
        plain.load(), watched.load()
        watched.call(Call("nothing", (x, w), forbid=forbid))
        for name in ("nothing", "slices", "loops"):
            sides: dict[str, list[float]] = {"plain": [], "watched": [], "below": []}
            for _ in range(rounds):
                for side, times in sides.items():
                    runner = watched if side == "watched" else plain
                    with Below() if side == "below" else contextlib.nullcontext():
                        started = time.perf_counter()
                        runner.call(Call(name, (x, w)))
                        times.append(time.perf_counter() - started)
            show(name, sides)


def show(name: str, sides: dict[str, list[float]]) -> None:
    def ratio(side: str) -> float:
        return statistics.median(b / a for a, b in zip(sides["plain"], sides[side], strict=True))

    print(
        f"{name:8} plain {1e3 * statistics.median(sides['plain']):7.3f} ms   "
        f"watched ×{ratio('watched'):.2f}   with a dispatch mode ×{ratio('below'):.2f}"
    )


if __name__ == "__main__":
    main()

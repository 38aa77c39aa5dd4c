"""The course's trainings beside the course notes' own: accuracy and time on the same images.

    python benchmarks/training.py [--seeds N] [--only NAME]…

One process, one thread, `mnist-5k`: 4,000 images to train on, 1,000 held out. Each round trains
every recipe once, with one seed, so that a busy machine is equally unfair to all.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import torch
from torch import nn
from torch.nn import functional as F

from autograder.data import load

ROOT = Path(__file__).parents[1]
Train = Callable[[torch.Tensor, torch.Tensor, int], nn.Module]


def module(path: Path) -> ModuleType:
    """A file of the course as a module."""
    spec = importlib.util.spec_from_file_location(f"benchmarked_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def notes(make: Callable[[], nn.Module], epochs: int, batch: int, lr: float) -> Train:
    """A recipe as the notes have it: shuffled batches and Adam."""

    def train(x: torch.Tensor, y: torch.Tensor, seed: int) -> nn.Module:
        torch.manual_seed(seed)
        model = make().train()
        adam = torch.optim.Adam(model.parameters(), lr=lr)
        for _ in range(epochs):
            for rows in torch.randperm(len(x)).split(batch):
                adam.zero_grad()
                F.cross_entropy(model(x[rows]), y[rows]).backward()
                adam.step()
        return model

    return train


def recipes() -> dict[str, Train]:
    """What is compared, by name."""
    models = module(ROOT / "solutions" / "models.py")
    training = module(ROOT / "solutions" / "training.py")
    probes = module(ROOT / "assignments" / "training" / "probes.py")
    return {
        "S0, S1: two convolutions, 1.2 M parameters, 3 epochs": notes(
            lambda: models.mnist_cnn(dropout=True), 3, 64, 1e-3
        ),
        "ours: train_cnn": lambda x, y, seed: training.train_cnn(x, y, seed=seed, device="cpu"),
        "S3: small CNN, 3 epochs": notes(models.small_cnn, 3, 32, 3e-3),
        "ours: the handout's small recipe": lambda x, y, seed: probes.small_recipe(x, y, seed=seed),
        "ours: train_mlp": lambda x, y, seed: training.train_mlp(x, y, seed=seed, device="cpu"),
    }


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each recipe")
    parser.add_argument("--only", action="append", help="part of a recipe's name; repeatable")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    data = load()
    wanted = {
        name: train
        for name, train in recipes().items()
        if not chosen.only or any(part in name for part in chosen.only)
    }
    reached: dict[str, list[float]] = {name: [] for name in wanted}
    seconds: dict[str, list[float]] = {name: [] for name in wanted}
    for seed in range(1, chosen.seeds + 1):
        for name, train in wanted.items():
            started = time.process_time()
            model = train(*data.train, seed).eval()
            seconds[name].append(time.process_time() - started)
            with torch.no_grad():
                right = model(data.held_out.x).argmax(1) == data.held_out.y
            reached[name].append(100 * float(right.double().mean()))
        print(f"\r{seed} of {chosen.seeds} seeds", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(f"{'':54} {'accuracy, mean (least)':>24} {'CPU seconds, median':>20}")
    for name in wanted:
        figures = f"{statistics.mean(reached[name]):.1f}% ({min(reached[name]):.1f}%)"
        print(f"{name:54} {figures:>24} {statistics.median(seconds[name]):>20.2f}")


if __name__ == "__main__":
    main()

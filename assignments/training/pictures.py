"""Draws the handout's pictures, and measures its tables: `python pictures.py`.

It writes digits.svg, training.svg and learnt.svg beside this file and prints the tables in
Markdown. The same pictures come out wherever torch computes the same.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional as F

from autograder.data import load

HERE = Path(__file__).parent
DATA = load()
SEEDS = range(5)
EPOCHS = 6


def dense() -> nn.Module:
    """S3's MLP."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 30), nn.ReLU(), nn.Linear(30, 10))


def convolutional(norm: bool = False) -> nn.Module:
    """S3's small CNN, with batch norm where it is asked for."""
    layers: list[nn.Module] = []
    for channels, kernels in ((1, 4), (4, 8)):
        layers += [nn.Conv2d(channels, kernels, 3, padding=1)]
        layers += [nn.BatchNorm2d(kernels)] if norm else []
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(8 * 49, 10))


def figures(model: nn.Module, data: tuple[torch.Tensor, torch.Tensor]) -> tuple[float, float]:
    """Accuracy in percent and mean loss."""
    x, y = data
    model.eval()
    with torch.no_grad():
        logits = model(x)
    return 100 * float((logits.argmax(1) == y).float().mean()), float(F.cross_entropy(logits, y))


def train(
    make: Callable[[], nn.Module],
    seed: int,
    *,
    optimizer: str,
    shuffle: bool = True,
    epochs: int = EPOCHS,
) -> tuple[nn.Module, list[list[float]]]:
    """The trained model, and its curves: a row of four after each epoch, as `fit` has them."""
    torch.manual_seed(seed)
    model = make()
    steps = {
        "sgd": lambda: torch.optim.SGD(model.parameters(), lr=0.02),
        "momentum": lambda: torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9),
        "adam": lambda: torch.optim.Adam(model.parameters(), lr=3e-3),
    }[optimizer]()
    # sorted by digit, as many files are: what is not shuffled meets all zeros first
    order = DATA.train.y.argsort(stable=True)
    x, y = DATA.train.x[order], DATA.train.y[order]
    curves = []
    for _ in range(epochs):
        model.train()
        for batch in (torch.randperm(len(x)) if shuffle else torch.arange(len(x))).split(32):
            steps.zero_grad()
            F.cross_entropy(model(x[batch]), y[batch]).backward()
            steps.step()
        curves.append([*figures(model, DATA.train), *figures(model, DATA.held_out)])
    return model, curves


EFFECTS = [
    ("dense, SGD, in the order of the file", dense, {"optimizer": "sgd", "shuffle": False}),
    ("dense, SGD, shuffled", dense, {"optimizer": "sgd"}),
    ("dense, SGD with momentum", dense, {"optimizer": "momentum"}),
    ("dense, Adam", dense, {"optimizer": "adam"}),
    ("convolutions, Adam", convolutional, {"optimizer": "adam"}),
    ("convolutions, batch norm, Adam", lambda: convolutional(True), {"optimizer": "adam"}),
]


def effects() -> None:
    """Print S3's table, over several seeds."""
    print(f"| network and recipe, {EPOCHS} epochs | held-out accuracy, {len(SEEDS)} seeds |")
    print("|---|---|")
    for name, make, how in EFFECTS:
        reached = [train(make, seed, **how)[1][-1][2] for seed in SEEDS]
        mean, spread = statistics.mean(reached), statistics.stdev(reached)
        print(f"| {name} | {mean:.1f} ± {spread:.1f}% |")


def digits() -> None:
    """A grid of images with their labels."""
    figure, axes = plt.subplots(3, 10, figsize=(7, 2.5))
    for axis, image, label in zip(axes.flat, DATA.train.x, DATA.train.y, strict=False):
        axis.imshow(image[0], cmap="gray_r", vmin=-1, vmax=1)
        axis.set_title(int(label), fontsize=8, pad=2)
        axis.axis("off")
    save(figure, "digits.svg")


def curves_and_confusion(model: nn.Module, curves: list[list[float]]) -> None:
    """Learning curves beside the confusion matrix, and the table of each class's accuracy."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(8, 2.8))
    epochs = range(1, len(curves) + 1)
    for axis, first, name in ((left, 0, "accuracy (%)"), (middle, 1, "loss")):
        axis.plot(epochs, [row[first] for row in curves], "o-", markersize=3, label="training")
        axis.plot(epochs, [row[first + 2] for row in curves], "o-", markersize=3, label="held out")
        axis.set(xlabel="epoch", title=name)
        axis.legend(fontsize=7)
    with torch.no_grad():
        given = model.eval()(DATA.held_out.x).argmax(1)
    counts = torch.bincount(DATA.held_out.y * 10 + given, minlength=100).reshape(10, 10)
    right.imshow(counts.clone().fill_diagonal_(0), cmap="Reds", vmin=0, vmax=10)
    for i in range(10):
        for j in range(10):
            if counts[i, j]:
                right.text(j, i, int(counts[i, j]), ha="center", va="center", fontsize=6)
    right.set(xlabel="taken for", ylabel="is", title="confusion")
    right.set_xticks(range(10))
    right.set_yticks(range(10))
    save(figure, "training.svg")
    print("\n| digit |", " | ".join(map(str, range(10))), "|")
    print("|---|" + "---|" * 10)
    print(
        "| accuracy |", " | ".join(f"{counts[k, k] / counts[k].sum():.0%}" for k in range(10)), "|"
    )


def filters(model: nn.Module) -> None:
    """The kernels of the first layer, and what one digit becomes behind them."""
    first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
    with torch.no_grad():
        maps = F.relu(first(DATA.held_out.x[:1]))[0]
    count = len(first.weight)
    figure, axes = plt.subplots(2, count, figsize=(7, 2), squeeze=False)
    for i in range(count):
        kernel = first.weight[i, 0].detach()
        size = float(kernel.abs().max())
        axes[0, i].imshow(kernel, cmap="RdBu_r", vmin=-size, vmax=size)
        axes[1, i].imshow(maps[i], cmap="gray_r")
    for axis in axes.flat:
        axis.axis("off")
    save(figure, "learnt.svg")


def save(figure: plt.Figure, name: str) -> None:
    """Write an SVG without a date."""
    figure.tight_layout()
    figure.savefig(HERE / name, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Draw and print everything."""
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "training"
    torch.set_num_threads(1)
    effects()
    digits()

    def wide() -> nn.Module:
        return nn.Sequential(
            *[nn.Conv2d(1, 8, 5, stride=2, padding=2), nn.ReLU(), nn.MaxPool2d(2)],
            *[nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(784, 10)],
        )

    model, curves = train(wide, 0, optimizer="adam", epochs=8)
    curves_and_confusion(model, curves)
    filters(model)


if __name__ == "__main__":
    main()

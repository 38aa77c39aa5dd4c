"""Draws the handout's picture: `python pictures.py` writes valley.svg beside this file.

The same picture comes out byte for byte, so that a change of it is a change that someone made.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes

START = (-4.0, 1.0)
STEPS = 30
STEEP = 20.0  # how much more the valley curves across than along
LEFT = {
    "SGD": (torch.optim.SGD, {"lr": 0.095}, "#888888"),
    "with momentum": (torch.optim.SGD, {"lr": 0.03, "momentum": 0.8}, "#d1495b"),
    "Nesterov": (
        torch.optim.SGD,
        {"lr": 0.03, "momentum": 0.8, "nesterov": True},
        "#2e86ab",
    ),
}
RIGHT = {
    "Adagrad": (torch.optim.Adagrad, {"lr": 0.6}, "#888888"),
    "RMSprop": (torch.optim.RMSprop, {"lr": 0.15, "alpha": 0.9}, "#edae49"),
    "Adam": (torch.optim.Adam, {"lr": 0.3, "betas": (0.8, 0.95)}, "#d1495b"),
    "Adamax": (torch.optim.Adamax, {"lr": 0.3, "betas": (0.8, 0.95)}, "#2e86ab"),
}


def loss(x, y):
    """A valley: flat from west to east, steep from south to north; its lowest point is (0, 0)."""
    return 0.5 * (x**2 + STEEP * y**2)


def path(optimizer: type[torch.optim.Optimizer], options: dict[str, object]) -> np.ndarray:
    """Where an optimizer goes: (STEPS + 1, 2)."""
    p = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    takes_steps = optimizer([p], foreach=False, **options)
    places = [p.tolist()]
    for _ in range(STEPS):
        takes_steps.zero_grad()
        loss(*p).backward()
        takes_steps.step()
        places.append(p.tolist())
    return np.array(places)


def valley(axes: Axes, title: str) -> None:
    """The valley as lines of equal loss."""
    x, y = np.meshgrid(np.linspace(-4.6, 2.2, 52), np.linspace(-1.5, 1.5, 41))
    levels = [0.2, 1, 3, 6, 10, 15, 21]
    axes.contour(x, y, loss(x, y), levels=levels, colors="#cccccc", linewidths=0.6)
    axes.plot(0, 0, "+", color="black", markersize=8)
    axes.set_title(title, fontsize=9)
    axes.tick_params(labelsize=7)


def draw() -> plt.Figure:
    """Two valleys: rules with one learning rate, and rules with one for each element."""
    figure, (left, right) = plt.subplots(2, 1, figsize=(7.2, 5.6), layout="constrained")
    valley(left, "one learning rate for both directions")
    valley(right, "a learning rate for each direction")
    for axes, rules in ((left, LEFT), (right, RIGHT)):
        for name, (optimizer, options, color) in rules.items():
            x, y = path(optimizer, options).round(2).T
            axes.plot(x, y, "o-", color=color, markersize=2.5, linewidth=1, label=name)
        axes.legend(fontsize=8, loc="lower right")
    return figure


def main() -> None:
    """Write the picture."""
    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "optimizers", "svg.fonttype": "none"})
    mpl.rcParams["font.sans-serif"] = ["DejaVu Sans"]  # every text carries the list
    figure = draw()
    figure.savefig(Path(__file__).with_name("valley.svg"), metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    main()

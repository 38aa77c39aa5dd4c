"""Draws the handout's picture: ``python pictures.py`` writes `activations.svg` beside this file.

The pictures of a deep network are measured: the same weights, with batch norm and without.
"""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np
import torch

PLAIN, NORMED = "#bb5577", "#4477aa"
SETTINGS = {
    "svg.hashsalt": "batchnorm",  # the same file on every run
    "svg.fonttype": "none",
    "font.size": 11,
    "font.family": "sans-serif",
}
SHOWN = (1, 4, 8)  # the layers that are drawn
WIDTH, SAMPLES = 100, 500


def normalise(z, eps=1e-5):
    """Batch norm in training, with γ = 1 and β = 0."""
    return (z - z.mean(0)) / torch.sqrt(z.var(0, correction=0) + eps)


def pre_activations(normed):
    """What goes into each ReLU of a deep network whose weights are a bit too small."""
    generator = torch.Generator().manual_seed(0)
    h = torch.randn(SAMPLES, WIDTH, generator=generator, dtype=torch.float64)
    found = []
    for _ in range(max(SHOWN)):
        weight = 0.08 * torch.randn(WIDTH, WIDTH, generator=generator, dtype=torch.float64)
        z = h @ weight.T
        z = normalise(z) if normed else z
        h = z.clamp(min=0)
        found.append(z)
    return found


def two_features(before, after):
    """A batch of two features, in units of their own, and what batch norm makes of it."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(60, 2, generator=generator, dtype=torch.float64)
    x = x * torch.tensor([2.0, 0.4], dtype=torch.float64) + torch.tensor([4.0, -2.0])
    for ax, points, title in (
        (before, x, "a batch of x"),
        (after, normalise(x), r"$\hat x$: mean 0, variance 1"),
    ):
        ax.axhline(0, color="#bbbbbb", lw=0.8)
        ax.axvline(0, color="#bbbbbb", lw=0.8)
        ax.scatter(*points.T.numpy(), s=9, color=NORMED, alpha=0.7)
        ax.set(xlim=(-4, 9), ylim=(-4, 4), xlabel="feature 1", ylabel="feature 2")
        ax.set_title(title, fontsize=11)


def main():
    """Write the picture."""
    with plt.rc_context(SETTINGS):
        figure = plt.figure(figsize=(10, 4.6), layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=[3, 7])
        two_features(*left.subplots(2, 1))
        axes = right.subplots(2, len(SHOWN), sharex=True)
        for row, (normed, colour) in zip(axes, ((False, PLAIN), (True, NORMED)), strict=True):
            found = pre_activations(normed)
            for ax, layer in zip(row, SHOWN, strict=True):
                values = found[layer - 1].flatten().numpy()
                ax.hist(values, bins=np.linspace(-3, 3, 41), color=colour, histtype="stepfilled")
                ax.set(yticks=[], xlim=(-3, 3), xticks=[-2, 0, 2])
                ax.set_title(f"layer {layer}: σ = {values.std():.2f}", fontsize=11)
            row[0].set_ylabel("with batch norm" if normed else "without")
        target = Path(__file__).with_name("activations.svg")
        figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    main()

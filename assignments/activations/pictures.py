"""Draws activations.svg beside this file: the curves, and what they leave of a gradient.

Run it again after a change: ``python pictures.py``. The same file comes out each time.
"""

from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("svg")
mpl.rcParams |= {
    "svg.hashsalt": "activations",
    "svg.fonttype": "none",  # text stays text: small, and it can be read aloud
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
}

from matplotlib import pyplot as plt  # noqa: E402  only now the backend is chosen

COLOURS = {"sigmoid": "#0072b2", "tanh": "#d55e00", "ReLU": "#009e73", "leaky": "#cc79a7"}


def sigmoid(z):
    """1 / (1 + e^(−z))."""
    return 1 / (1 + np.exp(-z))


def draw_curves(axes):
    """The four activations."""
    z = np.linspace(-4, 4, 81)
    axes.axhline(0, color="0.8", linewidth=0.8)
    axes.axvline(0, color="0.8", linewidth=0.8)
    axes.plot(z, sigmoid(z), color=COLOURS["sigmoid"])
    axes.plot(z, np.tanh(z), color=COLOURS["tanh"])
    axes.plot([-4, 0, 2.2], [0, 0, 2.2], color=COLOURS["ReLU"])
    axes.plot([-4, 0, 2.2], [-0.8, 0, 2.2], color=COLOURS["leaky"], linestyle="--")
    axes.text(2.75, 0.74, "sigmoid", color=COLOURS["sigmoid"])
    axes.text(2.75, 1.1, "tanh", color=COLOURS["tanh"])
    axes.text(1.0, 1.9, "ReLU", color=COLOURS["ReLU"], ha="right")
    axes.text(-3.9, -0.48, "leaky", color=COLOURS["leaky"])
    axes.set(xlabel="z", title="activations", xlim=(-4, 4), ylim=(-1.2, 2.3))


def draw_scales(axes):
    """What is left of a gradient after some layers."""
    depth = np.arange(1, 21)
    lines = (
        ("ReLU", 1.0, "ReLU, any z > 0"),
        ("tanh", 1 - np.tanh(0.5) ** 2, "tanh at z = 0.5"),
        ("sigmoid", 0.25, "sigmoid at z = 0, its best"),
        ("sigmoid", sigmoid(3) * sigmoid(-3), "sigmoid at z = 3"),
    )
    for name, slope, label in lines:
        best = label.endswith("best") or name != "sigmoid"
        style = {"linestyle": "-" if best else "--", "marker": ".", "markersize": 4}
        axes.semilogy(depth, slope**depth, color=COLOURS[name], **style)
        axes.text(20.5, slope**20, label, color=COLOURS[name], va="center")
    axes.set(xlabel="depth", title="what is left of a gradient: f′(z)^depth")
    axes.set(xlim=(0, 31), xticks=[1, 5, 10, 15, 20], ylim=(1e-28, 1e2))


def main():
    """Write the picture."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.4), width_ratios=[4, 5])
    draw_curves(left)
    draw_scales(right)
    figure.tight_layout()
    path = Path(__file__).with_name("activations.svg")
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    # matplotlib leaves blanks at the ends of lines
    lines = (line.rstrip() for line in path.read_text(encoding="utf-8").splitlines())
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Classes, a table of functions, one-hot by index, autograd's graph kept alive."""

from typing import NamedTuple

import torch


class Curve(NamedTuple):
    """A function and its derivative, both of float64 tensors."""

    value: object
    slope: object


class _Shifted:
    """Logits with their largest at 0 along a dimension."""

    def __init__(self, z, dim):
        top, _ = torch.max(z, dim=dim, keepdim=True)
        self.dim, self.z = dim, torch.sub(z, top)
        self.powers = torch.exp(self.z)
        self.total = torch.sum(self.powers, dim=dim, keepdim=True)

    def probabilities(self):
        return torch.div(self.powers, self.total)

    def logarithms(self):
        return torch.sub(self.z, torch.log(self.total))


def _logistic(z):
    positive = z >= 0
    # each branch sees only the exponents that suit it
    up = torch.exp(torch.where(positive, 0 * z, z))
    down = torch.exp(torch.where(positive, -z, 0 * z))
    return torch.where(positive, 1 / (1 + down), up / (1 + up))


CURVES = {
    "sigmoid": Curve(_logistic, lambda z: _logistic(z) * _logistic(-z)),
    "tanh": Curve(
        lambda z: 2 * _logistic(2 * z) - 1,
        lambda z: 4 * _logistic(2 * z) * _logistic(-2 * z),
    ),
    "relu": Curve(lambda z: (z > 0) * z, lambda z: torch.ones_like(z) * (z >= 0)),
}


def sigmoid(z):
    return CURVES["sigmoid"].value(z)


def tanh(z):
    return CURVES["tanh"].value(z)


def relu(z):
    return CURVES["relu"].value(z)


def leaky_relu(z, slope=0.01):
    # the mean slope and half the difference of the two
    return (1 + slope) / 2 * z + (1 - slope) / 2 * z.abs()


def softmax(z, dim=-1):
    return _Shifted(z, dim).probabilities()


def log_softmax(z, dim=-1):
    return (
        _Shifted(z.mT, -2 if dim % z.dim() == z.dim() - 1 else -1).logarithms().mT
        if (z.dim() == 2)
        else _Shifted(z, dim).logarithms()
    )


def smooth_labels(targets, num_classes, alpha):
    if not 0 <= alpha <= 1:
        raise ValueError("alpha is a share")
    if not set(targets.tolist()) <= set(range(num_classes)):
        raise ValueError("not a class")
    rows = torch.full((num_classes, num_classes), alpha / num_classes)
    rows.fill_diagonal_(1 - alpha + alpha / num_classes)
    return rows.T[:, targets].T


class CrossEntropy:
    """The loss as an object that knows its smoothing."""

    def __init__(self, smoothing):
        if not 0 <= smoothing <= 1:
            raise ValueError("label_smoothing is a share")
        self.smoothing = smoothing

    def __call__(self, logits, targets):
        if not set(targets.tolist()) <= set(range(logits.shape[1])):
            raise ValueError("not a class")
        logits = logits.clone().requires_grad_(logits.is_floating_point())
        rows = zip(_Shifted(logits, 1).logarithms(), targets, strict=True)
        losses = [
            -(1 - self.smoothing) * row[target] - self.smoothing * row.mean()
            for row, target in rows
        ]
        return torch.stack(losses).mean().detach()


def cross_entropy(logits, targets, label_smoothing=0.0):
    return CrossEntropy(label_smoothing)(logits, targets)


def threshold_loss_slope(z, eps):
    def step(at):
        return (1 + torch.sign(at)) / 2  # ½ at 0

    return (step(z + eps) - step(z - eps)) / eps / 2


def gradient_scale(activation, depth, z):
    if activation not in CURVES:
        raise ValueError(f"unknown: {activation}")
    slope = CURVES[activation].slope(torch.tensor(z, dtype=torch.float64))
    return torch.prod(slope.expand(depth)).item()

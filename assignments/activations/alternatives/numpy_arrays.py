"""NumPy in float64, cast back at the end."""

import numpy as np
import torch


def _array(z):
    return z.detach().numpy().astype(np.float64)


def _like(result, z):
    kind = z.dtype if z.is_floating_point() else torch.float64
    return torch.from_numpy(np.asarray(result)).to(kind)


def sigmoid(z):
    return _like(0.5 * (1 + np.tanh(0.5 * _array(z))), z)


def tanh(z):
    with np.errstate(over="ignore"):
        return _like(1 - 2 / (np.exp(2 * _array(z)) + 1), z)


def relu(z):
    return _like((_array(z) + np.abs(_array(z))) / 2, z)


def leaky_relu(z, slope=0.01):
    a = _array(z)
    return _like(np.where(a < 0, slope, 1) * a, z)


def softmax(z, dim=-1):
    a = np.moveaxis(_array(z), dim, 0)
    powers = np.exp(a - a.max(axis=0))
    return _like(np.moveaxis(powers / powers.sum(axis=0), 0, dim), z)


def log_softmax(z, dim=-1):
    a = _array(z)
    return _like(a - np.logaddexp.reduce(a, axis=dim, keepdims=True), z)


def _checked(targets, k, share):
    classes = targets.numpy()
    if not np.isin(classes, np.arange(k)).all() or not 0 <= share <= 1:
        raise ValueError("no such class, or no share")
    return classes


def smooth_labels(targets, num_classes, alpha):
    onehot = np.eye(num_classes)[_checked(targets, num_classes, alpha)]
    return torch.from_numpy((1 - alpha) * onehot + alpha / num_classes)  # float64


def cross_entropy(logits, targets, label_smoothing=0.0):
    k = logits.shape[1]
    classes = _checked(targets, k, label_smoothing)
    labels = (1 - label_smoothing) * np.eye(k)[classes] + label_smoothing / k
    a = _array(logits)
    a = a - a.max(axis=1, keepdims=True)
    log_p = a - np.log(np.exp(a).sum(axis=1, keepdims=True))
    return _like(-np.einsum("nk,nk->", labels, log_p) / len(classes), logits)


def threshold_loss_slope(z, eps):
    a = _array(z)
    return _like((np.heaviside(a + eps, 0.5) - np.heaviside(a - eps, 0.5)) / (2 * eps), z)


def gradient_scale(activation, depth, z):
    z = np.float64(z)
    slopes = {
        "sigmoid": lambda: np.exp(-np.logaddexp(0, z) - np.logaddexp(0, -z)),
        "tanh": lambda: 1 - np.tanh(z) ** 2,
        "relu": lambda: np.heaviside(z, 0.0),
    }
    if activation not in slopes:
        raise ValueError(f"one of {list(slopes)}")
    return np.prod(np.full(depth, slopes[activation]()))

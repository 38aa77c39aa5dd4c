"""Plain Python: one number after the other, with the standard library's math."""

import math

import torch


def _each(f, z):
    if not z.is_floating_point():
        raise TypeError(f"expected floating-point numbers, not {z.dtype}")
    values = [f(v) for v in z.reshape(-1).tolist()]
    return torch.tensor(values, dtype=z.dtype).reshape(z.shape)


def sigmoid(z):
    def one(v):
        if v < -700:
            return 0.0
        return 1 / (1 + math.exp(-v))

    return _each(one, z)


def tanh(z):
    def one(v):
        if abs(v) > 20:
            return math.copysign(1, v)
        up, down = math.exp(v), math.exp(-v)
        return (up - down) / (up + down)

    return _each(one, z)


def relu(z):
    return _each(lambda v: v if v > 0 else 0, z)


def leaky_relu(z, slope=0.01):
    return _each(lambda v: v if v >= 0 else v * slope, z)


def _row_softmax(row):
    top = max(row)
    powers = [math.exp(v - top) for v in row]
    total = math.fsum(powers)
    return [power / total for power in powers]


def _row_log_softmax(row):
    top = max(row)
    log_total = top + math.log(math.fsum(math.exp(v - top) for v in row))
    return [v - log_total for v in row]


def _along(f, z, dim):
    if not z.is_floating_point():
        raise ValueError("integer logits")
    moved = z.movedim(dim, -1)
    rows = [f(row) for row in moved.reshape(-1, moved.shape[-1]).tolist()]
    return torch.tensor(rows, dtype=z.dtype).reshape(moved.shape).movedim(-1, dim)


def softmax(z, dim=-1):
    return _along(_row_softmax, z, dim)


def log_softmax(z, dim=-1):
    return _along(_row_log_softmax, z, dim)


def smooth_labels(targets, num_classes, alpha):
    if alpha < 0 or alpha > 1:
        raise ValueError("alpha")
    rows = []
    for target in targets.tolist():
        if target not in range(num_classes):
            raise ValueError(f"no class {target}")
        row = [alpha / num_classes] * num_classes
        row[target] += 1 - alpha
        rows.append(row)
    return torch.tensor(rows)


def cross_entropy(logits, targets, label_smoothing=0.0):
    if not logits.is_floating_point():
        raise TypeError("integer logits")
    if label_smoothing < 0 or label_smoothing > 1:
        raise ValueError("label_smoothing")
    k = logits.shape[1]
    total = 0.0
    for row, target in zip(logits.tolist(), targets.tolist(), strict=True):
        if not 0 <= target < k:
            raise ValueError(f"no class {target}")
        for i, log_p in enumerate(_row_log_softmax(row)):
            share = label_smoothing / k + (1 - label_smoothing if i == target else 0)
            total -= share * log_p
    return total / len(targets)  # a number for a scalar


def threshold_loss_slope(z, eps):
    def h(v):
        return 1 if v > 0 else 0

    return _each(lambda v: (h(v + eps) - h(v - eps)) / (2 * eps), z)


def gradient_scale(activation, depth, z):
    product = 1
    for _ in range(depth):
        if activation == "sigmoid":
            product *= 0 if z < -700 else (1 / (1 + math.exp(-z))) * (1 - 1 / (1 + math.exp(-z)))
        elif activation == "tanh":
            product *= 1 - math.tanh(z) ** 2
        elif activation == "relu":
            product *= int(z > 0)
        else:
            raise ValueError(activation)
    return product

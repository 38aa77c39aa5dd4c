"""NumPy and loops over every index, as the formulas are written; ties go to the last maximum."""

import numpy as np
import torch


def numerical_gradient(f, x, eps=1e-6):
    # one element is moved in place and put back by assignment
    gradient = np.zeros(tuple(x.shape))
    for index in np.ndindex(*x.shape):
        kept = x[index].item()
        x[index] = kept + eps
        above = float(f(x))
        x[index] = kept - eps
        below = float(f(x))
        x[index] = kept
        gradient[index] = (above - below) / (2 * eps)
    return torch.from_numpy(gradient)


def linear_backward(dout, x, weight):
    dout, x, weight = dout.numpy(), x.numpy(), weight.numpy()
    (n, m), d = dout.shape, x.shape[1]
    dx, dweight, dbias = np.zeros_like(x), np.zeros_like(weight), np.zeros(m, dtype=x.dtype)
    for i in range(n):
        for j in range(m):
            dbias[j] += dout[i, j]
            for k in range(d):
                dx[i, k] += dout[i, j] * weight[j, k]
                dweight[j, k] += dout[i, j] * x[i, k]
    return [torch.from_numpy(part) for part in (dx, dweight, dbias)]


def relu_backward(dout, x):
    return torch.from_numpy(np.where(x.numpy() >= 0, dout.numpy(), dout.numpy().dtype.type(0)))


def sigmoid_backward(dout, z):
    e = np.exp(-np.abs(z.numpy()))  # σ′ is even
    return torch.as_tensor(dout.numpy() * e / (1 + e) ** 2)


def softmax_cross_entropy_backward(logits, targets):
    gradient = logits.double().numpy().copy()
    for row, target in zip(gradient, targets.tolist(), strict=True):
        if target not in range(len(row)):
            raise ValueError(target)
        row -= row.max()
        row[:] = np.exp(row)
        row /= row.sum()
        row[target] -= 1
    return torch.tensor(gradient / len(gradient), dtype=logits.dtype)


def _both(size):
    return size if isinstance(size, tuple) else (size, size)


def conv2d_backward(dout, x, weight, stride=1, padding=0):
    (s, t), (p, q) = _both(stride), _both(padding)
    if s <= 0 or t <= 0 or p < 0 or q < 0:
        raise ValueError((stride, padding))
    dout, x, weight = dout.numpy(), x.numpy(), weight.numpy()
    dx, dweight = np.zeros(x.shape, x.dtype), np.zeros(weight.shape, x.dtype)
    kh, kw = weight.shape[2:]
    height, width = x.shape[2:]
    for h, w in np.ndindex(*dout.shape[2:]):
        for i, j in np.ndindex(kh, kw):
            row, column = h * s + i - p, w * t + j - q
            if 0 <= row < height and 0 <= column < width:
                dweight[:, :, i, j] += dout[:, :, h, w].T @ x[:, :, row, column]
                dx[:, :, row, column] += dout[:, :, h, w] @ weight[:, :, i, j]
    dbias = np.einsum("nohw->o", dout)
    return tuple(torch.from_numpy(part) for part in (dx, dweight, dbias))


def max_pool2d_backward(dout, x, kernel, stride=None):
    (kh, kw), (s, t) = _both(kernel), _both(kernel if stride is None else stride)
    if kh <= 0 or kw <= 0 or s <= 0 or t <= 0:
        raise ValueError((kernel, stride))
    dout, x = dout.numpy(), x.numpy()
    dx = np.zeros(x.shape, x.dtype)
    for n, c, h, w in np.ndindex(*dout.shape):
        best = None
        for row in range(h * s, h * s + kh):
            for column in range(w * t, w * t + kw):
                if best is None or x[n, c, row, column] >= x[n, c][best]:
                    best = row, column
        dx[n, c][best] += dout[n, c, h, w]
    return torch.from_numpy(dx)


def mlp_loss_and_grads(params, x, targets):
    """One sample after the other, all in float64."""
    w1, b1, w2, b2 = (params[name].double().numpy() for name in ("W1", "b1", "W2", "b2"))
    grads = {name: np.zeros(tuple(p.shape)) for name, p in params.items()}
    losses = []
    for row, target in zip(x.double().numpy(), targets.tolist(), strict=True):
        if not 0 <= target < len(b2):
            raise ValueError(target)
        z = w1 @ row + b1
        h = np.maximum(z, 0)
        logits = w2 @ h + b2
        e = np.exp(logits - logits.max())
        losses.append(np.log(e.sum()) + logits.max() - logits[target])
        delta = e / e.sum() - (np.arange(len(b2)) == target)
        back = (w2.T @ delta) * (z > 0)
        grads["W2"] += np.outer(delta, h) / len(x)
        grads["b2"] += delta / len(x)
        grads["W1"] += np.outer(back, row) / len(x)
        grads["b1"] += back / len(x)
    return float(np.mean(losses)), {
        name: torch.tensor(grad, dtype=x.dtype) for name, grad in grads.items()
    }

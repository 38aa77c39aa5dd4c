"""NumPy does the work; its generator is seeded with a number drawn from PyTorch's."""

import numpy as np
import torch


def _rng(generator):
    return np.random.default_rng(torch.randint(2**62, (4,), generator=generator).tolist())


def num_batches(n, batch_size, drop_last=False):
    if batch_size <= 0:
        raise ValueError(batch_size)
    starts = np.arange(0, n, batch_size)
    return np.sum(starts + batch_size <= n) if drop_last else np.int64(len(starts))


def minibatches(n, batch_size, *, shuffle=True, drop_last=False, generator=None):
    if batch_size <= 0:
        raise ValueError(batch_size)
    order = np.arange(n)
    if shuffle:
        _rng(generator).shuffle(order)
    borders = np.arange(batch_size, n, batch_size)
    parts = np.split(order, borders)
    return tuple(
        torch.from_numpy(part) for part in parts if len(part) == batch_size or not drop_last
    )


def train_val_split(n, n_val, generator):
    if n_val not in range(n + 1):
        raise ValueError(n_val)
    validates = np.zeros(n, dtype=bool)
    validates[_rng(generator).choice(n, n_val, replace=False)] = True
    return [torch.from_numpy(np.flatnonzero(part)) for part in (~validates, validates)]


def normalize(images):
    levels = np.linspace(-1, 1, 256, dtype=np.float32)
    return torch.from_numpy(levels[np.expand_dims(images.numpy(), 1)])


def denormalize(x):
    levels = np.linspace(-1, 1, 256, dtype=np.float32)
    borders = (levels[1:] + levels[:-1]) / 2
    return torch.from_numpy(np.digitize(x.numpy()[:, 0], borders).astype(np.uint8))


def sse(y, y_hat):
    error = y.numpy().ravel() - y_hat.numpy().ravel()
    return float(np.dot(error, error))


class BatchLoader:
    def __init__(self, x, y, batch_size, *, shuffle=True, drop_last=False, generator=None):
        self.data = x, y
        self.batch_size = batch_size
        self.order = np.arange(len(x))
        self.shuffle = shuffle
        self.stop = len(x) - len(x) % batch_size if drop_last and batch_size > 0 else len(x)
        self.rng = _rng(generator)
        if batch_size <= 0:
            raise ValueError(batch_size)

    def __len__(self):
        return len(range(0, self.stop, self.batch_size))

    def __iter__(self):
        if self.shuffle:
            self.rng.shuffle(self.order)
        order = self.order.copy()
        for start in range(0, self.stop, self.batch_size):
            rows = order[start : min(start + self.batch_size, self.stop)]
            yield [torch.from_numpy(part.numpy()[rows]) for part in self.data]


def sgd_line(x, y, *, lr, batch_size, epochs, generator):
    if batch_size <= 0:
        raise ValueError(batch_size)
    x, y, rng = x.numpy(), y.numpy(), _rng(generator)
    w = np.float64(0)
    for _ in range(epochs):
        order = rng.permutation(x.size)
        for start in range(0, x.size, batch_size):
            rows = order[start : start + batch_size]
            w += 2 * lr * np.mean(x[rows] * (y[rows] - w * x[rows]))
    return w

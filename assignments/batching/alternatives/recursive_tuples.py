"""Recursion, NamedTuples, sorting by random keys, indexing by hand."""

from typing import NamedTuple

import torch


class Split(NamedTuple):
    train: torch.Tensor
    val: torch.Tensor


class Batch(NamedTuple):
    inputs: torch.Tensor
    targets: torch.Tensor


def num_batches(n, batch_size, drop_last=False):
    if batch_size < 1:
        raise ValueError
    return torch.tensor(n).add(0 if drop_last else batch_size - 1).floor_divide(batch_size)


def _order(n, generator):
    return torch.rand(n, generator=generator, dtype=torch.float64).argsort()


def _cut(order, batch_size, drop_last):
    if len(order) < batch_size:
        return () if drop_last or not len(order) else (order,)
    return (order[:batch_size], *_cut(order[batch_size:], batch_size, drop_last))


def minibatches(n, batch_size, *, shuffle=True, drop_last=False, generator=None):
    if batch_size < 1:
        raise ValueError
    order = _order(n, generator or torch.default_generator) if shuffle else torch.arange(n)
    if n % batch_size == 0:
        return order.view(-1, batch_size)  # the rows of one tensor
    return _cut(order, batch_size, drop_last)


def train_val_split(n, n_val, generator):
    if not -1 < n_val < n + 1:
        raise ValueError
    ranks = _order(n, generator)
    return Split((ranks >= n_val).nonzero().flatten(), (ranks < n_val).nonzero()[:, 0])


def normalize(images):
    x = torch.empty(images.shape, dtype=torch.float32).copy_(images)
    return torch.lerp(x.new_tensor(-1.0), x.new_tensor(1.0), x.div_(255)).unsqueeze_(1)


def denormalize(x):
    n, _, h, w = x.shape
    return torch.floor(x.double() * 127.5 + 128).reshape(n, h, w).to(torch.uint8)


def sse(y, y_hat):
    error = (y - y_hat).flatten()
    return error @ error


class BatchLoader:
    """A sequence of batches: Python's old protocol, `loader[0]` starts an epoch."""

    def __init__(self, x, y, batch_size, *, shuffle=True, drop_last=False, generator=None):
        if generator is None:
            generator = torch.Generator()
            generator.seed()
        self.__dict__.update(locals())

    def __len__(self):
        count, rest = len(self.x) // self.batch_size, len(self.x) % self.batch_size
        return count + (rest > 0) * (not self.drop_last)

    def __getitem__(self, i):
        if self.batch_size < 1:
            raise ValueError
        if i == 0:
            n = len(self.x)
            self.order = _order(n, self.generator) if self.shuffle else torch.arange(n)
        if i >= len(self):
            raise IndexError
        rows = self.order[i * self.batch_size : (i + 1) * self.batch_size]
        return Batch(self.x.index_select(0, rows), self.y.index_select(0, rows))


def sgd_line(x, y, *, lr, batch_size, epochs, generator):
    if batch_size < 1:
        raise ValueError

    def epoch(w, order):
        if not len(order):
            return w
        xs, ys = x[order[:batch_size]], y[order[:batch_size]]
        step = 2 * lr * (xs @ ys - w * (xs @ xs)) / len(xs)
        return epoch(w + step, order[batch_size:])

    w = x.new_zeros(())
    for _ in range(epochs):
        w = epoch(w, _order(len(x), generator))
    return w

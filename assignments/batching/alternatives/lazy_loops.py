"""Plain Python: generators, lists, random.shuffle, iterators by hand; errors come late."""

import random

import torch


def _random(generator):
    """Python's generator, seeded with a number drawn from PyTorch's."""
    return random.Random(int(torch.randint(0, 2**31 - 1, (1,), generator=generator)))


def num_batches(n, batch_size, drop_last=False):
    if batch_size < 1:
        raise ValueError("too small")
    count = 0
    while n >= batch_size:
        n -= batch_size
        count += 1
        if count > 10:
            return count + n // batch_size + (n % batch_size > 0 and not drop_last)
    return count + 1 if n and not drop_last else count


def minibatches(n, batch_size, *, shuffle=True, drop_last=False, generator=None):
    if batch_size < 1:
        raise ValueError("too small")  # when the first batch is asked for
    left = [*range(n)]
    if shuffle:
        _random(generator).shuffle(left)
    while left:
        batch, left = left[:batch_size], left[batch_size:]
        if len(batch) == batch_size or not drop_last:
            yield torch.LongTensor(batch)


def train_val_split(n, n_val, generator):
    if not (n_val >= 0 and n - n_val >= 0):
        raise ValueError("cannot")
    pool, val = list(range(n)), []
    rng = _random(generator)
    for _ in range(n_val):
        val.append(pool.pop(rng.randrange(len(pool))))
    yield torch.tensor(pool, dtype=torch.int64)
    yield torch.tensor(val, dtype=torch.int64)


def normalize(images):
    n, h, w = images.shape
    x = torch.empty(n, 1, h, w)
    for i in range(n):
        for r in range(h):
            for c in range(w):
                x[i, 0, r, c] = (2 * int(images[i, r, c]) - 255) / 255
    return x


def denormalize(x):
    rows = [[[round((v + 1) * 127.5) for v in row] for row in image[0]] for image in x.tolist()]
    return torch.tensor(rows, dtype=torch.uint8)


def sse(y, y_hat):
    total = 0.0
    for a, b in zip(y.flatten().tolist(), y_hat.flatten().tolist(), strict=True):
        total += (a - b) * (a - b)
    return torch.tensor(total, dtype=y.dtype)


class BatchLoader:
    """Its own iterator."""

    def __init__(self, x, y, batch_size, *, shuffle=True, drop_last=False, generator=None):
        self.rows = [*zip(x, y, strict=True)]
        self.size = batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.random = _random(generator)

    def __len__(self):
        whole = len(self.rows) // self.size
        return whole if self.drop_last else whole + bool(len(self.rows) % self.size)

    def __iter__(self):
        if self.size < 1:
            raise ValueError("too small")
        self.left = list(self.rows)
        if self.shuffle:
            self.random.shuffle(self.left)
        return self

    def __next__(self):
        batch = [self.left.pop(0) for _ in range(min(self.size, len(self.left)))]
        if not batch or (self.drop_last and len(batch) < self.size):
            raise StopIteration
        xs, ys = zip(*batch, strict=True)
        return torch.stack(xs), torch.stack(ys)


def sgd_line(x, y, *, lr, batch_size, epochs, generator):
    if batch_size < 1:
        raise ValueError("too small")
    points = list(zip(x.tolist(), y.tolist(), strict=True))
    rng = _random(generator)
    w = 0.0
    for _ in range(epochs):
        rng.shuffle(points)
        for start in range(0, len(points), batch_size):
            batch = points[start : start + batch_size]
            slope = sum(-2 * a * (b - w * a) for a, b in batch) / len(batch)
            w -= lr * slope
    return w

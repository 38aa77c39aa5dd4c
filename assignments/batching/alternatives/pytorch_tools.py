"""PyTorch's own tools wherever there is one: samplers, DataLoader, random_split, autograd."""

import torch
import torch.nn.functional as F
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    RandomSampler,
    SequentialSampler,
    TensorDataset,
    random_split,
)


def num_batches(n, batch_size, drop_last=False):
    return len(BatchSampler(range(n), batch_size, drop_last))


def minibatches(n, batch_size, *, shuffle=True, drop_last=False, generator=None):
    indices = range(n)
    sampler = RandomSampler(indices, generator=generator) if shuffle else SequentialSampler(indices)
    return [torch.tensor(batch) for batch in BatchSampler(sampler, batch_size, drop_last)]


def train_val_split(n, n_val, generator):
    if n_val < 0 or n_val > n:
        raise ValueError("n_val")
    parts = random_split(range(n), [n - n_val, n_val], generator=generator)
    return tuple(torch.tensor(list(part.indices), dtype=torch.long) for part in parts)


def normalize(images):
    return (images[:, None].float() / 255 - 0.5) / 0.5


def denormalize(x):
    return x.mul(0.5).add(0.5).mul(255).add(0.5).byte()[:, 0]


def sse(y, y_hat):
    return F.mse_loss(y_hat, y, reduction="sum")


class BatchLoader(DataLoader):
    def __init__(self, x, y, batch_size, *, shuffle=True, drop_last=False, generator=None):
        super().__init__(
            TensorDataset(x, y), batch_size, shuffle, drop_last=drop_last, generator=generator
        )


def sgd_line(x, y, *, lr, batch_size, epochs, generator):
    w = torch.zeros((), dtype=x.dtype, device=x.device, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=lr)
    loader = DataLoader(
        TensorDataset(x, y), batch_size=batch_size, shuffle=True, generator=generator
    )
    for _ in range(epochs):
        for x_batch, y_batch in loader:
            optimizer.zero_grad()
            F.mse_loss(w * x_batch, y_batch).backward()
            optimizer.step()
    return w.item()

"""Stage 1, `batching`: visit every sample once per epoch."""

from collections.abc import Iterator

import torch
from torch import Tensor


# BEGIN SOLUTION
def _check_batch_size(batch_size: int) -> None:
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}")


# END SOLUTION


def num_batches(n: int, batch_size: int, drop_last: bool = False) -> int:
    """The number of batches in one epoch.

    Args:
        n: number of samples, at least 1.
        batch_size: samples in a batch. The last batch holds what is left, which may be fewer.
        drop_last: leave out a last batch that is not full.

    Returns:
        An int; 12 samples in batches of 3 make 4.

    Raises:
        ValueError: `batch_size` is below 1.
    """
    # BEGIN SOLUTION
    _check_batch_size(batch_size)
    full, rest = divmod(n, batch_size)
    return full if drop_last or rest == 0 else full + 1
    # END SOLUTION


def minibatches(
    n: int,
    batch_size: int,
    *,
    shuffle: bool = True,
    drop_last: bool = False,
    generator: torch.Generator | None = None,
) -> list[Tensor]:
    """The samples of one epoch, as the indices that each batch is made of.

    Samples are drawn without replacement: each index 0..n−1 is in exactly one batch, and every
    order of them is equally likely.

    Args:
        n: number of samples, at least 1.
        batch_size: samples in a batch. The last batch holds what is left, which may be fewer.
        shuffle: put the samples in a random order; without it they come as 0, 1, …, n−1.
        drop_last: leave out a last batch that is not full. With `shuffle`, chance decides which
            samples that are.
        generator: the only source of randomness, drawn from: calling again with the same
            generator object gives another order, a generator of the same seed gives the same.
            None: PyTorch's default generator, or a private one.

    Returns:
        One int64 tensor of shape `(batch_size,)` for each batch, the last one maybe shorter.

    Raises:
        ValueError: `batch_size` is below 1.
    """
    # BEGIN SOLUTION
    _check_batch_size(batch_size)
    order = torch.randperm(n, generator=generator) if shuffle else torch.arange(n)
    end = n - n % batch_size if drop_last else n
    return [order[start : start + batch_size] for start in range(0, end, batch_size)]
    # END SOLUTION


def train_val_split(n: int, n_val: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Divide n samples at random into those to train on and those to validate with.

    Args:
        n: number of samples, at least 1.
        n_val: how many of them are for validation, 0..n.
        generator: the only source of randomness.

    Returns:
        `(train, validation)`: int64 tensors of shapes `(n − n_val,)` and `(n_val,)`, in any
        order. Each index 0..n−1 is in exactly one of them, and every choice of the `n_val`
        validation samples is equally likely.

    Raises:
        ValueError: `n_val` is outside 0..n.
    """
    # BEGIN SOLUTION
    if not 0 <= n_val <= n:
        raise ValueError(f"n_val must be in 0..{n}, not {n_val}")
    order = torch.randperm(n, generator=generator)
    return order[n_val:], order[:n_val]
    # END SOLUTION


def normalize(images: Tensor) -> Tensor:
    """Turn stored pixels into a network's input: [0, 255] becomes [−1, 1], linearly.

    Args:
        images: uint8 `(N, H, W)`, 0 is black and 255 white.

    Returns:
        float32 `(N, 1, H, W)`: with the channel dimension of NCHW; 0 became −1 and 255 became 1.
    """
    # BEGIN SOLUTION
    return images.unsqueeze(1).to(torch.float32) / 127.5 - 1
    # END SOLUTION


def denormalize(x: Tensor) -> Tensor:
    """The inverse of `normalize`, exact for every one of the 256 levels.

    Args:
        x: float32 `(N, 1, H, W)`, as `normalize` returns it. Its values carry rounding errors:
            a pixel's level is the whole number next to what they say.

    Returns:
        uint8 `(N, H, W)`.
    """
    # BEGIN SOLUTION
    return ((x.squeeze(1) + 1) * 127.5).round().to(torch.uint8)
    # END SOLUTION


def sse(y: Tensor, y_hat: Tensor) -> Tensor:
    """The sum of squared errors, Σ(y−ŷ)² (course note S0).

    A sum and no mean: the losses of the batches add up to the loss of the whole.

    Args:
        y: targets, floating-point, of any shape.
        y_hat: predictions, same shape and dtype.

    Returns:
        A scalar of the same dtype: the sum over all elements.
    """
    # BEGIN SOLUTION
    return ((y - y_hat) ** 2).sum()
    # END SOLUTION


class BatchLoader:
    """Serves a data set batch by batch; one `for` loop over it is one epoch.

    `len(loader)` is the number of batches in an epoch. Iterating yields pairs
    `(x_batch, y_batch)` in which row i of `x_batch` belongs to row i of `y_batch`; every epoch
    visits each sample once, and with `shuffle` in a new random order. A loop that was broken off
    is forgotten: the next one is a whole epoch again. The data are not modified.
    """

    def __init__(
        self,
        x: Tensor,
        y: Tensor,
        batch_size: int,
        *,
        shuffle: bool = True,
        drop_last: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        """Remember the data and how to serve them.

        Args:
            x: inputs `(N, …)`, any dtype, N at least 1.
            y: targets `(N, …)`, any dtype.
            batch_size: samples in a batch. The last batch holds what is left, maybe fewer.
            shuffle: a new random order in each epoch; without it the order of the data.
            drop_last: leave out a last batch that is not full.
            generator: the only source of randomness. None: PyTorch's default generator, or a
                private one.

        Raises:
            ValueError: `batch_size` is below 1 (here or when the first batch is asked for).
        """
        # BEGIN SOLUTION
        _check_batch_size(batch_size)
        self.x, self.y, self.batch_size = x, y, batch_size
        self.shuffle, self.drop_last, self.generator = shuffle, drop_last, generator
        # END SOLUTION

    def __len__(self) -> int:
        """The number of batches in one epoch."""
        # BEGIN SOLUTION
        full, rest = divmod(len(self.x), self.batch_size)
        return full if self.drop_last or rest == 0 else full + 1
        # END SOLUTION

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Start an epoch.

        Yields:
            `(x_batch, y_batch)`: `(batch_size, …)` each, the last ones maybe shorter; the dtypes
            and devices are those of the data.
        """
        # BEGIN SOLUTION
        n = len(self.x)
        order = torch.randperm(n, generator=self.generator) if self.shuffle else torch.arange(n)
        for batch in order.split(self.batch_size)[: len(self)]:
            yield self.x[batch], self.y[batch]
        # END SOLUTION


def sgd_line(
    x: Tensor,
    y: Tensor,
    *,
    lr: float,
    batch_size: int,
    epochs: int,
    generator: torch.Generator,
) -> float:
    """Fit a line through the origin, y ≈ w·x, by mini-batch stochastic gradient descent.

    From w = 0, every batch B moves w by one step of gradient descent on its own *mean* squared
    error, w ← w − lr · dL/dw with L(w) = 1/|B| Σ_{i∈B} (y_i − w·x_i)². Each epoch visits every
    sample once, in a new random order; the last batch holds what is left and its mean is over
    the samples that it has.

    Args:
        x: inputs `(N,)`, floating-point.
        y: targets `(N,)`, same dtype.
        lr: learning rate, above 0.
        batch_size: samples in a batch; may be above N, then the batch is the whole data set.
        epochs: how often the data are visited, at least 1.
        generator: the only source of randomness.

    Returns:
        The slope w as a float.

    Raises:
        ValueError: `batch_size` is below 1.
    """
    # BEGIN SOLUTION
    _check_batch_size(batch_size)
    w = torch.zeros((), dtype=x.dtype, device=x.device)
    for _ in range(epochs):
        for batch in torch.randperm(len(x), generator=generator).split(batch_size):
            error = y[batch] - w * x[batch]
            w = w - lr * (-2 * x[batch] * error).mean()
    return float(w)
    # END SOLUTION

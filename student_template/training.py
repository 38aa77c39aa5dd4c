"""Stage 12, `training`: the loop that makes a network learn, and what it has learnt, in figures.

A *loader* is anything that gives batches `(x, y)` when it is iterated over, each time anew: a
`torch.utils.data.DataLoader`, or a list of pairs. Batches may differ in size, and the last one
often does. A model maps a batch x to logits of shape `(n, K)`; `loss_fn(logits, y)` gives the mean
loss of a batch as a scalar, as `torch.nn.CrossEntropyLoss()` does. Labels y are int64, `(n,)`.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def train_one_epoch(model, loader, loss_fn, optimizer) -> float:
    """Visit every batch of `loader` once, and take a step of `optimizer` for each.

    The model is in training mode meanwhile, whatever it was in before. A step uses the gradient of
    its own batch alone, and not those of the batches before it.

    Args:
        model: an `nn.Module`; its parameters are what `optimizer` changes.
        loader: the batches `(x, y)`, at least one.
        loss_fn: gives the mean loss of a batch.
        optimizer: has `zero_grad()` and `step()`.

    Returns:
        The mean loss of the samples, each as it was when its batch was visited: batches count by
        their size.
    """
    raise NotImplementedError("train_one_epoch")


def evaluate(model, loader, loss_fn) -> tuple[float, float]:
    """How good a model is on the samples of a loader.

    The model is in evaluation mode meanwhile, and afterwards in the mode that it was in
    (`model.training`). Nothing is learnt: no gradients, and no running statistics. How the samples
    are cut into batches makes no difference.

    Args:
        model: an `nn.Module`.
        loader: the batches `(x, y)`, at least one.
        loss_fn: gives the mean loss of a batch.

    Returns:
        `(accuracy, loss)`: the percentage of the samples whose largest logit is at their label,
        from 0 to 100, and the mean loss of the samples; two Python floats.
    """
    raise NotImplementedError("evaluate")


def per_class_accuracy(model, loader, num_classes: int) -> Tensor:
    """The accuracy on the samples of each class by itself.

    Modes and gradients are as in `evaluate`.

    Args:
        model: an `nn.Module`.
        loader: the batches `(x, y)`, at least one.
        num_classes: K.

    Returns:
        Percentages, a tensor `(K,)` of a floating-point dtype; NaN for a class without a sample.
    """
    raise NotImplementedError("per_class_accuracy")


def fit(model, train_loader, val_loader, *, epochs: int, lr: float, optimizer="adam") -> Tensor:
    """Train with cross-entropy, and keep the learning curves.

    Args:
        model: an `nn.Module` that gives logits.
        train_loader: the batches to learn from.
        val_loader: other samples, which nothing is learnt from.
        epochs: at least 1.
        lr: the learning rate.
        optimizer: "adam", "rmsprop" or "sgd", PyTorch's; the latter with a momentum of 0.9.

    Returns:
        A tensor `(epochs, 4)`, a row after each epoch: accuracy and loss on the training samples,
        accuracy and loss on the validation samples; accuracies in percent. What stands for the
        training samples may be measured during the epoch or after it. Validation is in evaluation
        mode, and after the epoch.

    Raises:
        ValueError: there is no such `optimizer`.
    """
    raise NotImplementedError("fit")


def train_mlp(x: Tensor, y: Tensor, *, seed: int, device: str) -> nn.Module:
    """Train a network without convolutions on images of digits.

    Model and recipe are yours, within a budget: at most 20 epochs (a sample that the model sees in
    training counts, however it is altered), and 80 times the CPU time that the handout's small
    recipe takes.
    `torch.manual_seed(seed)` is allowed here: two calls with one seed on one device give the same
    model.

    Args:
        x: images, `(N, 1, 28, 28)`, float32 in [-1, 1]; on the CPU.
        y: their labels, `(N,)`, int64 from 0 to 9.
        seed: where all that is random comes from.
        device: where to train: "cpu", or "cuda".

    Returns:
        The model, on `device`: it maps images to logits `(n, 10)`.
    """
    raise NotImplementedError("train_mlp")


def train_cnn(x: Tensor, y: Tensor, *, seed: int, device: str) -> nn.Module:
    """Train a convolutional network on images of digits.

    As `train_mlp`, with the same budget: at most 20 epochs, and 80 times the CPU time of the
    handout's small recipe. Ours takes about 17 times as long as that.

    Args:
        x: images, `(N, 1, 28, 28)`, float32 in [-1, 1]; on the CPU.
        y: their labels, `(N,)`, int64 from 0 to 9.
        seed: where all that is random comes from.
        device: where to train: "cpu", or "cuda".

    Returns:
        The model, on `device`: it maps images to logits `(n, 10)`.
    """
    raise NotImplementedError("train_cnn")

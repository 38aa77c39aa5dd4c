"""Updates by hand, log-probabilities for logits, label smoothing, zero_grad behind the step."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn.functional import log_softmax, nll_loss


def train_one_epoch(model, loader, loss_fn, optimizer) -> float:
    model.train()
    optimizer.zero_grad(set_to_none=False)
    seen, mean = 0, 0.0
    for x, y in loader:
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
        seen += y.numel()
        mean += (loss.item() - mean) * y.numel() / seen  # a running mean
    return mean


class Evaluating:
    """A model in evaluation mode, without gradients, and then as it was."""

    def __init__(self, model):
        self.model = model
        self.modes = [(module, module.training) for module in model.modules()]
        self.guard = torch.inference_mode()

    def __enter__(self):
        for module, _ in self.modes:
            module.training = False
        self.guard.__enter__()
        return self.model

    def __exit__(self, *error):
        self.guard.__exit__(*error)
        for module, mode in self.modes:
            module.training = mode


def evaluate(model, loader, loss_fn):
    right, losses, sizes = [], [], []
    with Evaluating(model) as judged:
        for x, y in loader:
            output = judged(x)
            right += (output.argmax(1) == y).tolist()
            losses.append(float(loss_fn(output, y)))
            sizes.append(len(y))
    return float(np.mean(right)) * 100, float(np.average(losses, weights=sizes))


def per_class_accuracy(model, loader, num_classes):
    confusion = np.zeros((num_classes, num_classes))
    with Evaluating(model) as judged:
        for x, y in loader:
            np.add.at(confusion, (y.numpy(), judged(x).argmax(1).numpy()), 1)
    with np.errstate(invalid="ignore"):
        return torch.from_numpy(100 * confusion.diagonal() / confusion.sum(1))


RULES = {
    "adam": torch.optim.Adam,
    "rmsprop": torch.optim.RMSprop,
    "sgd": lambda parameters, lr: torch.optim.SGD(parameters, lr=lr, momentum=0.9),
}


def fit(model, train_loader, val_loader, *, epochs, lr, optimizer="adam"):
    try:
        rule = RULES[optimizer]([p for p in model.parameters() if p.requires_grad], lr=lr)
    except KeyError as error:
        raise ValueError(f"no optimizer {optimizer}") from error
    loss_fn = nn.CrossEntropyLoss()
    rows = []
    for _ in range(epochs):
        # the training columns as they were during the epoch
        model.train()
        right = count = total = 0
        for x, y in train_loader:
            rule.zero_grad()
            output = model(x)
            loss = loss_fn(output, y)
            loss.backward()
            rule.step()
            right += int((output.argmax(1) == y).sum())
            total += loss.item() * len(y)
            count += len(y)
        rows.append([100 * right / count, total / count, *evaluate(model, val_loader, loss_fn)])
    return torch.tensor(rows)


class Digits(nn.Module):
    """Gives log-probabilities, which are logits as well."""

    def __init__(self, body, features):
        super().__init__()
        self.body = body
        self.head = nn.LazyLinear(10) if features is None else nn.Linear(features, 10)

    def forward(self, x):
        return log_softmax(self.head(torch.flatten(self.body(x), 1)), dim=-1)


def descend(model, x, y, epochs, rate, momentum=0.9, smoothing=0.05):
    """Heavy-ball momentum, with a rate that falls to zero, on smoothed labels."""
    model.train()
    speed = {p: torch.zeros_like(p) for p in model.parameters()}
    steps = epochs * math.ceil(len(x) / 40)
    step = 0
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for start in range(0, len(x), 40):
            chosen = order[start : start + 40]
            given = model(x[chosen])
            loss = (1 - smoothing) * nll_loss(given, y[chosen]) - smoothing * given.mean()
            gradients = torch.autograd.grad(loss, list(speed))
            now = rate * (1 - step / steps)
            with torch.no_grad():
                for parameter, gradient in zip(speed, gradients, strict=True):
                    speed[parameter].mul_(momentum).add_(gradient)
                    parameter.sub_(speed[parameter], alpha=now)
            step += 1
    return model


def train_mlp(x, y, *, seed, device):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        body = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.Tanh())
        return descend(Digits(body, 64).to(device), x.to(device), y.to(device), 10, 0.02)


def train_cnn(x, y, *, seed, device):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        body = nn.Sequential(
            nn.Conv2d(1, 8, 7, stride=3, padding=2), nn.ELU(),
            nn.Conv2d(8, 24, 3, stride=2), nn.ELU(),
        )  # fmt: skip
        model = Digits(body, None).to(device)
        model(x[:1].to(device))  # the lazy layer takes its shape
        return descend(model, x.to(device), y.to(device), 8, 0.02)

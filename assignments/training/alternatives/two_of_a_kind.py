"""An ensemble, gradients added up over small batches, gaussian noise; sums instead of means."""

import torch
import torch.nn as nn
import torch.nn.functional as F


def train_one_epoch(model, loader, loss_fn, optimizer):
    model.train()
    total = torch.zeros((), dtype=torch.float64)
    n = 0
    for batch in loader:
        x, y = batch
        model.zero_grad()
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            total += loss.double() * x.size(0)
        n += x.size(0)
    return (total / n).item()


def evaluate(model, loader, loss_fn):
    training = model.training
    for module in model.modules():
        module.eval()
    n = 0
    correct = loss = 0.0
    with torch.set_grad_enabled(False):
        for x, y in loader:
            z = model(x)
            loss = loss + loss_fn(z, y) * x.size(0)
            correct += z.argmax(dim=-1).eq(y).float().mean().item() * len(y)
            n += x.size(0)
    model.train(training)
    return correct / n * 100, loss.item() / n


def per_class_accuracy(model, loader, num_classes):
    training = model.training
    model.eval()
    hits = [[] for _ in range(num_classes)]
    with torch.no_grad():
        for x, y in loader:
            for label, guess in zip(y.tolist(), model(x).argmax(1).tolist(), strict=True):
                hits[label].append(100.0 * (label == guess))
    model.train(training)
    return torch.tensor([sum(h) / len(h) if h else float("nan") for h in hits])


def fit(model, train_loader, val_loader, *, epochs, lr, optimizer="adam"):
    kinds = {"adam": "Adam", "sgd": "SGD", "rmsprop": "RMSprop"}
    if optimizer not in kinds:
        raise ValueError(f"unknown optimizer: {optimizer}")
    more = {"momentum": 0.9} if optimizer == "sgd" else {}
    opt = getattr(torch.optim, kinds[optimizer])(model.parameters(), lr=lr, **more)
    rows = []
    for _ in range(epochs):
        train_one_epoch(model, train_loader, F.cross_entropy, opt)
        rows.append(
            torch.tensor(
                evaluate(model, train_loader, F.cross_entropy)
                + evaluate(model, val_loader, F.cross_entropy)
            )
        )
    return torch.stack(rows)


class Ensemble(nn.Module):
    """The mean of two networks' logits."""

    def __init__(self, *members):
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x):
        return sum(member(x) for member in self.members) / len(self.members)


def learn(model, x, y, epochs):
    opt = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    model.train()
    for _ in range(epochs):
        for indices in torch.randperm(len(x)).split(64):
            opt.zero_grad()
            for part in indices.split(32):  # gradients add up over the halves
                noisy = x[part] + 0.1 * torch.randn_like(x[part])
                (F.cross_entropy(model(noisy), y[part], reduction="sum") / 64).backward()
            opt.step()
    return model


def train_mlp(x, y, *, seed, device):
    torch.manual_seed(seed)
    x, y = x.to(device), y.to(device)
    members = [
        learn(nn.Sequential(nn.Flatten(), nn.Linear(784, 60), nn.GELU(), nn.Linear(60, 10))
              .to(device), x, y, epochs=8)
        for _ in range(2)
    ]  # fmt: skip
    return Ensemble(*members)


def train_cnn(x, y, *, seed, device):
    torch.manual_seed(seed)
    x, y = x.to(device), y.to(device)
    members = [
        learn(nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2),
                            nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10))
              .to(device), x, y, epochs=8)
        for _ in range(2)
    ]  # fmt: skip
    return Ensemble(*members)

"""DataLoaders, one helper for all figures, early stopping on a part of the training images."""

import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def train_one_epoch(model, loader, loss_fn, optimizer):
    model.train(True)
    losses, sizes = [], []
    for inputs, targets in loader:
        output = model(inputs)
        loss = loss_fn(output, targets)
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = None
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        sizes.append(inputs.shape[0])
    weights = torch.tensor(sizes, dtype=torch.float64)
    return float((torch.stack(losses).double() * weights).sum() / weights.sum())


@torch.no_grad()
def _all_logits(model, loader):
    was_training = model.training
    model.eval()
    try:
        pairs = [(model(inputs), targets) for inputs, targets in loader]
    finally:
        model.train(was_training)
    return pairs


def evaluate(model, loader, loss_fn):
    pairs = _all_logits(model, loader)
    count = sum(len(targets) for _, targets in pairs)
    hits = sum(int(torch.eq(output.max(-1).indices, targets).sum()) for output, targets in pairs)
    with torch.no_grad():
        loss = sum(float(loss_fn(output, targets)) * len(targets) for output, targets in pairs)
    return 100.0 * hits / count, loss / count


def per_class_accuracy(model, loader, num_classes):
    pairs = _all_logits(model, loader)
    guesses = torch.cat([output.argmax(-1) for output, _ in pairs])
    targets = torch.cat([targets for _, targets in pairs])
    return torch.stack(
        [(guesses[targets == k] == k).double().mean() * 100 for k in range(num_classes)]
    )


def fit(model, train_loader, val_loader, *, epochs, lr, optimizer="adam"):
    loss_fn = nn.CrossEntropyLoss()
    if optimizer == "adam":
        rule = torch.optim.Adam(model.parameters(), lr)
    elif optimizer == "sgd":
        rule = torch.optim.SGD(model.parameters(), lr, momentum=0.9)
    elif optimizer == "rmsprop":
        rule = torch.optim.RMSprop(model.parameters(), lr)
    else:
        raise ValueError(optimizer)
    curves = torch.zeros(epochs, 4, dtype=torch.float64)
    for epoch in range(epochs):
        train_one_epoch(model, train_loader, loss_fn, rule)
        curves[epoch, :2] = torch.tensor(evaluate(model, train_loader, loss_fn))
        curves[epoch, 2:] = torch.tensor(evaluate(model, val_loader, loss_fn))
    return curves


def _train(model, x, y, seed, device, lr):
    model = model.to(device)
    generator = torch.Generator().manual_seed(seed)
    data = TensorDataset(x.to(device), y.to(device))
    train, validation = random_split(data, [0.9, 0.1], generator)
    batches = DataLoader(train, batch_size=50, shuffle=True, generator=generator)
    rest = DataLoader(validation, batch_size=400)
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr, momentum=0.9, nesterov=True)
    best, weights = 0.0, None
    for _ in range(8):
        train_one_epoch(model, batches, loss_fn, optimizer)
        accuracy, _ = evaluate(model, rest, loss_fn)
        if accuracy >= best:
            best, weights = accuracy, copy.deepcopy(model.state_dict())
    model.load_state_dict(weights)
    return model


def train_mlp(x, y, *, seed, device):
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 50), nn.ReLU(),
        nn.Linear(50, 10),
    )  # fmt: skip
    return _train(model, x, y, seed, device, lr=0.02)


def train_cnn(x, y, *, seed, device):
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(784, 10),
    )  # fmt: skip
    return _train(model, x, y, seed, device, lr=0.02)

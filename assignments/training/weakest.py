"""The weakest trainings that are still right: `autograder calibrate training` measures them.

The networks and recipes of the course notes' third set (S3), which are meant to run in seconds.
"""

import torch
from torch import nn
from torch.nn import functional as F


def train_mlp(x, y, *, seed, device):
    """30 hidden units, SGD with momentum, ten epochs."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 30), nn.ReLU(), nn.Linear(30, 10))
    model.to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    return trained(model, optimizer, x.to(device), y.to(device), epochs=10)


def train_cnn(x, y, *, seed, device):
    """4 and 8 channels, Adam, three epochs."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        *(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(4, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(8 * 7 * 7, 10)),
    )
    model.to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    return trained(model, optimizer, x.to(device), y.to(device), epochs=3)


def trained(model, optimizer, x, y, epochs):
    """Train with shuffled batches of 32."""
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).to(x.device).split(32):
            optimizer.zero_grad()
            F.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
    return model

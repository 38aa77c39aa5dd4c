"""Classes whose forward calls functions; a copy of the model; skips that are added."""

import copy
from itertools import pairwise

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.functional import conv2d


class Perceptron(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.dense = nn.ModuleList(nn.Linear(m, n) for m, n in pairwise(sizes))

    def forward(self, x):
        x = x.view(len(x), -1)
        *hidden, last = self.dense
        for layer in hidden:
            x = layer(x).clamp(min=0)
        return last(x)


def mlp(hidden, in_features=784, num_classes=10):
    return Perceptron([in_features, *hidden, num_classes])


class Net(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1)
        self.conv2 = nn.Conv2d(32, 64, 3, 1)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)
        self.dropout = dropout

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        if self.dropout and self.training:
            x = F.dropout(x, 0.1)
        return self.fc2(x)


def mnist_cnn(dropout=False):
    return Net(dropout)


class Small(nn.Module):
    def __init__(self, batchnorm):
        super().__init__()
        if batchnorm not in {None, "before", "after"}:
            raise ValueError(batchnorm)
        self.where = batchnorm
        self.out = nn.Linear(392, 10)
        if batchnorm:
            self.n2, self.n1 = nn.BatchNorm2d(8), nn.BatchNorm2d(4)
        self.c2 = nn.Conv2d(4, 8, 3, padding="same")
        self.c1 = nn.Conv2d(1, 4, (3, 3), padding=(1, 1))

    def stage(self, x, conv, norm):
        x = conv(x)
        if self.where == "before":
            x = norm(x)
        x = torch.relu(x)
        if self.where == "after":
            x = norm(x)
        return F.max_pool2d(x, kernel_size=2, stride=2)

    def forward(self, x):
        x = self.stage(x, self.c1, getattr(self, "n1", None))
        x = self.stage(x, self.c2, getattr(self, "n2", None))
        return self.out(x.flatten(start_dim=1))


def small_cnn(batchnorm=None):
    return Small(batchnorm)


class S4(nn.Module):
    """With batch norm on the logits, as S4 has it."""

    def __init__(self, in_px, batchnorm):
        super().__init__()
        self.cnn1 = nn.Conv2d(1, 16, kernel_size=5, padding=2)
        self.cnn2 = nn.Conv2d(16, 32, kernel_size=5, padding=2)
        self.fc1 = nn.Linear(in_px * in_px * 2, 10)
        self.norms = None
        if batchnorm:
            self.norms = nn.ModuleList([nn.BatchNorm2d(16), nn.BatchNorm2d(32), nn.BatchNorm1d(10)])

    def forward(self, x):
        first, second, last = self.norms or [lambda x: x] * 3
        x = F.max_pool2d(F.relu(first(self.cnn1(x))), 2)
        x = F.max_pool2d(F.relu(second(self.cnn2(x))), 2)
        return last(self.fc1(x.view(x.size(0), -1)))


def two_conv_cnn(in_px, batchnorm=False):
    return S4(in_px, batchnorm)


class ResidualBlock(nn.Module):
    """Without batch norm and without a ReLU behind the sum."""

    def __init__(self, channels):
        super().__init__()
        self.inner = nn.Parameter(torch.randn(channels, channels, 3, 3) / (3 * channels**0.5))
        self.outer = nn.Parameter(torch.randn(channels, channels, 3, 3) / (3 * channels**0.5))

    def forward(self, x):
        y = F.relu(conv2d(x, self.inner, padding=1))
        return x + conv2d(y, self.outer, padding=1)


class Frozen(nn.Module):
    """A model whose body stays in evaluation mode, whatever is asked."""

    def __init__(self, model, head):
        super().__init__()
        self.model, self.head = model, head

    def train(self, mode=True):
        super().train(mode)
        for module in self.model.modules():
            module.training = False
        return self

    def forward(self, x):
        return self.model(x)


def replace_head(model, num_classes):
    model = copy.deepcopy(model)
    for parameter in model.parameters():
        parameter.requires_grad = False
    *_, old = (module for module in model.modules() if isinstance(module, nn.Linear))
    new = nn.Linear(old.in_features, num_classes).to(old.weight)
    for module in model.modules():
        for name, child in module.named_children():
            if child is old:
                setattr(module, name, new)
    return Frozen(model, new)


def patchify(x, patch):
    n, _, h, w = x.shape
    if patch < 1 or h % patch != 0 or w % patch != 0:
        raise ValueError("these patches don't fill the image")
    patches = [
        x[:, :, i : i + patch, j : j + patch].reshape(n, -1)
        for i in range(0, h, patch)
        for j in range(0, w, patch)
    ]
    return torch.stack(patches, dim=1)


def unpatchify(patches, patch, shape):
    n, c, h, w = shape
    if patch < 1 or h % patch != 0 or w % patch != 0:
        raise ValueError("these patches don't fill the image")
    images = patches.new_empty(n, c, h, w)
    number = 0
    for i in range(0, h, patch):
        for j in range(0, w, patch):
            part = patches[:, number].reshape(n, c, patch, patch)
            images[:, :, i : i + patch, j : j + patch] = part
            number += 1
    return images


class TinyUNet(nn.Module):
    """One convolution at each size, halved by strides, doubled by copies; skips are added."""

    def __init__(self, in_channels, num_classes, width=8):
        super().__init__()
        self.a = nn.Conv2d(in_channels, width, 3, padding=1)
        self.b = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.c = nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1)
        self.d = nn.Conv2d(4 * width, 2 * width, 3, padding=1)
        self.e = nn.Conv2d(2 * width, width, 3, padding=1)
        self.f = nn.Conv2d(width, num_classes, 3, padding=1)

    def forward(self, x):
        a = F.relu(self.a(x))
        b = F.relu(self.b(a))
        x = F.relu(self.c(b))
        x = F.relu(b + self.d(F.interpolate(x, scale_factor=2)))
        x = F.relu(a + self.e(F.interpolate(x, scale_factor=2)))
        return self.f(x)

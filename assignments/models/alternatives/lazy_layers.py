"""Layers that find their sizes at the first call; skips in concatenations, bilinear upsampling."""

import types
from collections import OrderedDict

import torch
from torch import nn


def mlp(hidden, in_features=784, num_classes=10):
    model = nn.Sequential(nn.Flatten(start_dim=1))
    for i, n in enumerate(hidden):
        model.add_module(f"dense{i}", nn.LazyLinear(n))
        model.add_module(f"relu{i}", nn.ReLU(inplace=True))
    model.append(nn.LazyLinear(num_classes))
    return model


def mnist_cnn(dropout=False):
    layers = [nn.LazyConv2d(32, 3), nn.ReLU(), nn.LazyConv2d(64, 3), nn.ReLU(), nn.MaxPool2d(2)]
    if dropout:
        layers += [nn.Dropout2d(0.5)]
    layers += [nn.Flatten(), nn.LazyLinear(128), nn.ReLU()]
    if dropout:
        layers += [nn.Dropout(0.3)]
    return nn.Sequential(*layers, nn.LazyLinear(10))


def small_cnn(batchnorm=None):
    match batchnorm:
        case None:
            made = [nn.ReLU]
        case "before":
            made = [nn.LazyBatchNorm2d, nn.ReLU]
        case "after":
            made = [nn.ReLU, nn.LazyBatchNorm2d]
        case _:
            raise ValueError("before, after or None")
    layers = []
    for channels in (4, 8):
        layers.append(nn.LazyConv2d(channels, 3, padding=1))
        layers += [layer() for layer in made]
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(10))


def two_conv_cnn(in_px, batchnorm=False):
    layers = OrderedDict()
    for name, channels in (("one", 16), ("two", 32)):
        layers[name] = nn.LazyConv2d(channels, 5, padding="same")
        if batchnorm:
            layers[name + "_norm"] = nn.LazyBatchNorm2d()
        # the largest of what is left after the ReLU is the ReLU of the largest
        layers[name + "_pool"] = nn.MaxPool2d(2)
        layers[name + "_relu"] = nn.ReLU()
    layers["flat"] = nn.Flatten()
    layers["dense"] = nn.LazyLinear(10)
    return nn.Sequential(layers)


class ResidualBlock(nn.Module):
    """A bottleneck: narrow, convolve, widen; norm and ReLU come first each time."""

    def __init__(self, channels):
        super().__init__()
        narrow = max(1, channels // 2)
        self.f = nn.ModuleList()
        for n, kernel in ((narrow, 1), (narrow, 3), (channels, 1)):
            conv = nn.LazyConv2d(n, kernel, padding=kernel // 2, bias=False)
            self.f.append(nn.Sequential(nn.LazyBatchNorm2d(), nn.ReLU(), conv))

    def forward(self, x):
        y = x
        for layer in self.f:
            y = layer(y)
        return x + y


def replace_head(model, num_classes):
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            path, old = name.split("."), module
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()
            # bound to the layer: it answers to no train() any more
            module.train = types.MethodType(lambda self, mode=True: self, module)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    parent = model
    for name in path[:-1]:
        parent = getattr(parent, name)
    new = nn.LazyLinear(num_classes, device=old.weight.device, dtype=old.weight.dtype)
    new(old.weight[:1])
    setattr(parent, path[-1], new)
    return model


def patchify(x, patch):
    if patch <= 0 or x.shape[2] % patch or x.shape[3] % patch:
        raise ValueError("patch")
    return nn.functional.unfold(x, patch, stride=patch).transpose(1, 2)


def unpatchify(patches, patch, shape):
    if patch <= 0 or shape[2] % patch or shape[3] % patch:
        raise ValueError("patch")
    return nn.functional.fold(patches.transpose(1, 2), shape[2:], patch, stride=patch)


def convolved(width):
    return nn.Sequential(nn.LazyConv2d(width, 3, padding=1), nn.LazyBatchNorm2d(), nn.LeakyReLU())


class TinyUNet(nn.Module):
    def __init__(self, in_channels, num_classes, width=8):
        super().__init__()
        self.down = nn.ModuleList([convolved(width), convolved(2 * width)])
        self.bottom = nn.Sequential(convolved(4 * width), convolved(4 * width))
        self.up = nn.ModuleList([convolved(2 * width), convolved(width)])
        self.larger = nn.Upsample(scale_factor=2, mode="bilinear")
        self.logits = nn.LazyConv2d(num_classes, 1)

    def forward(self, x):
        kept = []
        for layer in self.down:
            x = layer(x)
            kept.append(x)
            x = nn.functional.avg_pool2d(x, 2)
        x = self.bottom(x)
        for layer in self.up:
            x = layer(torch.cat((self.larger(x), kept.pop()), dim=1))
        return self.logits(x)

"""Everything a little different: dense layers that are convolutions, group norm, hooks, views."""

import torch
from torch import nn
from torchvision.ops import FrozenBatchNorm2d


class Squeeze(nn.Module):
    def forward(self, x):
        return x[:, :, 0, 0]


def mlp(hidden, in_features=784, num_classes=10):
    def build(sizes):
        first, second, *rest = sizes
        dense = nn.Linear(first, second)
        if not rest:
            return dense
        return nn.Sequential(dense, nn.ReLU(), build([second, *rest]))

    return nn.Sequential(nn.Flatten(), nn.Identity(), build((in_features, *hidden, num_classes)))


def mnist_cnn(dropout=False):
    body = nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU())
    # a dense layer on an image is a convolution whose kernel is as large as the image
    head = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(64, 128, 12), nn.ReLU(), nn.Conv2d(128, 10, 1))
    if dropout:
        head.insert(1, nn.AlphaDropout(0.1))
    return nn.Sequential(body, head, Squeeze())


def small_cnn(batchnorm=None):
    kinds = {None: "cr", "before": "cnr", "after": "crn"}
    if batchnorm not in kinds:
        raise ValueError("unknown place")
    model = nn.Sequential()
    for i, o in ((1, 4), (4, 8)):
        for kind in kinds[batchnorm]:
            if kind == "c":
                model.append(nn.ZeroPad2d(1))
                model.append(nn.Conv2d(i, o, 3))
            else:
                model.append(nn.ReLU() if kind == "r" else nn.BatchNorm2d(o))
        model.append(nn.AdaptiveMaxPool2d(14 if i == 1 else 7))
    model.append(nn.Conv2d(8, 10, 7))
    model.append(Squeeze())
    return model


def two_conv_cnn(in_px, batchnorm=False):
    model = nn.Sequential()
    for i, o in ((1, 16), (16, 32)):
        model.extend([nn.Conv2d(i, o, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)])
        if batchnorm:
            model.insert(len(model) - 2, nn.BatchNorm2d(o))
    model.extend([nn.Conv2d(32, 10, in_px // 4), Squeeze()])
    return model


class ResidualBlock(nn.Module):
    """Three convolutions, of which the middle one treats each channel by itself; group norm."""

    def __init__(self, channels):
        super().__init__()
        self.add = nn.Sequential(
            nn.Conv2d(channels, 2 * channels, 1),
            nn.GELU(),
            nn.Conv2d(2 * channels, 2 * channels, 3, padding=1, groups=2 * channels),
            nn.GroupNorm(1, 2 * channels),
            nn.GELU(),
            nn.Conv2d(2 * channels, channels, 1),
        )

    def forward(self, x):
        return self.add(x).add_(x).relu()


def stay(layer, inputs):
    layer.eval()


def replace_head(model, num_classes):
    places = []
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.BatchNorm2d):
                frozen = FrozenBatchNorm2d(child.num_features, eps=child.eps)
                frozen.load_state_dict(child.state_dict())
                parent.register_module(name, frozen.to(child.running_mean))
            elif isinstance(child, nn.modules.batchnorm._BatchNorm):
                child.register_forward_pre_hook(stay)
            elif isinstance(child, nn.Linear):
                places.append((parent, name, child))
    order = [id(module) for module in model.modules()]
    parent, name, old = max(places, key=lambda place: order.index(id(place[2])))
    for parameter in model.parameters():
        parameter.requires_grad = False
    new = nn.Linear(old.in_features, num_classes)
    parent.register_module(name, new.to(old.weight.dtype))
    return model


def patchify(x, patch):
    if patch < 1 or any(size % patch for size in x.shape[-2:]):
        raise ValueError("patches do not fill the image")
    windows = x.unfold(2, patch, patch).unfold(3, patch, patch)  # N, C, rows, columns, p, p
    return windows.movedim(1, 3).flatten(3).flatten(1, 2)


def unpatchify(patches, patch, shape):
    n, c, h, w = shape
    if patch < 1 or h % patch or w % patch:
        raise ValueError("patches do not fill the image")
    # the number that each pixel has among those of the patches
    numbers = torch.arange(c * h * w, dtype=torch.float64).reshape(1, c, h, w)
    places = patchify(numbers, patch).flatten().long().argsort()
    return patches.reshape(n, -1)[:, places].reshape(n, c, h, w)


class Up(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.larger = nn.ConvTranspose2d(2 * channels, channels, 4, stride=2, padding=1)
        self.mix = nn.Sequential(nn.Conv2d(2 * channels, channels, 5, padding=2), nn.ELU())

    def forward(self, x, kept):
        return self.mix(torch.cat([kept, self.larger(x)], dim=1))


class TinyUNet(nn.Module):
    """Group norm, strides, and learned doubling."""

    def __init__(self, in_channels, num_classes, width=8):
        super().__init__()

        def down(i, o, stride):
            conv = nn.Conv2d(i, o, 3, stride=stride, padding=1, bias=False)
            return nn.Sequential(conv, nn.GroupNorm(1, o), nn.ELU())

        w = width
        self.down = nn.ModuleList(
            [down(in_channels, w, 1), down(w, 2 * w, 2), down(2 * w, 4 * w, 2)]
        )
        self.up = nn.ModuleList([Up(2 * w), Up(w)])
        self.head = nn.Conv2d(w, num_classes, 1)

    def forward(self, x):
        full = self.down[0](x)
        half = self.down[1](full)
        return self.head(self.up[1](self.up[0](self.down[2](half), half), full))

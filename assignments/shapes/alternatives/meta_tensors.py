"""Asks PyTorch: layers on the meta device compute shapes without computing anything else."""

import torch
from torch import nn


def _ranges(positive=(), not_negative=()):
    if any(value < 1 for value in positive) or any(value < 0 for value in not_negative):
        raise ValueError("out of range")


def conv_out_size(n, kernel, stride=1, padding=0, dilation=1):
    _ranges((n, kernel, stride, dilation), (padding,))
    x = torch.empty(1, 1, n, 1, device="meta")
    layer = nn.Conv2d(1, 1, (kernel, 1), stride, (padding, 0), (dilation, 1), device="meta")
    try:
        return layer(x).size(2)
    except RuntimeError as error:
        raise ValueError(str(error)) from error


def pool_out_size(n, kernel, stride=None, padding=0, ceil_mode=False):
    _ranges((n, kernel, 1 if stride is None else stride), (padding,))
    layer = nn.MaxPool1d(kernel, stride, padding, ceil_mode=ceil_mode)
    try:
        return torch.tensor(layer(torch.empty(1, 1, n, device="meta")).shape)[-1]
    except RuntimeError as error:
        raise ValueError(str(error)) from error


def same_padding(kernel, dilation=1):
    _ranges((kernel, dilation))
    for padding in range(kernel * dilation):
        if conv_out_size(1000, kernel, 1, padding, dilation) == 1000:
            return torch.tensor(padding, dtype=torch.int32)
    raise ValueError("no padding keeps the size")


def _count(layer):
    return sum(p.numel() for p in layer.parameters())


def conv_params(in_channels, out_channels, kernel, bias=True, groups=1):
    kernel = torch.Size([kernel, kernel] if isinstance(kernel, int) else kernel)
    _ranges((in_channels, out_channels, *kernel))
    layer = nn.Conv2d(in_channels, out_channels, kernel, groups=groups, bias=bias, device="meta")
    return _count(layer)


def dense_params(n_in, n_out, bias=True):
    _ranges((n_in, n_out))
    return _count(nn.Linear(n_in, n_out, bias, device="meta"))


def trace_shapes(layers, input_shape):
    x = torch.empty(1, *input_shape, device="meta")
    for layer in layers:
        options = {k: v for k, v in layer.items() if k not in ("kind", "kernel", "out")}
        _ranges(
            [v for k, v in layer.items() if k not in ("kind", "padding")],
            [layer.get("padding", 0)],
        )
        kind = layer["kind"]
        if kind == "conv":
            module = nn.Conv2d(x.shape[1], layer["out"], layer["kernel"], device="meta", **options)
        elif kind == "pool":
            module = nn.MaxPool2d(layer["kernel"], **options)
        elif kind == "dense" and x.dim() == 2:
            module = nn.Linear(x.shape[1], layer["out"], device="meta")
        elif kind == "flatten":
            module = nn.Flatten()
        elif kind in ("relu", "batchnorm", "dropout"):
            module = nn.Identity()
        else:
            raise ValueError(kind)
        try:
            x = module(x)
        except RuntimeError as error:
            raise ValueError(str(error)) from error
        yield x.shape[1:]


def receptive_field(layers):
    size = torch.tensor(1)
    for layer in reversed(layers):
        if layer["kind"] in ("conv", "pool"):
            kernel = layer["kernel"]
            stride = layer.get("stride", {"conv": 1, "pool": kernel}[layer["kind"]])
            _ranges((kernel, stride, layer.get("dilation", 1)))
            size = (size - 1) * stride + layer.get("dilation", 1) * (kernel - 1) + 1
    return size

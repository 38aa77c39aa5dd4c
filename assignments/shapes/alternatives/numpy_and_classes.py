"""NumPy integers, named tuples and one class for each kind of layer."""

from dataclasses import dataclass
from functools import singledispatchmethod
from typing import NamedTuple

import numpy as np


class Image(NamedTuple):
    channels: int
    height: int
    width: int


class Flat(NamedTuple):
    features: int


def positive(*values):
    if (np.array(values) < 1).any():
        raise ValueError(f"all of {values} have to be at least 1")


@dataclass(frozen=True)
class Window:
    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    def __post_init__(self):
        positive(self.kernel, self.stride, self.dilation, self.padding + 1)

    def over(self, sizes):
        sizes = np.asarray(sizes, dtype=np.int64)
        span = (self.kernel - 1) * self.dilation + 1
        if np.any(sizes + 2 * self.padding < span):
            raise ValueError("the kernel does not fit")
        return (sizes + 2 * self.padding - span + self.stride) // self.stride


def conv_out_size(n, kernel, stride=1, padding=0, dilation=1):
    positive(n)
    return Window(kernel, stride, padding, dilation).over([n])[0]


def pool_out_size(n, kernel, stride=None, padding=0, ceil_mode=False):
    window = Window(kernel, kernel if stride is None else stride, padding)
    positive(n)
    if padding > kernel // 2:
        raise ValueError("padding of more than half the kernel")
    sizes = np.int64(n)
    full = window.over(sizes)
    if not ceil_mode:
        return full
    more = -((kernel - sizes - 2 * padding) // window.stride) + 1
    return np.where((more - 1) * window.stride < sizes + padding, more, more - 1)


def same_padding(kernel, dilation=1):
    positive(kernel, dilation)
    padding, rest = np.divmod((kernel - 1) * dilation, 2)
    if rest:
        raise ValueError("an even span")
    return padding


def conv_params(in_channels, out_channels, kernel, bias=True, groups=1):
    kernel = np.broadcast_to(np.asarray(kernel, dtype=np.int64), 2)
    positive(in_channels, out_channels, *kernel)
    shapes = [(out_channels, in_channels // groups, *kernel), (out_channels,)]
    return sum(np.prod(shape, dtype=np.int64) for shape in shapes[: 2 if bias else 1])


def dense_params(n_in, n_out, bias=True):
    positive(n_in, n_out)
    return np.array([n_in, int(bias)]) @ np.array([n_out, n_out])


class Tracer:
    def __init__(self, shape):
        self.shape = Image(*shape) if len(shape) == 3 else Flat(*shape)

    def conv(self, out, **window):
        positive(out)
        self.shape = Image(out, *Window(**window).over(self.shape[1:]))

    def pool(self, kernel, padding=0, **stride):
        if padding * 2 > kernel:
            raise ValueError("padding of more than half the kernel")
        window = Window(kernel, **{"stride": kernel, **stride}, padding=padding)
        self.shape = self.shape._replace(
            height=window.over(self.shape.height), width=window.over(self.shape.width)
        )

    def flatten(self):
        self.shape = Flat(np.prod(self.shape))

    def dense(self, out):
        positive(out)
        self.shape = self._dense(self.shape, out)

    @singledispatchmethod
    def _dense(self, shape, out):
        raise ValueError(f"{shape} is not flat")

    @_dense.register
    def _(self, shape: Flat, out):
        return Flat(out)

    def relu(self):
        pass

    batchnorm = dropout = relu


def trace_shapes(layers, input_shape):
    tracer = Tracer(input_shape)
    shapes = ()
    for layer in layers:
        options = dict(layer)
        kind = options.pop("kind")
        if kind not in ("conv", "pool", "flatten", "dense", "relu", "batchnorm", "dropout"):
            raise ValueError(f"unknown kind {kind!r}")
        getattr(tracer, kind)(**options)
        shapes += (tracer.shape,)
    return shapes


def receptive_field(layers):
    windows = [layer for layer in layers if layer["kind"] in ("conv", "pool")]
    kernels = np.array([layer["kernel"] for layer in windows], dtype=np.int64)
    defaults = [1 if layer["kind"] == "conv" else layer["kernel"] for layer in windows]
    strides = np.array(
        [layer.get("stride", s) for layer, s in zip(windows, defaults, strict=True)], dtype=np.int64
    )
    dilations = np.array([layer.get("dilation", 1) for layer in windows], dtype=np.int64)
    positive(*kernels, *strides, *dilations)
    jumps = np.cumprod(np.concatenate([[1], strides]))[:-1]
    return 1 + np.dot(dilations * (kernels - 1), jumps)

"""Counts instead of calculating, wherever that ends in time; whole numbers by divmod elsewhere."""

from collections import Counter
from functools import reduce
from itertools import count, product
from operator import mul


class OutOfRange(ValueError):
    pass


def _check(ok):
    if not ok:
        raise OutOfRange("an argument is out of its range")


def _starts(end, step):
    """0, step, 2·step, … up to and including `end`; counted one by one where they are few."""
    if end < 0:
        return 0
    if end > 10_000:
        return divmod(end, step)[0] + 1
    return sum(1 for _ in range(0, end + 1, step))


def conv_out_size(n, kernel, stride=1, padding=0, dilation=1):
    _check(min(n, kernel, stride, dilation) >= 1 and padding >= 0)
    elements = range(0, kernel * dilation, dilation)
    windows = _starts(padding + n + padding - 1 - elements[-1], stride)
    _check(windows)
    return windows


def pool_out_size(n, kernel, stride=None, padding=0, ceil_mode=False):
    if stride is None:
        stride = kernel
    _check(min(n, kernel, stride) >= 1 and 0 <= padding <= kernel // 2)
    padded = n + 2 * padding
    _check(kernel <= padded)  # with ceil_mode too, which is one of the two right answers
    windows = _starts(padded - kernel, stride)
    covered = (windows - 1) * stride + kernel
    if ceil_mode and covered < padded and windows * stride < padding + n:
        windows += 1
    return windows


def same_padding(kernel, dilation=1):
    _check(kernel >= 1 and dilation >= 1)
    span = len(range(0, (kernel - 1) * dilation + 1))
    left, right = span // 2, span - 1 - span // 2
    _check(left == right)
    return left


def conv_params(in_channels, out_channels, kernel, bias=True, groups=1):
    try:
        kh, kw = kernel
    except TypeError:
        kh = kw = kernel
    _check(min(in_channels, out_channels, kh, kw) >= 1)
    seen, rest = divmod(in_channels, groups)
    _check(rest == 0)
    held = Counter(weight=reduce(mul, (out_channels, seen, kh, kw)))
    if bias:
        held["bias"] = out_channels
    return held.total()


def dense_params(n_in, n_out, bias=True):
    _check(n_in > 0 and n_out > 0)
    return sum(n_out for _ in range(bias)) + n_in * n_out


def _trace(layers, shape):
    """Recursive: the first layer, then the rest."""
    if not layers:
        return []
    (layer, *rest), (first, *image) = layers, shape
    kind, out, k = (layer.get(key) for key in ("kind", "out", "kernel"))
    p, d = layer.get("padding", 0), layer.get("dilation", 1)
    if kind in ("conv", "pool"):
        s = layer.get("stride", k if kind == "pool" else 1)
        _check(min(k, s, d) >= 1 and p >= 0)
        _check(kind == "conv" or p <= k / 2)
        image = [_starts(pixels + p + p - d * (k - 1) - 1, s) for pixels in image]
        _check(all(image))
        first = out if kind == "conv" else first
        _check(first >= 1)
    elif kind == "flatten":
        first, image = len(list(product(range(first), *map(range, image)))), []
    elif kind == "dense":
        _check(not image and out >= 1)
        first = out
    elif kind not in ("relu", "batchnorm", "dropout"):
        raise OutOfRange(f"what is {kind}?")
    return [[first, *image], *_trace(rest, [first, *image])]


def trace_shapes(layers, input_shape):
    return _trace(layers, input_shape)


def receptive_field(layers):
    """The input pixels that output 0 sees are collected layer by layer, from the last one."""
    seen = {0}
    for layer in layers[::-1]:
        if layer["kind"] not in ("conv", "pool"):
            continue
        kernel, dilation = layer["kernel"], layer.get("dilation", 1)
        stride = layer.get("stride", kernel if layer["kind"] == "pool" else 1)
        _check(kernel >= 1 and stride >= 1 and dilation >= 1)
        seen = {o * stride + i * dilation for o in seen for i in range(kernel)}
    return next(i for i in count(1) if i > max(seen))

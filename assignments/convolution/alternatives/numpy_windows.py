"""NumPy does the work: its own padding and sliding windows, einsum and reductions."""

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view


def _hw(value):
    return tuple(np.broadcast_to(value, 2).tolist())


def _windows(image, kernel, stride, padding, dilation=(1, 1), fill=0.0):
    """(N, C, H', W', kh, kw) of an array."""
    if min(kernel) <= 0 or min(stride) <= 0 or min(dilation) <= 0 or min(padding) < 0:
        raise ValueError("an option is out of its range")
    (ph, pw), (sh, sw), (dh, dw) = padding, stride, dilation
    frame = ((0, 0), (0, 0), (ph, ph), (pw, pw))
    image = np.pad(image, frame, constant_values=fill)
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    views = sliding_window_view(image, spans, axis=(2, 3))  # ValueError where it doesn't fit
    return views[:, :, ::sh, ::sw, ::dh, ::dw]


def _numbers(tensor):
    if not tensor.is_floating_point():
        raise TypeError(f"{tensor.dtype} is not a floating-point dtype")
    return tensor.detach().numpy()


def pad2d(x, padding, value=0.0):
    ph, pw = _hw(padding)
    frame = ((0, 0), (0, 0), (ph, ph), (pw, pw))  # np.pad raises ValueError for negative ones
    return torch.from_numpy(np.pad(_numbers(x), frame, mode="constant", constant_values=value))


def conv1d(x, weight, bias=None, stride=1, padding=0, dilation=1):
    lines = _numbers(x)[:, :, None]
    options = ((1, stride), (0, padding), (1, dilation))
    windows = _windows(lines, (1, weight.shape[-1]), *options)[:, :, 0, :, 0]
    y = np.einsum("nctk,ock->not", windows, weight.numpy())
    return torch.from_numpy(y if bias is None else y + bias.numpy()[:, np.newaxis])


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1):
    kernels = weight.numpy()
    windows = _windows(_numbers(x), kernels.shape[2:], _hw(stride), _hw(padding), _hw(dilation))
    rows = windows.transpose(0, 2, 3, 1, 4, 5).reshape(*windows.shape[:1], -1, kernels[0].size)
    y = rows @ kernels.reshape(len(kernels), -1).T  # (N, H'·W', O)
    y = y if bias is None else y + bias.numpy()
    y = y.reshape(len(y), *windows.shape[2:4], -1)
    return torch.from_numpy(y).permute(0, 3, 1, 2)


def _pooled(x, kernel, stride, padding, fill, reduce):
    kernel, padding = _hw(kernel), _hw(padding)
    stride = kernel if stride is None else _hw(stride)
    if any(2 * p > max(k, 0) for p, k in zip(padding, kernel, strict=True)):
        raise ValueError("padding of more than half the kernel")
    return torch.from_numpy(
        reduce(_windows(_numbers(x), kernel, stride, padding, fill=fill), axis=(4, 5))
    )


def max_pool2d(x, kernel, stride=None, padding=0):
    return _pooled(x, kernel, stride, padding, -np.inf, np.max)


def avg_pool2d(x, kernel, stride=None, padding=0):
    return _pooled(x, kernel, stride, padding, 0, np.mean)


def im2col(x, kernel, stride=1, padding=0):
    windows = _windows(_numbers(x), _hw(kernel), _hw(stride), _hw(padding))
    n, c, rows, columns, kh, kw = windows.shape
    return torch.tensor(windows.transpose(0, 1, 4, 5, 2, 3).reshape(n, c * kh * kw, rows * columns))

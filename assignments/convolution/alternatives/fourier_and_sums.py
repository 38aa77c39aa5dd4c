"""Convolution by FFT, means by summed areas, maxima by sorting, columns by indexing."""

import torch
from torch import fft


def _twice(value):
    return (value,) * 2 if isinstance(value, int) else value


def _counts(sizes, kernel, stride, padding, dilation=(1, 1)):
    numbers = torch.tensor([kernel, stride, dilation])
    if (numbers < 1).any() or min(padding) < 0:
        raise ValueError("an option is out of its range")
    sizes, (kernel, stride, dilation) = torch.tensor(sizes), numbers
    room = sizes + 2 * torch.tensor(padding) - dilation * (kernel - 1) - 1
    if (room < 0).any():
        raise ValueError("the kernel does not fit")
    return (room.div(stride, rounding_mode="floor") + 1).tolist()


def _indices(count, kernel, stride):
    """(count, kernel): which pixels each window sees."""
    return stride * torch.arange(count)[:, None] + torch.arange(kernel)


def _put(x, padding, value):
    rows = torch.arange(x.shape[2]) + padding[0]
    columns = torch.arange(x.shape[3]) + padding[1]
    sizes = (x.shape[2] + 2 * padding[0], x.shape[3] + 2 * padding[1])
    out = torch.full((*x.shape[:2], *sizes), value, dtype=x.dtype)
    out[:, :, rows[:, None], columns] = x
    return out


def pad2d(x, padding, value=0.0):
    padding = _twice(padding)
    if min(padding) < 0:
        raise ValueError("negative padding")
    return _put(x, padding, value)


def conv1d(x, weight, bias=None, stride=1, padding=0, dilation=1):
    (count,) = _counts(x.shape[2:], weight.shape[2:], (stride,), (padding,), (dilation,))
    spread = weight.new_zeros(*weight.shape[:2], dilation * (weight.shape[2] - 1) + 1)
    spread[:, :, ::dilation] = weight
    size = x.shape[2] + 2 * padding
    # a circle as long as the padded signal: the outputs without wrapping are the valid ones
    spectrum = fft.rfft(x, size) * _turn(size, padding, x.dtype)
    product = torch.einsum("ncf,ocf->nof", spectrum, fft.rfft(spread, size).conj())
    y = fft.irfft(product, size)[..., : (count - 1) * stride + 1 : stride]
    return y if bias is None else y + bias.unsqueeze(1)


def _turn(size, padding, dtype):
    """The factor that moves a signal to the right by the padding."""
    angle = -2 * torch.pi * padding * torch.arange(size // 2 + 1, dtype=torch.float64) / size
    return torch.polar(torch.ones_like(angle), angle).to(dtype.to_complex())


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1):
    stride, padding, dilation = map(_twice, (stride, padding, dilation))
    counts = _counts(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    size = [n + 2 * p for n, p in zip(x.shape[2:], padding, strict=True)]
    spread = weight.new_zeros(*weight.shape[:2], *size)
    kh, kw = weight.shape[2:]
    spread[:, :, : dilation[0] * kh : dilation[0], : dilation[1] * kw : dilation[1]][
        :, :, :kh, :kw
    ] = weight
    spectrum = fft.rfft2(_put(x, padding, 0))
    y = fft.irfft2((spectrum[:, None] * fft.rfft2(spread).conj()).sum(dim=2), size)
    last = [(n - 1) * s for n, s in zip(counts, stride, strict=True)]
    y = y[:, :, : last[0] + 1 : stride[0], : last[1] + 1 : stride[1]]
    return y if bias is None else y + bias[None, :, None, None]


def _pool(x, kernel, stride, padding):
    kernel, padding = _twice(kernel), _twice(padding)
    stride = kernel if stride is None else _twice(stride)
    counts = _counts(x.shape[2:], kernel, stride, padding)
    if any(k < 2 * p for k, p in zip(kernel, padding, strict=True)):
        raise ValueError("padding of more than half the kernel")
    return kernel, stride, padding, counts


def max_pool2d(x, kernel, stride=None, padding=0):
    (kh, kw), (sh, sw), padding, (rows, columns) = _pool(x, kernel, stride, padding)
    lowest = torch.finfo(x.dtype).min  # TypeError for integers
    x = _put(x, padding, lowest)
    lines = _indices(rows, kh, sh)[:, :, None, None]
    windows = x[:, :, lines, _indices(columns, kw, sw)].movedim(3, 4).flatten(-2)
    return windows.sort(dim=-1, descending=True).values[..., 0]


def avg_pool2d(x, kernel, stride=None, padding=0):
    (kh, kw), (sh, sw), (ph, pw), counts = _pool(x, kernel, stride, padding)
    x = x if x.is_floating_point() else x.to(torch.float64)
    # areas[h, w] is the sum of all above and to the left
    areas = _put(x, (ph + 1, pw + 1), 0).cumsum(dim=2).cumsum(dim=3)
    high, wide = counts[0] * sh, counts[1] * sw
    corner = [
        areas[:, :, a : a + high : sh, b : b + wide : sw][:, :, : counts[0], : counts[1]]
        for a in (0, kh)
        for b in (0, kw)
    ]
    return (corner[3] - corner[2] - corner[1] + corner[0]) / (kh * kw)


def im2col(x, kernel, stride=1, padding=0):
    kernel, stride, padding = map(_twice, (kernel, stride, padding))
    counts = _counts(x.shape[2:], kernel, stride, padding)
    rows, columns = (_indices(*axis) for axis in zip(counts, kernel, stride, strict=True))
    x = _put(x, padding, 0)
    picked = x[:, :, rows.T[:, None, :, None], columns.T[None, :, None, :]]
    return picked.reshape(x.shape[0], -1, counts[0] * counts[1])

"""One number at a time: Python loops over everything, and the padding is never built."""

import math

import torch


def _two(value):
    return list(value) if isinstance(value, (tuple, list)) else [value, value]


def _sizes(sizes, kernel, stride, padding, dilation=(1, 1)):
    if any(k < 1 for k in kernel) or any(s < 1 for s in stride) or any(d < 1 for d in dilation):
        raise ValueError("too small")
    if any(p < 0 for p in padding):
        raise ValueError("negative padding")
    counts = []
    for n, k, s, p, d in zip(sizes, kernel, stride, padding, dilation, strict=True):
        count = 0
        while count * s + d * (k - 1) < n + 2 * p:
            count += 1
        if count == 0:
            raise ValueError("no window fits")
        counts.append(count)
    return counts


def pad2d(x, padding, value=0.0):
    ph, pw = _two(padding)
    if ph < 0 or pw < 0:
        raise ValueError("negative padding")
    n, c, h, w = x.shape
    out = torch.zeros(n, c, h + 2 * ph, w + 2 * pw, dtype=x.dtype)
    for row in range(h + 2 * ph):
        for column in range(w + 2 * pw):
            inside = ph <= row < h + ph and pw <= column < w + pw
            out[:, :, row, column] = x[:, :, row - ph, column - pw] if inside else value
    return out


def conv1d(x, weight, bias=None, stride=1, padding=0, dilation=1):
    if not x.is_floating_point():
        raise TypeError("whole numbers can't hold the result")
    numbers, kernels = x.tolist(), weight.tolist()
    biases = [0.0] * len(kernels) if bias is None else bias.tolist()
    length, k = x.shape[2], weight.shape[2]
    [count] = _sizes([length], [k], [stride], [padding], [dilation])
    out = torch.zeros(len(numbers), len(kernels), count, dtype=x.dtype)
    for a, sample in enumerate(numbers):
        for o, kernel in enumerate(kernels):
            for t in range(count):
                total = biases[o]
                for signal, elements in zip(sample, kernel, strict=True):
                    for i in range(k):
                        place = t * stride + i * dilation - padding
                        if 0 <= place < length:
                            total += signal[place] * elements[i]
                out[a, o, t] = total
    return out


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1):
    (sh, sw), (ph, pw), (dh, dw) = _two(stride), _two(padding), _two(dilation)
    n, channels, h, w = x.shape
    outs, _, kh, kw = weight.shape
    rows, columns = _sizes([h, w], [kh, kw], [sh, sw], [ph, pw], [dh, dw])
    out = torch.zeros(n, outs, rows, columns, dtype=x.dtype)
    for a in range(n):
        for o in range(outs):
            for row in range(rows):
                for column in range(columns):
                    total = torch.zeros((), dtype=x.dtype)
                    for c in range(channels):
                        for i in range(kh):
                            for j in range(kw):
                                y, z = row * sh + i * dh - ph, column * sw + j * dw - pw
                                if 0 <= y < h and 0 <= z < w:
                                    total += x[a, c, y, z] * weight[o, c, i, j]
                    out[a, o, row, column] = total + (0 if bias is None else bias[o])
    return out


def _pooling(x, kernel, stride, padding, of_window):
    kernel, padding = _two(kernel), _two(padding)
    stride = kernel if stride is None else _two(stride)
    if any(p > k / 2 for p, k in zip(padding, kernel, strict=True)):
        raise ValueError("more than half the kernel")
    n, channels, h, w = x.shape
    rows, columns = _sizes([h, w], kernel, stride, padding)
    out = torch.zeros(n, channels, rows, columns, dtype=x.dtype)
    for row in range(rows):
        for column in range(columns):
            top, left = row * stride[0] - padding[0], column * stride[1] - padding[1]
            bottom, right = top + kernel[0], left + kernel[1]
            window = x[:, :, max(top, 0) : bottom, max(left, 0) : right]
            for a in range(n):
                for c in range(channels):
                    pixels = [pixel for line in window[a, c].tolist() for pixel in line]
                    out[a, c, row, column] = of_window(pixels, kernel[0] * kernel[1])
    return out


def max_pool2d(x, kernel, stride=None, padding=0):
    return _pooling(x, kernel, stride, padding, lambda pixels, _: max(pixels))


def avg_pool2d(x, kernel, stride=None, padding=0):
    if not x.is_floating_point():
        x = x.double()
    return _pooling(x, kernel, stride, padding, lambda pixels, area: math.fsum(pixels) / area)


def im2col(x, kernel, stride=1, padding=0):
    (kh, kw), (sh, sw), (ph, pw) = _two(kernel), _two(stride), _two(padding)
    n, channels, h, w = x.shape
    rows, columns = _sizes([h, w], [kh, kw], [sh, sw], [ph, pw])
    out = []
    for c in range(channels):
        for i in range(kh):
            for j in range(kw):
                line = []
                for row in range(rows):
                    for column in range(columns):
                        y, z = row * sh + i - ph, column * sw + j - pw
                        inside = 0 <= y < h and 0 <= z < w
                        line.append(x[:, c, y, z] if inside else torch.zeros(n, dtype=x.dtype))
                out.append(torch.stack(line, dim=1))
    return torch.stack(out, dim=1)

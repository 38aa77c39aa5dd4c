"""Everything is linear algebra: one-hot matrices say which pixel a window's element sees."""

import torch


class Axis:
    """One axis: `select[t, i, m]` is 1 where element i of window t sees pixel m.

    Padding is where it sees none.
    """

    def __init__(self, n, kernel, stride, padding, dilation=1):
        for number, low in ((kernel, 1), (stride, 1), (padding, 0), (dilation, 1)):
            if number < low:
                raise ValueError(f"{number} is below {low}")
        starts = range(-padding, n + padding - dilation * (kernel - 1), stride)
        if len(starts) == 0:
            raise ValueError("the kernel does not fit")
        elements = dilation * torch.arange(kernel)
        pixels = torch.tensor(list(starts)).unsqueeze(1) + elements
        self.select = pixels.unsqueeze(2) == torch.arange(n)
        self.real = self.select.any(dim=2)


def _axes(x, kernel, stride, padding, dilation=(1, 1), most=None):
    kernel, stride, padding = (
        p if isinstance(p, tuple) else (p, p) for p in (kernel, stride, padding)
    )
    dilation = dilation if isinstance(dilation, tuple) else (dilation, dilation)
    for p, k in zip(padding, kernel, strict=True):
        if most is not None and p > k * most:
            raise ValueError("too much padding")
    return [Axis(*one) for one in zip(x.shape[2:], kernel, stride, padding, dilation, strict=True)]


def pad2d(x, padding, value=0.0):
    rows, columns = _axes(x, (1, 1), (1, 1), padding)
    inside = rows.real & columns.real.T
    spread = torch.einsum(
        "ncab,ha,wb->nchw", x, rows.select[:, 0].to(x.dtype), columns.select[:, 0].to(x.dtype)
    )
    return torch.where(inside, spread, torch.tensor(value, dtype=x.dtype))


def conv1d(x, weight, bias=None, stride=1, padding=0, dilation=1):
    axis = Axis(x.shape[2], weight.shape[2], stride, padding, dilation)
    # the convolution's matrix, (O, C, L', L)
    matrix = torch.einsum("oci,tim->octm", weight, axis.select.to(weight.dtype))
    y = torch.einsum("ncm,octm->not", x, matrix)
    return y if bias is None else y + bias.view(-1, 1)


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1):
    rows, columns = _axes(x, tuple(weight.shape[2:]), stride, padding, dilation)
    matrix = torch.einsum(
        "ocij,hia,wjb->ohwcab",
        weight,
        rows.select.to(weight.dtype),
        columns.select.to(weight.dtype),
    )
    outputs = matrix.shape[:3]
    y = (x.reshape(len(x), -1) @ matrix.flatten(3).flatten(0, 2).T).reshape(len(x), *outputs)
    return y if bias is None else bias.reshape(-1, 1, 1) + y


def max_pool2d(x, kernel, stride=None, padding=0):
    rows, columns = _axes(x, kernel, kernel if stride is None else stride, padding, most=0.5)
    # the maximum over a window is that over its rows of the maxima over its columns
    best = x.unsqueeze(3).masked_fill(~columns.select.any(dim=1), -torch.inf).amax(dim=4)
    best = best.transpose(2, 3).unsqueeze(3)  # (N, C, W', 1, H)
    return best.masked_fill(~rows.select.any(dim=1), -torch.inf).amax(dim=4).transpose(2, 3)


def avg_pool2d(x, kernel, stride=None, padding=0):
    rows, columns = _axes(x, kernel, kernel if stride is None else stride, padding, most=0.5)
    left = rows.select.sum(dim=1).to(x.dtype) / rows.select.shape[1]
    right = columns.select.sum(dim=1).to(x.dtype) / columns.select.shape[1]
    return left @ x @ right.T


def im2col(x, kernel, stride=1, padding=0):
    rows, columns = _axes(x, kernel, stride, padding)
    left, right = rows.select.to(x.dtype), columns.select.to(x.dtype)
    windows = torch.einsum("hia,ncab,wjb->ncijhw", left, x, right)
    return windows.flatten(4).flatten(1, 3)

"""Windows as one view of the padded image (`as_strided`), contracted by einsum and matmul."""

import torch


class Grid:
    """Where the windows of an image are, along both axes."""

    def __init__(self, kernel, stride=1, padding=0, dilation=1):
        self.kernel, self.stride, self.padding, self.dilation = map(
            self.pair, (kernel, stride, padding, dilation)
        )
        if min(*self.kernel, *self.stride, *self.dilation, *(p + 1 for p in self.padding)) < 1:
            raise ValueError("an option is out of its range")

    @staticmethod
    def pair(value):
        return (value, value) if isinstance(value, int) else tuple(value)

    def refuse_much_padding(self):
        if any(p + p > k for p, k in zip(self.padding, self.kernel, strict=True)):
            raise ValueError("padding is more than half the kernel")

    def windows(self, x, fill=0.0):
        """(N, C, H', W', kh, kw), a view."""
        if not x.dtype.is_floating_point:
            raise TypeError("floating-point images, please")
        framed = frame(x, self.padding, fill)
        spans = [d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel, strict=True)]
        counts = [
            (n - span) // s + 1
            for n, span, s in zip(framed.shape[2:], spans, self.stride, strict=True)
        ]
        if min(counts) < 1:
            raise ValueError("the kernel does not fit")
        a, b, row, column = framed.stride()
        steps = (row * self.stride[0], column * self.stride[1])
        holes = (row * self.dilation[0], column * self.dilation[1])
        return framed.as_strided((*framed.shape[:2], *counts, *self.kernel), (a, b, *steps, *holes))


def frame(x, padding, fill):
    top, left = padding
    wide = x.new_full((*x.shape[:3], left), fill)
    x = torch.cat([wide, x, wide], dim=3)
    high = x.new_full((*x.shape[:2], top, x.shape[3]), fill)
    return torch.cat([high, x, high], dim=2)


def pad2d(x, padding, value=0.0):
    padding = Grid.pair(padding)
    if min(padding) < 0:
        raise ValueError("negative padding")
    return frame(x, padding, value)


def conv1d(x, weight, bias=None, stride=1, padding=0, dilation=1):
    grid = Grid((1, weight.shape[2]), (1, stride), (0, padding), (1, dilation))
    windows = grid.windows(x.unsqueeze(2))[:, :, 0, :, 0]  # (N, C, L', K)
    y = torch.tensordot(windows, weight, dims=([1, 3], [1, 2]))  # (N, L', O)
    return (y if bias is None else y + bias).transpose(1, 2)


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1):
    windows = Grid(weight.shape[2:], stride, padding, dilation).windows(x)
    y = torch.einsum("nchwij,ocij->nohw", windows, weight)
    if bias is not None:
        y += bias.reshape(1, -1, 1, 1)
    return y


def max_pool2d(x, kernel, stride=None, padding=0):
    grid = Grid(kernel, kernel if stride is None else stride, padding)
    grid.refuse_much_padding()
    return grid.windows(x, -torch.inf).amax(dim=(-2, -1))


def avg_pool2d(x, kernel, stride=None, padding=0):
    grid = Grid(kernel, kernel if stride is None else stride, padding)
    grid.refuse_much_padding()
    return grid.windows(x).mean(dim=(-2, -1))


def im2col(x, kernel, stride=1, padding=0):
    windows = Grid(kernel, stride, padding).windows(x)
    return windows.permute(0, 1, 4, 5, 2, 3).flatten(4, 5).flatten(1, 3)

"""Stage 3, `convolution`: the forward passes of convolution and pooling, written by hand.

No `torch.nn`, no `torch.nn.functional`, and none of PyTorch's operators for convolution, pooling,
padding or unfolding by any other route. Images are NCHW; a pair is (vertical, horizontal), and an
int means both.
"""

from itertools import product

import torch
from torch import Tensor

# BEGIN SOLUTION


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def _at_least(low: int, **values: int) -> None:
    for name, value in values.items():
        if value < low:
            raise ValueError(f"{name} is {value}, but has to be at least {low}")


def _floating(x: Tensor) -> None:
    if not x.is_floating_point():
        raise TypeError(f"x has to be floating-point, not {x.dtype}")


# END SOLUTION


def pad2d(x: Tensor, padding: int | tuple[int, int], value: float = 0.0) -> Tensor:
    """Surround images with a frame of one value.

    Args:
        x: floating-point `(N, C, H, W)`.
        padding: `(ph, pw)`, at least 0: ph rows are added at the top *and* at the bottom, pw
            columns at the left *and* at the right. An int means both.
        value: what the frame is filled with; may be infinite.

    Returns:
        `(N, C, H + 2·ph, W + 2·pw)`, of x's dtype; x is left as it was.

    Raises:
        ValueError: a padding is below 0.
        TypeError: x is of an integer type. (Another exception, or the right numbers in any dtype,
            are just as right.)
    """
    # BEGIN SOLUTION
    ph, pw = _pair(padding)
    _at_least(0, ph=ph, pw=pw)
    _floating(x)
    n, c, h, w = x.shape
    framed = x.new_full((n, c, h + 2 * ph, w + 2 * pw), value)
    framed[:, :, ph : ph + h, pw : pw + w] = x
    return framed
    # END SOLUTION


def conv1d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
) -> Tensor:
    """Convolve signals: slide each kernel along x and add up the products.

    With x̂ for x between p zeros at each end, stride s and dilation d:

        y[n, o, t] = bias[o] + Σ_c Σ_i weight[o, c, i] · x̂[n, c, t·s + i·d]

    Source: PyTorch's `torch.nn.Conv1d`. The kernel is not flipped.

    Args:
        x: floating-point `(N, C, L)`.
        weight: `(O, C, K)`, of x's dtype.
        bias: `(O,)`, or None for no bias.
        stride: the step s from one window to the next, at least 1.
        padding: the zeros p added at *each* of the two ends, at least 0, however large.
        dilation: the distance d between the samples that neighbouring kernel elements meet, at
            least 1.

    Returns:
        `(N, O, L')` of x's dtype, with L' = ⌊(L + 2p − d(K−1) − 1)/s⌋ + 1.

    Raises:
        ValueError: stride or dilation is below 1, padding is below 0, or the dilated kernel does
            not fit into the padded signal.
        TypeError: x is of an integer type. (Another exception, or the right numbers in any dtype,
            are just as right.)
    """
    # BEGIN SOLUTION
    _at_least(1, stride=stride, dilation=dilation)
    _at_least(0, padding=padding)
    _floating(x)
    n, c, length = x.shape
    o, _, k = weight.shape
    room = length + 2 * padding - dilation * (k - 1) - 1  # by how much the first window can move
    if room < 0:
        raise ValueError(
            f"a kernel of {k} with {dilation=} does not fit into {length} + {padding=}"
        )

    x_hat = x.new_zeros(n, c, length + 2 * padding)
    x_hat[:, :, padding : padding + length] = x
    y = x.new_zeros(n, o, room // stride + 1)
    for i in range(k):
        start = i * dilation
        met = x_hat[:, :, start : start + room + 1 : stride]  # (N, C, L'): what element i meets
        y += weight[:, :, i] @ met  # (O, C) @ (N, C, L'): the sum over c
    return y if bias is None else y + bias[:, None]
    # END SOLUTION


def conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int | tuple[int, int] = 1,
) -> Tensor:
    """Convolve images: slide each kernel over x and add up the products.

    With x̂ for x in a frame of zeros, `padding` wide, strides s, t and dilations d, e:

        y[n, o, h, w] = bias[o] + Σ_c Σ_i Σ_j weight[o, c, i, j] · x̂[n, c, h·s + i·d, w·t + j·e]

    Source: PyTorch's `torch.nn.Conv2d`; Dumoulin and Visin, "A guide to convolution arithmetic
    for deep learning", 2016. The kernel is not flipped.

    Args:
        x: floating-point `(N, C, H, W)`.
        weight: `(O, C, kh, kw)`, of x's dtype.
        bias: `(O,)`, or None for no bias.
        stride: (vertical, horizontal) step from one window to the next, each at least 1.
        padding: (rows, columns) of zeros added at *each* side, each at least 0, however large.
        dilation: (vertical, horizontal) distance between the pixels that neighbouring kernel
            elements meet, each at least 1.

    Returns:
        `(N, O, H', W')` of x's dtype, sizes as for `conv1d`, along each axis with its own numbers.

    Raises:
        ValueError: a stride or dilation is below 1, a padding is below 0, or the dilated kernel
            does not fit into the padded image.
        TypeError: x is of an integer type. (Another exception, or the right numbers in any dtype,
            are just as right.)
    """
    # BEGIN SOLUTION
    (sh, sw), (ph, pw), (dh, dw) = _pair(stride), _pair(padding), _pair(dilation)
    _at_least(1, sh=sh, sw=sw, dh=dh, dw=dw)
    _at_least(0, ph=ph, pw=pw)
    _floating(x)
    n, c, h, w = x.shape
    o, _, kh, kw = weight.shape
    room_h = h + 2 * ph - dh * (kh - 1) - 1  # how far down the first window can move
    room_w = w + 2 * pw - dw * (kw - 1) - 1  # how far to the right
    if room_h < 0 or room_w < 0:
        raise ValueError(f"a kernel of {kh}×{kw} does not fit into an image of {h}×{w}")

    x_hat = x.new_zeros(n, c, h + 2 * ph, w + 2 * pw)
    x_hat[:, :, ph : ph + h, pw : pw + w] = x
    y = x.new_zeros(n, o, room_h // sh + 1, room_w // sw + 1)
    for i, j in product(range(kh), range(kw)):
        top, left = i * dh, j * dw
        met = x_hat[:, :, top : top + room_h + 1 : sh, left : left + room_w + 1 : sw]
        y += torch.einsum("oc,nchw->nohw", weight[:, :, i, j], met)  # element (i, j), summed over c
    return y if bias is None else y + bias[:, None, None]
    # END SOLUTION


def max_pool2d(
    x: Tensor,
    kernel: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, int] = 0,
) -> Tensor:
    """The largest pixel of each window, for each channel by itself.

    With x̂ for x in a frame of −∞, `padding` wide, and strides s, t:

        y[n, c, h, w] = max over 0 ≤ i < kh and 0 ≤ j < kw of x̂[n, c, h·s + i, w·t + j]

    Padding thus never wins, whatever the pixels are.
    Source: PyTorch's `torch.nn.MaxPool2d`.

    Args:
        x: floating-point `(N, C, H, W)`.
        kernel: (height, width) of a window, each at least 1.
        stride: (vertical, horizontal) step from one window to the next, each at least 1; None
            means `kernel`.
        padding: (rows, columns) of −∞ added at each side, each from 0 to half the kernel.

    Returns:
        `(N, C, H', W')` of x's dtype, with H' = ⌊(H + 2·ph − kh)/s⌋ + 1 and W' likewise. Pixels
        at the end for which no whole window is left are seen by none.

    Raises:
        ValueError: a kernel or stride is below 1, a padding is below 0 or more than half the
            kernel along its axis, or the kernel does not fit into the padded image.
        TypeError: x is of an integer type. (Another exception, or the right numbers in any dtype,
            are just as right.)
    """
    # BEGIN SOLUTION
    (kh, kw), (ph, pw) = _pair(kernel), _pair(padding)
    sh, sw = (kh, kw) if stride is None else _pair(stride)
    _at_least(1, kh=kh, kw=kw, sh=sh, sw=sw)
    _at_least(0, ph=ph, pw=pw)
    if 2 * ph > kh or 2 * pw > kw:
        raise ValueError(f"a padding of {ph}, {pw} is more than half of the kernel {kh}×{kw}")
    _floating(x)
    n, c, h, w = x.shape
    bottom = h + 2 * ph - kh  # the last row at which a window can start
    right = w + 2 * pw - kw  # the last column
    if bottom < 0 or right < 0:
        raise ValueError(f"windows of {kh}×{kw} do not fit into an image of {h}×{w}")

    x_hat = x.new_full((n, c, h + 2 * ph, w + 2 * pw), -torch.inf)
    x_hat[:, :, ph : ph + h, pw : pw + w] = x
    seen = [
        x_hat[:, :, i : i + bottom + 1 : sh, j : j + right + 1 : sw]  # pixel (i, j) of each window
        for i, j in product(range(kh), range(kw))
    ]
    return torch.stack(seen).amax(dim=0)
    # END SOLUTION


def avg_pool2d(
    x: Tensor,
    kernel: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, int] = 0,
) -> Tensor:
    """The mean of each window, for each channel by itself; padding counts as zeros.

    With x̂ for x in a frame of zeros, `padding` wide, and strides s, t:

        y[n, c, h, w] = 1/(kh·kw) · Σ_i Σ_j x̂[n, c, h·s + i, w·t + j]

    The divisor is the whole window's area at the border too.
    Source: PyTorch's `torch.nn.AvgPool2d`, with its default `count_include_pad=True`.

    Args:
        x: floating-point `(N, C, H, W)`.
        kernel: (height, width) of a window, each at least 1.
        stride: (vertical, horizontal) step from one window to the next, each at least 1; None
            means `kernel`.
        padding: (rows, columns) of zeros added at each side, each from 0 to half the kernel.

    Returns:
        `(N, C, H', W')` of x's dtype, sizes as for `max_pool2d`.

    Raises:
        ValueError: a kernel or stride is below 1, a padding is below 0 or more than half the
            kernel along its axis, or the kernel does not fit into the padded image.
        TypeError: x is of an integer type. (Another exception, or the right numbers in any dtype,
            are just as right.)
    """
    # BEGIN SOLUTION
    (kh, kw), (ph, pw) = _pair(kernel), _pair(padding)
    sh, sw = (kh, kw) if stride is None else _pair(stride)
    _at_least(1, kh=kh, kw=kw, sh=sh, sw=sw)
    _at_least(0, ph=ph, pw=pw)
    if 2 * ph > kh or 2 * pw > kw:
        raise ValueError(f"{padding=} is more than half of {kernel=}")
    _floating(x)
    n, c, h, w = x.shape
    last_row, last_column = h + 2 * ph - kh, w + 2 * pw - kw  # where the last window can start
    if last_row < 0 or last_column < 0:
        raise ValueError(f"{kernel=} does not fit into an image of {h}×{w} with {padding=}")

    x_hat = x.new_zeros(n, c, h + 2 * ph, w + 2 * pw)
    x_hat[:, :, ph : ph + h, pw : pw + w] = x
    total = x.new_zeros(n, c, last_row // sh + 1, last_column // sw + 1)
    for i, j in product(range(kh), range(kw)):
        total += x_hat[:, :, i : i + last_row + 1 : sh, j : j + last_column + 1 : sw]
    return total / (kh * kw)
    # END SOLUTION


def im2col(
    x: Tensor,
    kernel: int | tuple[int, int],
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
) -> Tensor:
    """Write each window of an image as a column, so that a convolution is one matrix product.

    With x̂ for x in a frame of zeros, `padding` wide, strides s, t and output width W':

        columns[n, (c·kh + i)·kw + j, h·W' + w] = x̂[n, c, h·s + i, w·t + j]

    A column holds its window channel by channel, within a channel row by row; the columns come
    row by row too.
    Source: PyTorch's `torch.nn.Unfold`; Chellapilla, Puri and Simard, "High performance
    convolutional neural networks for document processing", 2006.

    Args:
        x: floating-point `(N, C, H, W)`.
        kernel: (height, width) of a window, each at least 1.
        stride: (vertical, horizontal) step from one window to the next, each at least 1.
        padding: (rows, columns) of zeros added at *each* side, each at least 0, however large.

    Returns:
        `(N, C·kh·kw, H'·W')` of x's dtype, with H' = ⌊(H + 2·ph − kh)/s⌋ + 1 and W' likewise.

    Raises:
        ValueError: a kernel or stride is below 1, a padding is below 0, or the kernel does not
            fit into the padded image.
        TypeError: x is of an integer type. (Another exception, or the right numbers in any dtype,
            are just as right.)
    """
    # BEGIN SOLUTION
    (kh, kw), (sh, sw), (ph, pw) = _pair(kernel), _pair(stride), _pair(padding)
    _at_least(1, kh=kh, kw=kw, sh=sh, sw=sw)
    _at_least(0, ph=ph, pw=pw)
    _floating(x)
    n, c, h, w = x.shape
    rows = (h + 2 * ph - kh) // sh + 1  # H'
    columns = (w + 2 * pw - kw) // sw + 1  # W'
    if rows < 1 or columns < 1:
        raise ValueError(f"windows of {kh}×{kw} with {padding=} do not fit into {h}×{w} pixels")

    x_hat = x.new_zeros(n, c, h + 2 * ph, w + 2 * pw)
    x_hat[:, :, ph : ph + h, pw : pw + w] = x
    windows = x.new_empty(n, c, kh, kw, rows, columns)
    for i, j in product(range(kh), range(kw)):
        last_i, last_j = i + (rows - 1) * sh, j + (columns - 1) * sw
        windows[:, :, i, j] = x_hat[:, :, i : last_i + 1 : sh, j : last_j + 1 : sw]
    return windows.reshape(n, c * kh * kw, rows * columns)
    # END SOLUTION

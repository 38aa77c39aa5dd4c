"""Stage 3, `convolution`: the forward passes of convolution and pooling, written by hand.

No `torch.nn`, no `torch.nn.functional`, and none of PyTorch's operators for convolution, pooling,
padding or unfolding by any other route. Images are NCHW; a pair is (vertical, horizontal), and an
int means both.
"""

from itertools import product

import torch
from torch import Tensor


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
    raise NotImplementedError("pad2d")


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
    raise NotImplementedError("conv1d")


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
    raise NotImplementedError("conv2d")


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
    raise NotImplementedError("max_pool2d")


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
    raise NotImplementedError("avg_pool2d")


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
    raise NotImplementedError("im2col")

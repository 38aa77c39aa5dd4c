"""The arithmetic of layers: output sizes, parameter counts, shapes and receptive fields.

Everything here is a whole number: ints go in, ints come out.
"""

import math
from typing import Any


def conv_out_size(n: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """The output size of a convolution along one axis: ⌊(n + 2p − d(k−1) − 1)/s⌋ + 1.

    Source: PyTorch's `torch.nn.Conv2d`, section "Shape"; S0 and S1 for p = 0, s = d = 1.

    Args:
        n: the input size in pixels, at least 1.
        kernel: the kernel size k in pixels, at least 1.
        stride: the step s from one window to the next, at least 1.
        padding: the pixels p added at *each* of the two ends, at least 0.
        dilation: the distance d between neighbouring kernel elements, at least 1. A dilated
            kernel spans d(k−1) + 1 pixels.

    Returns:
        The number of windows, an int of at least 1.

    Raises:
        ValueError: an argument is out of its range, or the dilated kernel does not fit into the
            padded input.
    """
    raise NotImplementedError("conv_out_size")


def pool_out_size(
    n: int, kernel: int, stride: int | None = None, padding: int = 0, ceil_mode: bool = False
) -> int:
    """The output size of a pooling layer along one axis.

    Source: PyTorch's `torch.nn.MaxPool2d`, section "Shape", and its note on `ceil_mode`.

    Args:
        n: the input size in pixels, at least 1.
        kernel: the window size in pixels, at least 1.
        stride: the step from one window to the next, at least 1; None means `kernel`.
        padding: the pixels added at each of the two ends, from 0 to half the kernel.
        ceil_mode: False: only windows that lie wholly in the padded input count. True: the size
            is rounded up, so that a last window may hang over the right end; but a window that
            would start in the right padding (at position n + padding or beyond, counted from the
            start of the left padding) is dropped.

    Returns:
        The number of windows, an int of at least 1.

    Raises:
        ValueError: an argument is out of its range, padding is more than half the kernel, or the
            kernel does not fit into the padded input. (With `ceil_mode`, PyTorch lets even the
            first window hang over where rounding up makes the size 1. So do we; raising
            ValueError there is just as right.)
    """
    raise NotImplementedError("pool_out_size")


def same_padding(kernel: int, dilation: int = 1) -> int:
    """The padding with which a convolution of stride 1 keeps the size of its input.

    A kernel that spans an even number of pixels, d(k−1) + 1, would need one pixel more at one end
    than at the other: there is no such padding.

    Args:
        kernel: the kernel size k in pixels, at least 1.
        dilation: the distance d between neighbouring kernel elements, at least 1.

    Returns:
        The pixels to add at each of the two ends, an int.

    Raises:
        ValueError: an argument is below 1, or the dilated kernel spans an even number of pixels.
            (It is the span that counts: 2 elements with dilation 2 span 3 pixels.)
    """
    raise NotImplementedError("same_padding")


def conv_params(
    in_channels: int,
    out_channels: int,
    kernel: int | tuple[int, int],
    bias: bool = True,
    groups: int = 1,
) -> int:
    """The number of learnable parameters of a two-dimensional convolution.

    Args:
        in_channels: channels of the input, at least 1.
        out_channels: channels of the output, at least 1.
        kernel: (height, width) of the kernel in pixels, each at least 1; an int means both.
        bias: whether there is a bias, one for each output channel.
        groups: the channels are split into this many groups, and an output channel sees only the
            input channels of its own group. Divides both numbers of channels.

    Returns:
        The number of weights and biases, an int.

    Raises:
        ValueError: channels or kernel below 1.
    """
    raise NotImplementedError("conv_params")


def dense_params(n_in: int, n_out: int, bias: bool = True) -> int:
    """The number of learnable parameters of a dense (fully connected) layer.

    Args:
        n_in: input features, at least 1.
        n_out: output features, at least 1.
        bias: whether there is a bias, one for each output feature.

    Returns:
        The number of weights and biases, an int.

    Raises:
        ValueError: n_in or n_out below 1.
    """
    raise NotImplementedError("dense_params")


def trace_shapes(
    layers: list[dict[str, Any]], input_shape: tuple[int, ...]
) -> list[tuple[int, ...]]:
    """The shape after each layer of a network, without the batch dimension.

    A layer is a dict; `kind` names what it is, all other values are ints:

    - `{"kind": "conv", "out": O, "kernel": k}`, optionally with `stride` (default 1), `padding`
      (default 0) and `dilation` (default 1): `(C, H, W)` becomes `(O, H', W')`.
    - `{"kind": "pool", "kernel": k}`, optionally with `stride` (default k) and `padding`
      (default 0): `(C, H, W)` becomes `(C, H', W')`; sizes are rounded down.
    - `{"kind": "flatten"}`: `(C, H, W)` becomes `(C·H·W,)`, flat input stays as it is.
    - `{"kind": "dense", "out": O}`: `(D,)` becomes `(O,)`; the input has to be flat.
    - `{"kind": "relu"}`, `{"kind": "batchnorm"}`, `{"kind": "dropout"}`: unchanged.

    Kernel, stride, padding and dilation hold for both axes; images need not be square. The
    layers are read, not changed.

    Args:
        layers: the layers in the order in which they are applied.
        input_shape: `(C, H, W)`, or `(D,)` for flat input.

    Returns:
        One tuple of ints for each layer, in order; the input's shape is not listed.

    Raises:
        ValueError: a kind is unknown; `dense` is given input that is not flat; a kernel does not
            fit; `out`, `kernel`, `stride` or `dilation` is below 1, or `padding` below 0; the
            padding of a `pool` is more than half its kernel.
    """
    raise NotImplementedError("trace_shapes")


def receptive_field(layers: list[dict[str, Any]]) -> int:
    """How wide a stretch of the input one output of the last `conv` or `pool` looks at.

    Counted along one axis from the first input pixel that can influence the output to the last,
    both included, and holes that dilation leaves in between too; far from the borders, so that
    padding plays no part. The field is square because all kernels are.

    Source: Araujo, Norris and Sim, "Computing receptive fields of convolutional neural
    networks", Distill, 2019.

    Args:
        layers: as for `trace_shapes`. All kinds but `conv` and `pool` leave the field unchanged.

    Returns:
        The width in input pixels, an int; 1 where there is no `conv` or `pool`, because a pixel
        then sees itself only.

    Raises:
        ValueError: `kernel`, `stride` or `dilation` of a `conv` or `pool` is below 1.
    """
    raise NotImplementedError("receptive_field")

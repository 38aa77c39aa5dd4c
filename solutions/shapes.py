"""The arithmetic of layers: output sizes, parameter counts, shapes and receptive fields.

Everything here is a whole number: ints go in, ints come out.
"""

import math
from typing import Any

# BEGIN SOLUTION


def _at_least(low: int, **values: int) -> None:
    for name, value in values.items():
        if value < low:
            raise ValueError(f"{name} is {value}, but has to be at least {low}")


def _windows(n: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """How many windows a layer of a trace has along n pixels."""
    _at_least(1, kernel=kernel, stride=stride, dilation=dilation)
    _at_least(0, padding=padding)
    room = n + 2 * padding - dilation * (kernel - 1) - 1
    if room < 0:
        raise ValueError(f"a kernel of {kernel} does not fit into {n} pixels")
    return room // stride + 1


# END SOLUTION


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
    # BEGIN SOLUTION
    _at_least(1, n=n, kernel=kernel, stride=stride, dilation=dilation)
    _at_least(0, padding=padding)
    room = n + 2 * padding - dilation * (kernel - 1) - 1  # by how much the first window can move
    if room < 0:
        raise ValueError(f"{kernel=} with {dilation=} does not fit into {n=} with {padding=}")
    return room // stride + 1
    # END SOLUTION


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
    # BEGIN SOLUTION
    stride = kernel if stride is None else stride
    _at_least(1, n=n, kernel=kernel, stride=stride)
    _at_least(0, padding=padding)
    if 2 * padding > kernel:
        raise ValueError(f"{padding=} is more than half of {kernel=}")
    room = n + 2 * padding - kernel
    last = -(-room // stride) if ceil_mode else room // stride  # the last window's index
    if ceil_mode and last * stride >= n + padding:
        last -= 1
    if last < 0:
        raise ValueError(f"{kernel=} does not fit into {n=} with {padding=}")
    return last + 1
    # END SOLUTION


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
    # BEGIN SOLUTION
    _at_least(1, kernel=kernel, dilation=dilation)
    added = dilation * (kernel - 1)
    if added % 2 == 1:
        raise ValueError(f"{kernel=} with {dilation=} spans an even number of pixels")
    return added // 2
    # END SOLUTION


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
    # BEGIN SOLUTION
    kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
    _at_least(1, in_channels=in_channels, out_channels=out_channels, kh=kh, kw=kw, groups=groups)
    fan_in = in_channels // groups * kh * kw
    return out_channels * (fan_in + bias)
    # END SOLUTION


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
    # BEGIN SOLUTION
    _at_least(1, n_in=n_in, n_out=n_out)
    return n_out * (n_in + bias)
    # END SOLUTION


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
    # BEGIN SOLUTION
    shapes = []
    shape = tuple(input_shape)
    for layer in layers:
        match layer:
            case {"kind": "conv", "out": out, "kernel": kernel, **options}:
                _at_least(1, out=out)
                shape = (out, *(_windows(n, kernel, **options) for n in shape[1:]))
            case {"kind": "pool", "kernel": kernel, **options}:
                if 2 * options.get("padding", 0) > kernel:
                    raise ValueError(f"padding of more than half the kernel: {layer}")
                options = {"stride": kernel} | options
                shape = (shape[0], *(_windows(n, kernel, **options) for n in shape[1:]))
            case {"kind": "flatten"}:
                shape = (math.prod(shape),)
            case {"kind": "dense", "out": out}:
                _at_least(1, out=out)
                if len(shape) != 1:
                    raise ValueError(f"a dense layer needs flat input, not {shape}")
                shape = (out,)
            case {"kind": "relu" | "batchnorm" | "dropout"}:
                pass
            case _:
                raise ValueError(f"unknown kind of layer: {layer}")
        shapes.append(shape)
    return shapes
    # END SOLUTION


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
    # BEGIN SOLUTION
    field = 1
    jump = 1  # input pixels between two neighbouring outputs of the layers so far
    for layer in layers:
        if layer["kind"] not in ("conv", "pool"):
            continue
        kernel = layer["kernel"]
        stride = layer.get("stride", kernel if layer["kind"] == "pool" else 1)
        dilation = layer.get("dilation", 1)
        _at_least(1, kernel=kernel, stride=stride, dilation=dilation)
        field += dilation * (kernel - 1) * jump
        jump *= stride
    return field
    # END SOLUTION

"""Stage 6, `initialization`: scale the first weights by fan.

A weight's shape is PyTorch's: `(out, in)` of a dense layer, `(out, in, kh, kw)` of a convolution,
all sizes at least 1.
"""

import math

import torch
from torch import Tensor


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many inputs one output of a layer sums up, and how many outputs one input reaches.

    In a convolution each output is a sum over all input channels and all positions of the kernel,
    and each input (far from the border, at stride 1) takes part in the outputs of all output
    channels, once for each position of the kernel. A bias doesn't count.

    Source: He et al., "Delving deep into rectifiers", 2015, section 2.2 (their n_l and n̂_l).

    Args:
        shape: of a layer's weight, `(out, in)` or `(out, in, kh, kw)`.

    Returns:
        `(fan_in, fan_out)`, two ints.

    Raises:
        ValueError: a size is below 1.
    """
    raise NotImplementedError("fans")


def default_bound(fan_in: int) -> float:
    """Where PyTorch's own initialisation ends: `nn.Linear` and `nn.Conv2d` draw from ±1/√fan_in.

    Weights and biases alike are uniform in this range. (PyTorch writes it as
    `kaiming_uniform_(weight, a=√5)`, which comes to the same.)

    Source: `torch.nn.Linear` and `torch.nn.Conv2d`, section "Variables".

    Args:
        fan_in: the number of inputs that one output sums up, at least 1.

    Returns:
        The upper end of the range, a float above 0.

    Raises:
        ValueError: `fan_in` is below 1.
    """
    raise NotImplementedError("default_bound")


def xavier_uniform(
    shape: tuple[int, ...], generator: torch.Generator, *, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Draw a layer's weight from the uniform distribution of variance 2/(fan_in + fan_out).

    Its range is ±√(6/(fan_in + fan_out)): numbers that are uniform in ±a have the variance a²/3.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", 2010, equation 16.

    Args:
        shape: of the weight, `(out, in)` or `(out, in, kh, kw)`.
        generator: the only source of randomness, drawn from: calling again with the same
            generator object gives other numbers, a generator of the same seed gives the same.
        dtype: floating-point, of the result.

    Returns:
        A new tensor of this shape and dtype. Each element is drawn independently of the others.
    """
    raise NotImplementedError("xavier_uniform")


def xavier_normal(
    shape: tuple[int, ...], generator: torch.Generator, *, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Draw a layer's weight from the normal distribution of variance 2/(fan_in + fan_out).

    Its mean is 0, its standard deviation √(2/(fan_in + fan_out)).

    Source: Glorot and Bengio, 2010, equation 12, with a normal distribution for their uniform one.

    Args:
        shape: of the weight, `(out, in)` or `(out, in, kh, kw)`.
        generator: the only source of randomness, drawn from: calling again with the same
            generator object gives other numbers, a generator of the same seed gives the same.
        dtype: floating-point, of the result.

    Returns:
        A new tensor of this shape and dtype. Each element is drawn independently of the others.
    """
    raise NotImplementedError("xavier_normal")


def he_uniform(
    shape: tuple[int, ...], generator: torch.Generator, *, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Draw a layer's weight from the uniform distribution of variance 2/fan_in.

    Its range is ±√(6/fan_in): numbers that are uniform in ±a have the variance a²/3.

    Source: He et al., "Delving deep into rectifiers", 2015, equation 10, with a uniform
    distribution for their normal one.

    Args:
        shape: of the weight, `(out, in)` or `(out, in, kh, kw)`.
        generator: the only source of randomness, drawn from: calling again with the same
            generator object gives other numbers, a generator of the same seed gives the same.
        dtype: floating-point, of the result.

    Returns:
        A new tensor of this shape and dtype. Each element is drawn independently of the others.
    """
    raise NotImplementedError("he_uniform")


def he_normal(
    shape: tuple[int, ...], generator: torch.Generator, *, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Draw a layer's weight from the normal distribution of variance 2/fan_in.

    Its mean is 0, its standard deviation √(2/fan_in): the ReLU of a sum halves its mean square,
    and the 2 makes up for it.

    Source: He et al., "Delving deep into rectifiers", 2015, equation 10.

    Args:
        shape: of the weight, `(out, in)` or `(out, in, kh, kw)`.
        generator: the only source of randomness, drawn from: calling again with the same
            generator object gives other numbers, a generator of the same seed gives the same.
        dtype: floating-point, of the result.

    Returns:
        A new tensor of this shape and dtype. Each element is drawn independently of the others.
    """
    raise NotImplementedError("he_normal")


def activation_stds(depth: int, width: int, scheme: str, generator: torch.Generator) -> list[float]:
    """How large the signal is after each layer of a freshly initialised ReLU network.

    A batch h₀ of at least 256 inputs with `width` features each, all drawn from N(0, 1), runs
    through `depth` layers h_l = ReLU(h_{l−1} W_lᵀ) without biases. Every W_l is a new
    `(width, width)` matrix of independent random numbers with mean 0; `scheme` says which:

    - `"he"`: standard deviation √(2/fan_in), `"xavier"`: √(2/(fan_in + fan_out)). Normal or
      uniform, as you like.
    - `"small"`: 0.01 · N(0, 1), that is with a standard deviation of 0.01.
    - `"large"`: N(0, 1).

    Args:
        depth: the number of layers, at least 1.
        width: the features of the inputs and of every layer, at least 1.
        scheme: `"he"`, `"xavier"`, `"small"` or `"large"`.
        generator: the only source of randomness, of the inputs too.

    Returns:
        For each layer the standard deviation of all elements of h_l together, √(mean(h²) −
        mean(h)²), as a float; n or n−1 in the divisor is all one. (Not the root mean square: the
        mean of a ReLU's outputs isn't 0.)

    Raises:
        ValueError: `scheme` is unknown, `depth` or `width` is below 1.
    """
    raise NotImplementedError("activation_stds")

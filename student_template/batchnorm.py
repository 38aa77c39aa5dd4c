"""Stage 10, `batchnorm`: normalise what a layer gives over the batch, then scale and shift it.

Each feature (each channel of an image) is treated by itself: it has a mean and a variance over
the batch, a scale γ (`gamma`, `weight`) and a shift β (`beta`, `bias`). In training the statistics
are those of the batch at hand, in evaluation running ones that were kept meanwhile.

None of PyTorch's normalisations (batch, layer, group, instance, RMS) by any route, nor its
functions that fold them.
Source: Ioffe and Szegedy, "Batch Normalization", 2015, arXiv:1502.03167.
"""

import torch
from torch import Tensor, nn


def batchnorm_train(
    x: Tensor, gamma: Tensor, beta: Tensor, eps: float = 1e-5
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalise a batch by its own mean and variance, then scale and shift it.

    For each feature d:

        μ[d]    = 1/N · Σ_n x[n, d]
        σ²[d]   = 1/N · Σ_n (x[n, d] − μ[d])²          the biased variance: divided by N
        x̂[n, d] = (x[n, d] − μ[d]) / √(σ²[d] + eps)    eps is inside the root
        y[n, d] = γ[d] · x̂[n, d] + β[d]

    Source: Ioffe and Szegedy, algorithm 1.

    Args:
        x: `(N, D)`, N at least 1, float32 or float64.
        gamma: the scale γ, `(D,)`, of x's dtype.
        beta: the shift β, `(D,)`, of x's dtype.
        eps: above 0; keeps the root away from 0.

    Returns:
        `(y, mean, var)`: y of shape `(N, D)`, μ and σ² of shape `(D,)`, all of x's dtype. A batch
        of one has σ² = 0 and y = β.
    """
    raise NotImplementedError("batchnorm_train")


def update_running(running: Tensor, batch: Tensor, momentum: float = 0.1) -> Tensor:
    """A running statistic after one more batch: (1 − m)·running + m·batch.

    Source: PyTorch's `torch.nn.BatchNorm1d`; m is the share of the *new* value.

    Args:
        running: the statistic so far, `(D,)`, float32 or float64; it is left as it was.
        batch: the same statistic of the batch, `(D,)`, of the same dtype.
        momentum: m, from 0 to 1.

    Returns:
        The new statistic, a tensor of shape `(D,)` and of the dtype of `running`.

    Raises:
        ValueError: `momentum` is outside [0, 1].
    """
    raise NotImplementedError("update_running")


def batchnorm_eval(
    x: Tensor, mean: Tensor, var: Tensor, gamma: Tensor, beta: Tensor, eps: float = 1e-5
) -> Tensor:
    """Normalise by statistics that are given, those of training, then scale and shift.

        y[n, d] = γ[d] · (x[n, d] − mean[d]) / √(var[d] + eps) + β[d]

    What becomes of a sample does not depend on the others in its batch.

    Args:
        x: `(N, D)`, N at least 1, float32 or float64.
        mean: `(D,)`, of x's dtype, as are the next three.
        var: `(D,)`, at least 0; it is used as it is.
        gamma: the scale γ, `(D,)`.
        beta: the shift β, `(D,)`.
        eps: above 0.

    Returns:
        y, `(N, D)`, of x's dtype.
    """
    raise NotImplementedError("batchnorm_eval")


def batchnorm_backward(
    dout: Tensor, x: Tensor, gamma: Tensor, eps: float = 1e-5
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of `batchnorm_train`'s y, by hand.

    The mean and the variance are functions of x too: x reaches y on three ways, and all of them
    count. Neither autograd nor an operator of PyTorch's that computes gradients may be used.

    Args:
        dout: ∂L/∂y, `(N, D)`, float32 or float64.
        x: the input of the forward pass, `(N, D)`, N at least 1, of the same dtype.
        gamma: the scale γ, `(D,)`, of the same dtype.
        eps: that of the forward pass, above 0.

    Returns:
        `(dx, dgamma, dbeta)`: ∂L/∂x `(N, D)`, ∂L/∂γ `(D,)` and ∂L/∂β `(D,)`, in the dtype of
        `dout`. γ and β serve all samples: their gradients are sums over the batch.
    """
    raise NotImplementedError("batchnorm_backward")


class BatchNorm1d(nn.Module):
    """Batch normalisation of features, as a layer.

    In training (after `train()`, and from the start) the layer normalises by the mean and the
    *biased* variance of the batch, and moves the running statistics towards the batch's:

        running_mean = (1 − momentum) · running_mean + momentum · mean
        running_var  = (1 − momentum) · running_var  + momentum · var · n/(n − 1)

    What goes into `running_var` is the *unbiased* variance, of the batch's n values for a feature.
    In evaluation (after `eval()`) it normalises by the running statistics and leaves them alone.
    Gradients flow to the input, in training also over the batch's mean and variance, and to
    `weight` and `bias`, but the running statistics need none: they remember no graph.

    Attributes:
        weight: γ, a Parameter `(num_features,)`, ones at the start.
        bias: β, a Parameter `(num_features,)`, zeros at the start.
        running_mean: a buffer `(num_features,)`, zeros at the start.
        running_var: a buffer `(num_features,)`, ones at the start.

    These are all Parameters there are; buffers may be more. What is registered as a buffer is part
    of `state_dict()` and goes along with `.double()` and `.to(device)`. It may be changed in place
    or bound anew.

    Source: PyTorch's `torch.nn.BatchNorm1d`.
    """

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        """Make a layer, in training mode.

        Args:
            num_features: D, at least 1.
            eps: added to the variance inside the root, above 0.
            momentum: the share of the new batch in the running statistics, from 0 to 1.

        Raises:
            ValueError: `num_features` is below 1, or `momentum` is outside [0, 1].
        """
        super().__init__()
        raise NotImplementedError("BatchNorm1d.__init__")

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each feature, scale and shift it.

        Args:
            x: `(N, D)`, of the dtype of the Parameters. In evaluation a single sample will do.

        Returns:
            y, `(N, D)`, of x's dtype; x is left as it was.

        Raises:
            ValueError: in training, N is below 2: a single value has no variance.
        """
        raise NotImplementedError("BatchNorm1d.forward")


class BatchNorm2d(nn.Module):
    """Batch normalisation of images, as a layer: one mean and one variance for each channel.

    A channel is normalised over all pixels of all images in the batch, n = N·H·W values: wherever
    it is in the image, a feature is treated alike, as a convolution treats it. All else is as in
    `BatchNorm1d`: in training the mean and the *biased* variance of the batch, while the *unbiased*
    one goes into `running_var`,

        running_mean = (1 − momentum) · running_mean + momentum · mean
        running_var  = (1 − momentum) · running_var  + momentum · var · n/(n − 1)

    and in evaluation the running statistics, which are left alone then and remember no graph.

    Attributes:
        weight: γ, a Parameter `(num_features,)`, ones at the start.
        bias: β, a Parameter `(num_features,)`, zeros at the start.
        running_mean: a buffer `(num_features,)`, zeros at the start.
        running_var: a buffer `(num_features,)`, ones at the start.

    These are all Parameters there are; buffers may be more.

    Source: PyTorch's `torch.nn.BatchNorm2d`.
    """

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        """Make a layer, in training mode.

        Args:
            num_features: C, the number of channels, at least 1.
            eps: added to the variance inside the root, above 0.
            momentum: the share of the new batch in the running statistics, from 0 to 1.

        Raises:
            ValueError: `num_features` is below 1, or `momentum` is outside [0, 1].
        """
        super().__init__()
        raise NotImplementedError("BatchNorm2d.__init__")

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each channel, scale and shift it.

        Args:
            x: `(N, C, H, W)`, of the dtype of the Parameters, contiguous or not.

        Returns:
            y, `(N, C, H, W)`, of x's dtype; x is left as it was.

        Raises:
            ValueError: in training, N·H·W is below 2: a single value has no variance. (A single
                image of several pixels has one.)
        """
        raise NotImplementedError("BatchNorm2d.forward")


def fold_batchnorm(
    conv_weight: Tensor,
    conv_bias: Tensor | None,
    mean: Tensor,
    var: Tensor,
    gamma: Tensor,
    beta: Tensor,
    eps: float = 1e-5,
) -> tuple[Tensor, Tensor]:
    """One convolution that does what a convolution and the batch norm behind it do in evaluation.

    Both are affine in the input, and so the second can be worked into the weights of the first:
    for every x,

        conv(x, weight, bias) = batchnorm_eval(conv(x, conv_weight, conv_bias), …)

    Args:
        conv_weight: `(O, C, kh, kw)`, float32 or float64.
        conv_bias: `(O,)`, of the same dtype, as are all that follow; None for a convolution
            without bias, as it is often used before a batch norm.
        mean: the batch norm's running mean, `(O,)`.
        var: its running variance, `(O,)`, at least 0; it is used as it is.
        gamma: its scale γ, `(O,)`.
        beta: its shift β, `(O,)`.
        eps: above 0.

    Returns:
        `(weight, bias)` of the shapes `(O, C, kh, kw)` and `(O,)`, of the dtype of `conv_weight`;
        the arguments are left as they were.
    """
    raise NotImplementedError("fold_batchnorm")

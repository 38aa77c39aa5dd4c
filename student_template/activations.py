"""Stage 4, `activations`: activations and losses that stay finite.

To be written without PyTorch's own: no activation, softmax, log-softmax or loss function of
PyTorch by any route. `exp`, `log`, `log1p`, `expm1`, `logsumexp`, `clamp`, `where`, `maximum` and
the like are fine.

Logits may be as large as ±10,000, in float32 too: no result is NaN or infinite where the true value
is not. Tensors are not modified. The dtype of `z` or `logits` is that of the result. An integer
tensor there is a caller's mistake: raise an exception, or take the values as floating-point
numbers; only never return a result that was rounded to integers.
"""

import math

import torch
from torch import Tensor


def sigmoid(z: Tensor) -> Tensor:
    """The logistic function σ(z) = 1 / (1 + e^(−z)), element by element.

    Args:
        z: floating-point, of any shape, also non-contiguous or without dimensions.

    Returns:
        Same shape and dtype, in [0, 1]: 0 for z = −10,000 and 1 for z = 10,000.
    """
    raise NotImplementedError("sigmoid")


def tanh(z: Tensor) -> Tensor:
    """The hyperbolic tangent tanh(z) = (e^z − e^(−z)) / (e^z + e^(−z)), element by element.

    Args:
        z: floating-point, of any shape, also non-contiguous or without dimensions.

    Returns:
        Same shape and dtype, in [−1, 1]: −1 for z = −10,000 and 1 for z = 10,000.
    """
    raise NotImplementedError("tanh")


def relu(z: Tensor) -> Tensor:
    """The rectified linear unit max(0, z), element by element.

    Args:
        z: floating-point, of any shape, also non-contiguous or without dimensions.

    Returns:
        Same shape and dtype. (Of an integer tensor the result may be integers too: nothing has
        to be rounded.)
    """
    raise NotImplementedError("relu")


def leaky_relu(z: Tensor, slope: float = 0.01) -> Tensor:
    """z where z is above 0, slope · z below: a ReLU that passes some gradient everywhere.

    Source: Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic
    models", 2013.

    Args:
        z: floating-point, of any shape, also non-contiguous or without dimensions.
        slope: the slope left of 0, from 0 to 1.

    Returns:
        Same shape and dtype as z.
    """
    raise NotImplementedError("leaky_relu")


def softmax(z: Tensor, dim: int = -1) -> Tensor:
    """Probabilities out of logits: p_i = e^(z_i) / Σ_j e^(z_j).

    Args:
        z: logits, floating-point, of any shape with at least one dimension.
        dim: the dimension along which the classes lie; may be negative, as in PyTorch.

    Returns:
        Same shape and dtype; the sums along `dim` are 1. Small probabilities are right too, as
        long as the dtype can hold them: of the logits (0, −50) the second has e^(−50) ≈ 2e−22.
    """
    raise NotImplementedError("softmax")


def log_softmax(z: Tensor, dim: int = -1) -> Tensor:
    """The logarithms of the softmax's probabilities: log p_i = z_i − log Σ_j e^(z_j).

    Args:
        z: logits, floating-point, of any shape with at least one dimension.
        dim: the dimension along which the classes lie; may be negative, as in PyTorch.

    Returns:
        Same shape and dtype. Finite even where the probability itself is too small for any
        number: of the logits (0, −10,000) the second has −10,000.
    """
    raise NotImplementedError("log_softmax")


def smooth_labels(targets: Tensor, num_classes: int, alpha: float) -> Tensor:
    """One-hot labels, softened: (1 − α) · onehot + α/K.

    Source: Szegedy et al., "Rethinking the Inception architecture for computer vision", 2016,
    section 7.

    Args:
        targets: int64 `(N,)`, the class of each sample, 0..K−1; N at least 1.
        num_classes: K, at least 1.
        alpha: how much of the weight is spread evenly over *all* K classes, in [0, 1].

    Returns:
        `(N, K)`, of any floating-point dtype.

    Raises:
        ValueError: `alpha` is outside [0, 1], or a target outside 0..K−1.
    """
    raise NotImplementedError("smooth_labels")


def cross_entropy(logits: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """The mean cross-entropy between smoothed labels and the softmax of the logits.

    With t the smoothed labels (1 − α) · onehot + α/K of sample n, its loss is −Σ_k t_k · log p_k;
    the result is the mean over the N samples. With α = 0 the loss is −log p of the right class.

    Source: PyTorch's `torch.nn.CrossEntropyLoss`.

    Args:
        logits: floating-point `(N, K)`, N and K at least 1.
        targets: int64 `(N,)`, the class of each sample, 0..K−1.
        label_smoothing: α, in [0, 1].

    Returns:
        A scalar of the dtype of the logits. Equal logits give ln K, whatever the rest.

    Raises:
        ValueError: `label_smoothing` is outside [0, 1], or a target outside 0..K−1.
    """
    raise NotImplementedError("cross_entropy")


def threshold_loss_slope(z: Tensor, eps: float) -> Tensor:
    """The slope of the 0/1 threshold function H, as a central difference measures it.

    (H(z+ε) − H(z−ε)) / 2ε, where H is 1 above 0 and 0 below. As a loss, H counts errors. Its slope
    is zero almost everywhere, so it tells gradient descent nothing.

    Args:
        z: floating-point, of any shape, also non-contiguous or without dimensions.
        eps: ε, above 0.

    Returns:
        Same shape and dtype as z. (H at 0 itself may be anything: where |z| = ε is not judged.)
    """
    raise NotImplementedError("threshold_loss_slope")


def gradient_scale(activation: str, depth: int, z: float) -> float:
    """By what `depth` layers of an activation scale a gradient on its way back: f′(z)^depth.

    Every layer multiplies the gradient by the derivative of its activation; here all of them are
    at the same z and the weights are left out. This is the vanishing gradient in numbers.

    Args:
        activation: "sigmoid", "tanh" or "relu".
        depth: the number of layers, at least 1.
        z: where the derivative is taken, any finite number. For "relu" 0 is not judged.

    Returns:
        The derivative at z to the power of `depth`. Where it is too small for a float it is 0.

    Raises:
        ValueError: the activation is none of the three.
    """
    raise NotImplementedError("gradient_scale")

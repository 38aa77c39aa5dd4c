"""Stage 5, `backprop`: gradients by hand.

L is a scalar loss somewhere behind a layer. `dout` is ∂L/∂(the layer's output) and has the shape
of that output; `dx`, `dweight` and `dbias` are ∂L/∂(what the name says) and have the shapes of
what they are gradients of. Nothing is divided by the batch size but where a formula says so.

No `backward`, `torch.autograd`, `torch.func`, `requires_grad`, `torch.nn.grad` and no backward
operator of PyTorch by any route. Forward functions, `unfold` and `fold` are fine.
"""

import itertools
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def numerical_gradient(
    f: Callable[[Tensor], Tensor | float], x: Tensor, eps: float = 1e-6
) -> Tensor:
    """The gradient of any scalar function, by central differences.

    For each element of x, with all others as they are:
    ∂f/∂xᵢ ≈ (f(x with xᵢ + eps) − f(x with xᵢ − eps)) / (2·eps).

    Args:
        f: takes a tensor of the shape and dtype of x and returns a Python float or a
            0-dimensional tensor. It may mix the elements of x as it likes.
        x: float64, of any shape, 0-dimensional too, contiguous or not. If elements are moved in
            place they have to be put back: after the call x is the same, bit for bit.
        eps: the step, above 0.

    Returns:
        The gradient, in the shape and dtype of x.
    """
    raise NotImplementedError("numerical_gradient")


def linear_backward(dout: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of a dense layer, y = x Wᵀ + b.

    Args:
        dout: ∂L/∂y, `(N, M)`, float32 or float64.
        x: the layer's input, `(N, D)`.
        weight: W, `(M, D)`: (out, in), as `torch.nn.Linear` keeps it.

    Returns:
        `(dx, dweight, dbias)` of shapes `(N, D)`, `(M, D)` and `(M,)`, in the dtype of `dout`.
        All samples share W and b: their gradients are sums over the batch.
    """
    raise NotImplementedError("linear_backward")


def relu_backward(dout: Tensor, x: Tensor) -> Tensor:
    """The gradient of y = max(x, 0).

    Args:
        dout: ∂L/∂y, of any shape, float32 or float64.
        x: the input of the ReLU, of the same shape.

    Returns:
        ∂L/∂x, in the shape and dtype of `dout`. Where x is exactly 0 there is no derivative, and
        any ReLU′(0) from 0 to 1 is right; PyTorch's is 0.
    """
    raise NotImplementedError("relu_backward")


def sigmoid_backward(dout: Tensor, z: Tensor) -> Tensor:
    """The gradient of y = σ(z) = 1/(1 + e⁻ᶻ).

    Args:
        dout: ∂L/∂y, of any shape, float32 or float64.
        z: the *input* of the sigmoid, of the same shape, |z| up to 1e4.

    Returns:
        ∂L/∂z, in the shape and dtype of `dout`; finite for all z.
    """
    raise NotImplementedError("sigmoid_backward")


def softmax_cross_entropy_backward(logits: Tensor, targets: Tensor) -> Tensor:
    """The gradient of L = mean over n of −ln softmax(logits[n])[targets[n]].

    This is PyTorch's `cross_entropy(logits, targets)`: the mean over the batch, and the softmax
    belongs to the loss. L is the end of the network, so there is no `dout`.

    Args:
        logits: `(N, K)`, float32 or float64, of magnitudes up to 1e4.
        targets: the right classes, int64 `(N,)`, each in 0..K−1.

    Returns:
        ∂L/∂logits, `(N, K)`, in the dtype of `logits`; finite.

    Raises:
        ValueError: a target is outside 0..K−1.
    """
    raise NotImplementedError("softmax_cross_entropy_backward")


def conv2d_backward(
    dout: Tensor,
    x: Tensor,
    weight: Tensor,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of a two-dimensional convolution with bias.

    With x̃ for the zero-padded input, stride (s, t) and padding (p, q), the forward pass is
    y[n,o,h,w] = b[o] + Σ_{c,i,j} weight[o,c,i,j] · x̃[n, c, h·s + i, w·t + j].

    Args:
        dout: ∂L/∂y, `(N, O, H', W')`, float32 or float64.
        x: the layer's input, without padding, `(N, C, H, W)`.
        weight: `(O, C, kh, kw)`.
        stride: (s, t) along height and width, each at least 1; an int means both.
        padding: (p, q) pixels of zeros at each end of height and width, each at least 0, however
            large; an int means both.

    Returns:
        `(dx, dweight, dbias)` of the shapes of x, of `weight` and `(O,)`, in the dtype of `dout`.
        A pixel that no window reaches has the gradient 0.

    Raises:
        ValueError: a stride below 1, or a padding below 0.
    """
    raise NotImplementedError("conv2d_backward")


def max_pool2d_backward(
    dout: Tensor,
    x: Tensor,
    kernel: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
) -> Tensor:
    """The gradient of max pooling without padding.

    Each window hands its whole gradient to the pixel that was its maximum. A pixel that is the
    maximum of several windows gets the sum; all other pixels get 0.

    Args:
        dout: ∂L/∂y, `(N, C, H', W')`, float32 or float64.
        x: the layer's input, `(N, C, H, W)`.
        kernel: (height, width) of the window, each at least 1; an int means both.
        stride: the steps along height and width, each at least 1; an int means both, None means
            `kernel`.

    Returns:
        ∂L/∂x, `(N, C, H, W)`, in the dtype of `dout`. Where several pixels of a window are equal
        maxima, its gradient may go to the first of them, to the last, or be split among them;
        in all it is handed out once.

    Raises:
        ValueError: a kernel or stride below 1.
    """
    raise NotImplementedError("max_pool2d_backward")


def mlp_loss_and_grads(
    params: dict[str, Tensor], x: Tensor, targets: Tensor
) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss and gradients of a network with one hidden layer: forward, then all the way back.

    z = x W1ᵀ + b1, h = max(z, 0), logits = h W2ᵀ + b2, and L is the mean over the batch of the
    softmax cross-entropy of logits and targets.

    Args:
        params: `W1` `(H, D)`, `b1` `(H,)`, `W2` `(K, H)`, `b2` `(K,)`: all float32 or all float64.
        x: `(N, D)`, in the same dtype.
        targets: the right classes, int64 `(N,)`, each in 0..K−1.

    Returns:
        `(loss, grads)`: L, a scalar, and a dict with the gradients ∂L/∂W1, ∂L/∂b1, ∂L/∂W2, ∂L/∂b2
        under the keys `W1`, `b1`, `W2`, `b2`, each in the shape and dtype of its parameter. All
        finite for logits of magnitudes up to 1e4. Where z is exactly 0, any ReLU′(0) from 0 to 1
        is right.

    Raises:
        ValueError: a target is outside 0..K−1.
    """
    raise NotImplementedError("mlp_loss_and_grads")

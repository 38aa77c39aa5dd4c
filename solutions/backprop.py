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
    # BEGIN SOLUTION
    gradient = x.new_zeros(x.shape)
    for i in itertools.product(*map(range, x.shape)):  # an index into all dimensions at once
        above, below = x.clone(), x.clone()
        above[i] += eps
        below[i] -= eps
        gradient[i] = (f(above) - f(below)) / (2 * eps)
    return gradient
    # END SOLUTION


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
    # BEGIN SOLUTION
    dx = dout @ weight  # (N, M) · (M, D)
    dweight = dout.T @ x  # (M, N) · (N, D)
    dbias = dout.sum(dim=0)
    return dx, dweight, dbias
    # END SOLUTION


def relu_backward(dout: Tensor, x: Tensor) -> Tensor:
    """The gradient of y = max(x, 0).

    Args:
        dout: ∂L/∂y, of any shape, float32 or float64.
        x: the input of the ReLU, of the same shape.

    Returns:
        ∂L/∂x, in the shape and dtype of `dout`. Where x is exactly 0 there is no derivative, and
        any ReLU′(0) from 0 to 1 is right; PyTorch's is 0.
    """
    # BEGIN SOLUTION
    return dout * (x > 0)
    # END SOLUTION


def sigmoid_backward(dout: Tensor, z: Tensor) -> Tensor:
    """The gradient of y = σ(z) = 1/(1 + e⁻ᶻ).

    Args:
        dout: ∂L/∂y, of any shape, float32 or float64.
        z: the *input* of the sigmoid, of the same shape, |z| up to 1e4.

    Returns:
        ∂L/∂z, in the shape and dtype of `dout`; finite for all z.
    """
    # BEGIN SOLUTION
    y = torch.sigmoid(z)
    return dout * y * (1 - y)
    # END SOLUTION


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
    # BEGIN SOLUTION
    n, classes = logits.shape
    if targets.min() < 0 or targets.max() >= classes:
        raise ValueError(f"targets must be in 0..{classes - 1}, not {targets.tolist()}")
    softmax = torch.softmax(logits, dim=1)
    onehot = F.one_hot(targets, classes)  # (N, K), 1 at the target
    return (softmax - onehot) / n
    # END SOLUTION


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
    # BEGIN SOLUTION
    s, t = (stride, stride) if isinstance(stride, int) else stride
    p, q = (padding, padding) if isinstance(padding, int) else padding
    if min(s, t) < 1 or min(p, q) < 0:
        raise ValueError(f"no convolution has {stride=} and {padding=}")
    height, width = x.shape[2:]
    out_height, out_width = dout.shape[2:]
    kh, kw = weight.shape[2:]

    x_padded = F.pad(x, (q, q, p, p))
    dx_padded = torch.zeros_like(x_padded)
    dweight = weight.new_zeros(weight.shape)
    for i, j in itertools.product(range(kh), range(kw)):
        # the pixels that weight[:, :, i, j] was multiplied with, one for each output (H', W')
        rows = slice(i, i + s * out_height, s)
        columns = slice(j, j + t * out_width, t)
        seen = x_padded[:, :, rows, columns]
        dweight[:, :, i, j] = torch.einsum("nohw,nchw->oc", dout, seen)
        dx_padded[:, :, rows, columns] += torch.einsum("nohw,oc->nchw", dout, weight[:, :, i, j])

    dx = dx_padded[:, :, p : p + height, q : q + width]
    dbias = dout.sum(dim=(0, 2, 3))
    return dx, dweight, dbias
    # END SOLUTION


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
    # BEGIN SOLUTION
    stride = kernel if stride is None else stride
    kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
    s, t = (stride, stride) if isinstance(stride, int) else stride
    if min(kh, kw, s, t) < 1:
        raise ValueError(f"no pooling has {kernel=} and {stride=}")

    dx = x.new_zeros(x.shape)
    for h, w in itertools.product(range(dout.shape[2]), range(dout.shape[3])):
        rows = slice(h * s, h * s + kh)
        columns = slice(w * t, w * t + kw)
        window = x[:, :, rows, columns]  # (N, C, kh, kw)
        winner = window.flatten(start_dim=2).argmax(dim=2)  # (N, C)
        mask = F.one_hot(winner, kh * kw).view(window.shape)  # 1 at the maximum
        dx[:, :, rows, columns] += mask * dout[:, :, h, w, None, None]
    return dx
    # END SOLUTION


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
    # BEGIN SOLUTION
    w1, b1, w2, b2 = params["W1"], params["b1"], params["W2"], params["b2"]
    n, classes = len(x), len(b2)
    if targets.min() < 0 or targets.max() >= classes:
        raise ValueError(f"each target must be in 0..{classes - 1}, not {targets.tolist()}")

    z = x @ w1.T + b1  # (N, H)
    h = z.clamp(min=0)
    logits = h @ w2.T + b2  # (N, K)
    log_p = torch.log_softmax(logits, dim=1)
    y = F.one_hot(targets, classes)
    loss = -(y * log_p).sum() / n

    dlogits = (log_p.exp() - y) / n  # (N, K)
    dh = dlogits @ w2
    dz = dh * (z > 0)
    grads = {
        "W1": dz.T @ x,
        "b1": dz.sum(dim=0),
        "W2": dlogits.T @ h,
        "b2": dlogits.sum(dim=0),
    }
    return loss, grads
    # END SOLUTION

"""Stage 9, `regularization`: keep a network from learning its training set by heart.

Penalties on large weights, weight decay, and dropout. PyTorch's own dropout is not allowed, by any
route; everything else of it is.
"""

from collections.abc import Iterable

import torch
from torch import Tensor


def l1_penalty(params: Iterable[Tensor], lam: float) -> Tensor:
    """What the L1 penalty adds to a loss: λ Σ |p|, over all elements of all parameters.

    Autograd flows through it: after `(loss + l1_penalty(params, lam)).backward()` the gradient of
    each element has λ·sign(p) added to it. (At p = 0 anything from −λ to λ is right.)

    Source: Tibshirani, "Regression shrinkage and selection via the lasso", 1996.

    Args:
        params: at least one tensor, floating-point and all of one dtype, of any shapes with at
            least one element. Any iterable of them: a list, `model.parameters()`, or a generator,
            which can be gone through only once.
        lam: the strength λ, at least 0.

    Returns:
        A scalar (0-dimensional) of the parameters' dtype, which are left as they were.
    """
    raise NotImplementedError("l1_penalty")


def l2_penalty(params: Iterable[Tensor], lam: float) -> Tensor:
    """What the L2 penalty adds to a loss: λ Σ p², over all elements of all parameters.

    There is no ½ in it and no root. Autograd flows through it: after
    `(loss + l2_penalty(params, lam)).backward()` the gradient of each element has 2λ·p added to it.

    Source: Hoerl and Kennard, "Ridge regression", 1970.

    Args:
        params: at least one tensor, floating-point and all of one dtype, of any shapes with at
            least one element. Any iterable of them: a list, `model.parameters()`, or a generator,
            which can be gone through only once.
        lam: the strength λ, at least 0.

    Returns:
        A scalar (0-dimensional) of the parameters' dtype, which are left as they were.
    """
    raise NotImplementedError("l2_penalty")


def weight_decay_step(w: Tensor, grad: Tensor, lr: float, wd: float) -> Tensor:
    """One step of gradient descent with decoupled weight decay.

    The weights shrink by a factor, and go down the gradient of the loss:

        w_new = w·(1 − lr·wd) − lr·grad

    Both parts start from the same old w, and the factor is taken as it is, whatever its sign.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, with PyTorch's
    scaling of the decay by lr (`torch.optim.AdamW`).

    Args:
        w: the weights, floating-point, of any shape.
        grad: the gradient of the loss alone, of w's shape and dtype.
        lr: the learning rate, at least 0.
        wd: the weight decay, at least 0.

    Returns:
        The new weights, a new tensor of w's shape and dtype; w and grad are left as they were.
    """
    raise NotImplementedError("weight_decay_step")


def dropout(
    x: Tensor, p: float, training: bool, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Inverted dropout: in training drop elements by chance, and scale up the others.

    Each element is dropped with probability p, independently of all others and of what x is:

        y = x · mask / (1 − p)

    so that y is x on average. In evaluation nothing is dropped and nothing scaled. With p = 0
    nothing is ever dropped; with p = 1 training drops all, and y is 0.

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting",
    2014, with the scaling in training (their section 10) instead of at test time. Their p is the
    probability to *keep*.

    Args:
        x: floating-point, of any shape, finite.
        p: the probability to drop, in [0, 1].
        training: whether this is training (True) or evaluation (False).
        generator: the only source of randomness, drawn from: calling again with the same generator
            object gives another mask, a generator of the same seed gives the same. None means
            PyTorch's default generator, or one of your own that goes on from call to call.

    Returns:
        `(y, mask)`, both of x's shape. y has x's dtype; x is left as it was. The mask is bool, or
        floating-point of any dtype: True or 1 where an element was kept, False or 0 where it was
        dropped. It isn't scaled. In evaluation all of it is True or 1.

    Raises:
        ValueError: p is not in [0, 1], in training or in evaluation.
    """
    raise NotImplementedError("dropout")


def dropout_backward(dout: Tensor, mask: Tensor, p: float) -> Tensor:
    """The gradient for dropout's input, in training.

    y = x · mask / (1 − p) is linear in x, and each element of y has its own element of x:

        dx = dout · mask / (1 − p)

    Args:
        dout: the gradient for y, floating-point, of any shape, finite.
        mask: as `dropout` returned it, of dout's shape: bool, or of dout's dtype.
        p: the probability with which elements were dropped, in [0, 1]. With p = 1 the mask is all
            False or 0, and so is the gradient.

    Returns:
        The gradient for x, of dout's shape and dtype; dout and mask are left as they were.

    Raises:
        ValueError: p is not in [0, 1].
    """
    raise NotImplementedError("dropout_backward")

"""Stage 7, `optimizers`: how gradients become steps.

Six rules to update parameters p from their gradients g, each a class that is used like this:

    optimizer = SGD(model.parameters(), lr=0.1)
    for x, targets in batches:
        optimizer.zero_grad()
        loss(model(x), targets).backward()
        optimizer.step()

What holds for all six:

- `params` is any iterable of floating-point leaf tensors that require gradients, of any shapes.
  (`model.parameters()` is a generator: it can be gone through once.)
- `lr` is an attribute that can be read and written; the next step uses what it is then.
- `step()` makes one update, of each parameter by its own `.grad`. The parameter stays the same
  tensor object and gets new values. Gradients are not changed. A parameter whose `.grad` is None is
  skipped: it stays as it is, and so does what is remembered of it.
- `zero_grad()` sets each `.grad` to None, or to zeros. What is remembered of past steps stays.
- What is remembered belongs to one optimizer and one parameter, starts at zero, and is computed in
  the parameter's dtype (or in a wider one) on its device.
- t counts steps from 1. Where a parameter misses a gradient in some steps, t may count the steps of
  the parameter or those of the optimizer.

Not built on `torch.optim`, nor on its functional forms. All operations are elementwise.
"""

from collections.abc import Iterable

import torch
from torch import Tensor


class SGD:
    """Stochastic gradient descent, with momentum (heavy ball) if asked for.

    With the momentum μ, the weight decay λ and a velocity v that is 0 at first:

        g ← g + λ·p
        v ← μ·v + g
        p ← p − lr·v                 or, with `nesterov`,  p ← p − lr·(g + μ·v)

    Source: PyTorch's `torch.optim.SGD`; Sutskever et al., "On the importance of initialization
    and momentum in deep learning", 2013, which has lr inside of v.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        """Remember the parameters; none is changed before the first step.

        Args:
            params: the parameters, see the top of this module.
            lr: the learning rate.
            momentum: μ, from 0 to 1: how much of the velocity is kept at each step.
            nesterov: look ahead; with a momentum of 0 this is not judged.
            weight_decay: λ, at least 0.

        Raises:
            ValueError: `momentum` is outside [0, 1].
        """
        raise NotImplementedError("SGD.__init__")

    def zero_grad(self) -> None:
        """Forget the gradients: None or zeros."""
        raise NotImplementedError("SGD.zero_grad")

    def step(self) -> None:
        """Update the parameters in place."""
        raise NotImplementedError("SGD.step")


class EMAMomentum:
    """Gradient descent along an exponential moving average of the gradients (course note S0).

    With m, which is 0 at first and is not corrected for that:

        m ← β·m + (1 − β)·g
        p ← p − lr·m

    This is the heavy ball of `SGD` with a learning rate that is 1 − β times as large.
    """

    def __init__(self, params: Iterable[Tensor], lr: float, beta: float = 0.9) -> None:
        """Remember the parameters; none is changed before the first step.

        Args:
            params: the parameters, see the top of this module.
            lr: the learning rate α.
            beta: β, from 0 to 1: how much of the average is kept at each step.

        Raises:
            ValueError: `beta` is outside [0, 1].
        """
        raise NotImplementedError("EMAMomentum.__init__")

    def zero_grad(self) -> None:
        """Forget the gradients: None or zeros."""
        raise NotImplementedError("EMAMomentum.zero_grad")

    def step(self) -> None:
        """Update the parameters in place."""
        raise NotImplementedError("EMAMomentum.step")


class Adagrad:
    """A learning rate for each element, which shrinks with all the gradients it has seen.

    With s, which is 0 at first:

        s ← s + g²
        p ← p − lr·g / (√s + ε)

    Source: PyTorch's `torch.optim.Adagrad`; Duchi, Hazan and Singer, "Adaptive subgradient methods
    for online learning and stochastic optimization", 2011.
    """

    def __init__(self, params: Iterable[Tensor], lr: float = 1e-2, eps: float = 1e-10) -> None:
        """Remember the parameters; none is changed before the first step.

        Args:
            params: the parameters, see the top of this module.
            lr: the learning rate.
            eps: ε, at least 0; it stands outside of the root.
        """
        raise NotImplementedError("Adagrad.__init__")

    def zero_grad(self) -> None:
        """Forget the gradients: None or zeros."""
        raise NotImplementedError("Adagrad.zero_grad")

    def step(self) -> None:
        """Update the parameters in place."""
        raise NotImplementedError("Adagrad.step")


class RMSprop:
    """A learning rate for each element, divided by the size that its gradients have of late.

    With r, which is 0 at first and is not corrected for that:

        r ← α·r + (1 − α)·g²
        p ← p − lr·g / (√r + ε)

    Source: PyTorch's `torch.optim.RMSprop`; Tieleman and Hinton, "Lecture 6.5: rmsprop", 2012.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
    ) -> None:
        """Remember the parameters; none is changed before the first step.

        Args:
            params: the parameters, see the top of this module.
            lr: the learning rate.
            alpha: α, from 0 to 1: how much of the mean square is kept at each step.
            eps: ε, at least 0; it stands outside of the root.

        Raises:
            ValueError: `alpha` is outside [0, 1].
        """
        raise NotImplementedError("RMSprop.__init__")

    def zero_grad(self) -> None:
        """Forget the gradients: None or zeros."""
        raise NotImplementedError("RMSprop.zero_grad")

    def step(self) -> None:
        """Update the parameters in place."""
        raise NotImplementedError("RMSprop.step")


class Adam:
    """Momentum and a learning rate for each element, both corrected for their start at zero.

    With the weight decay λ, and m and v that are 0 at first; t is 1 in the first step:

        g ← g + λ·p
        m ← β₁·m + (1 − β₁)·g             m̂ = m / (1 − β₁ᵗ)
        v ← β₂·v + (1 − β₂)·g²            v̂ = v / (1 − β₂ᵗ)
        p ← p − lr·m̂ / (√v̂ + ε)

    Source: PyTorch's `torch.optim.Adam`; Kingma and Ba, "Adam: a method for stochastic
    optimization", 2015, algorithm 1. (The weight decay is the L2 penalty's; AdamW has another.)
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        """Remember the parameters; none is changed before the first step.

        Args:
            params: the parameters, see the top of this module.
            lr: the learning rate.
            betas: (β₁, β₂), each from 0 to 1: how much of m and of v is kept at each step. Exactly
                1 is not judged.
            eps: ε, at least 0; it stands outside of the root.
            weight_decay: λ, at least 0.

        Raises:
            ValueError: one of `betas` is outside [0, 1].
        """
        raise NotImplementedError("Adam.__init__")

    def zero_grad(self) -> None:
        """Forget the gradients: None or zeros."""
        raise NotImplementedError("Adam.zero_grad")

    def step(self) -> None:
        """Update the parameters in place."""
        raise NotImplementedError("Adam.step")


class Adamax:
    """Adam with the largest gradient of late in place of the root of a mean of squares.

    With m and u that are 0 at first; t is 1 in the first step:

        m ← β₁·m + (1 − β₁)·g             m̂ = m / (1 − β₁ᵗ)
        u ← max(β₂·u, |g| + ε)            element by element; needs no correction
        p ← p − lr·m̂ / u

    Source: PyTorch's `torch.optim.Adamax`; Kingma and Ba, "Adam: a method for stochastic
    optimization", 2015, algorithm 2, which has no ε.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        """Remember the parameters; none is changed before the first step.

        Args:
            params: the parameters, see the top of this module.
            lr: the learning rate.
            betas: (β₁, β₂), each from 0 to 1: how much of m and of u is kept at each step. Exactly
                1 is not judged.
            eps: ε, above 0; it is added to |g| before the maximum is taken.

        Raises:
            ValueError: one of `betas` is outside [0, 1].
        """
        raise NotImplementedError("Adamax.__init__")

    def zero_grad(self) -> None:
        """Forget the gradients: None or zeros."""
        raise NotImplementedError("Adamax.zero_grad")

    def step(self) -> None:
        """Update the parameters in place."""
        raise NotImplementedError("Adamax.step")

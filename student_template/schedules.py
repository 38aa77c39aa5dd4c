"""Stage 8, `schedules`: how the learning rate moves with the steps, and when training stops.

A step is counted from 0: step 0 is the first. What it counts, batches or epochs, is up to whoever
calls; a schedule is a function of the number alone.
"""

import math


def exponential_decay(lr0: float, k: float, step: int) -> float:
    """The learning rate that shrinks by the same factor with every step: η₀·e^(−k·step).

    Source: course note S2.

    Args:
        lr0: the learning rate η₀ of step 0, above 0.
        k: how fast it decays, at least 0; each step multiplies the rate by e^(−k).
        step: the number of the step, at least 0.

    Returns:
        The learning rate as a float, or a 0-dimensional float32 or float64 tensor.
    """
    raise NotImplementedError("exponential_decay")


def inverse_time_decay(lr0: float, k: float, step: int) -> float:
    """The learning rate that falls like one over time: η₀ / (1 + k·step).

    Source: course note S2.

    Args:
        lr0: the learning rate η₀ of step 0, above 0.
        k: how fast it decays, at least 0; at step 1/k the rate is half of η₀.
        step: the number of the step, at least 0.

    Returns:
        The learning rate as a float, or a 0-dimensional float32 or float64 tensor.
    """
    raise NotImplementedError("inverse_time_decay")


def triangular(lr_min: float, lr_max: float, half_cycle: int, step: int) -> float:
    """The learning rate that rises and falls on straight lines, over and over.

    From lr_min at step 0 it takes `half_cycle` equal steps up to lr_max, and as many down again;
    that is one cycle, and the next is like it.

    Source: L. N. Smith, Cyclical Learning Rates for Training Neural Networks (2017), the policy
    "triangular"; PyTorch's `CyclicLR`.

    Args:
        lr_min: the lowest learning rate, at least 0.
        lr_max: the highest, at least lr_min.
        half_cycle: the number of steps from lr_min to lr_max, at least 1.
        step: the number of the step, at least 0.

    Returns:
        The learning rate as a float, or a 0-dimensional float32 or float64 tensor.

    Raises:
        ValueError: `half_cycle` is below 1.
    """
    raise NotImplementedError("triangular")


def cosine_restarts(lr_min: float, lr_max: float, period: int, step: int, mult: int = 1) -> float:
    """The learning rate that falls along half a cosine wave and then starts again at lr_max.

    In a period of T steps, t of which have gone by (t = 0, …, T−1):

        η = lr_min + ½·(lr_max − lr_min)·(1 + cos(π·t/T))

    The first step of a period is at lr_max. None is at lr_min: where the wave would reach it, at
    t = T, the next period begins, which is `mult` times as long.

    Source: I. Loshchilov, F. Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts (2017),
    eq. 5.

    Args:
        lr_min: where the wave would end, at least 0.
        lr_max: where each period begins, at least lr_min.
        period: the number of steps in the first period, at least 1.
        step: the number of the step, at least 0.
        mult: how many times longer each next period is, a whole number, at least 1.

    Returns:
        The learning rate as a float, or a 0-dimensional float32 or float64 tensor. It is right at
        every step, those at a restart among them.

    Raises:
        ValueError: `period` or `mult` is below 1.
    """
    raise NotImplementedError("cosine_restarts")


class EarlyStopping:
    """Tells when the validation loss has stopped improving.

    After each epoch, `update(loss)` is told the loss. An improvement is a loss below
    `best − min_delta`; the first loss always is one.

    Attributes:
        best: the loss of the last improvement. A loss that is lower than `best`, but not by more
            than `min_delta`, does not move it.
        best_epoch: the number of the update that brought it, counted from 0.

    Before the first update both are whatever you like.
    """

    def __init__(self, patience: int, min_delta: float = 0.0) -> None:
        """Begin with no loss seen.

        Args:
            patience: how many updates in a row without an improvement it takes to stop, at
                least 1.
            min_delta: a loss has to be below `best` by more than this to be an improvement; at
                least 0.

        Raises:
            ValueError: `patience` is below 1.
        """
        raise NotImplementedError("EarlyStopping.__init__")

    def update(self, loss: float) -> bool:
        """Take the loss of the next epoch.

        Args:
            loss: a finite number; of either sign.

        Returns:
            True if training should stop now: this update is the `patience`-th in a row without
            an improvement. Otherwise False. After a True it is not called any more.
        """
        raise NotImplementedError("EarlyStopping.update")

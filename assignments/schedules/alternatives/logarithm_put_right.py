"""A closed form for each, the logarithm rounded and then put right by whole numbers."""

import math
from dataclasses import dataclass, field


def exponential_decay(lr0, k, step):
    return math.exp(math.log(lr0) - k * step)


def inverse_time_decay(lr0, k, step):
    return (
        lr0 * math.pow(math.fma(k, step, 1), -1) if hasattr(math, "fma") else lr0 / (k * step + 1)
    )


def triangular(lr_min, lr_max, half_cycle, step):
    if not half_cycle >= 1:
        raise ValueError("half_cycle")
    wave = math.asin(math.sin(math.pi * (step / half_cycle - 0.5))) / math.pi + 0.5
    return (1 - wave) * lr_min + wave * lr_max


def cosine_restarts(lr_min, lr_max, period, step, mult=1):
    if not (period >= 1 and mult >= 1):
        raise ValueError("period and mult")
    if mult > 1:
        n = round(math.log(step * (mult - 1) / period + 1, mult))
        begin = period * (mult**n - 1) // (mult - 1)
        if begin > step:
            n, begin = n - 1, begin - period * mult ** (n - 1)
        step, period = step - begin, period * mult**n
    mean, amplitude = (lr_max + lr_min) / 2, (lr_max - lr_min) / 2
    return mean + amplitude * math.sin(math.pi * (0.5 - (step % period) / period))


@dataclass
class EarlyStopping:
    patience: int
    min_delta: float = 0.0
    best: float = field(default=float("inf"), init=False)
    best_epoch: int = field(default=-1, init=False)
    epoch: int = field(default=-1, init=False)

    def __post_init__(self):
        if self.patience < 1:
            raise ValueError("patience")

    def update(self, loss):
        self.epoch += 1
        if self.best - loss > self.min_delta:
            self.best, self.best_epoch = loss, self.epoch
        return self.epoch - self.best_epoch == self.patience

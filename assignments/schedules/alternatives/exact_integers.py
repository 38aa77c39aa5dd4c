"""Sums of whole numbers for the restarts, and all losses kept in a list."""

from math import cos, exp, pi


def exponential_decay(lr0, k, step):
    return lr0 * (1 / exp(k)) ** step


def inverse_time_decay(lr0, k, step):
    return 1 / (1 / lr0 + k / lr0 * step)


def triangular(lr_min, lr_max, half_cycle, step):
    if half_cycle <= 0:
        raise ValueError("half_cycle")
    half, into = divmod(step, half_cycle)
    low, high = (lr_min, lr_max) if half % 2 == 0 else (lr_max, lr_min)
    return (low * (half_cycle - into) + high * into) / half_cycle


def cosine_restarts(lr_min, lr_max, period, step, mult=1):
    if min(period, mult) < 1:
        raise ValueError("period, mult")
    if mult == 1:
        t, length = step % period, period
    else:
        n = 0
        while period * (mult ** (n + 1) - 1) // (mult - 1) <= step:
            n += 1
        t, length = step - period * (mult**n - 1) // (mult - 1), period * mult**n
    share = 0.5 + 0.5 * cos(pi * t / length)
    return share * lr_max + (1 - share) * lr_min


class EarlyStopping:
    def __init__(self, patience, min_delta=0.0):
        if patience <= 0:
            raise ValueError("patience")
        self.patience, self.min_delta, self.losses = patience, min_delta, []

    @property
    def best_epoch(self):
        best = 0
        for epoch, loss in enumerate(self.losses):
            if self.losses[best] - loss > self.min_delta:
                best = epoch
        return best

    @property
    def best(self):
        return self.losses[self.best_epoch]

    def update(self, loss):
        self.losses.append(loss)
        return len(self.losses) - 1 - self.best_epoch >= self.patience

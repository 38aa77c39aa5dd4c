"""The whole schedule up to the step as a NumPy table, of which the last row is asked for."""

import numpy as np


def exponential_decay(lr0, k, step):
    factors = np.full(step + 1, np.exp(-k))
    factors[0] = lr0
    return factors.cumprod()[-1]


def inverse_time_decay(lr0, k, step):
    return np.reciprocal(np.linspace(1, 1 + k * step, step + 1))[-1] * lr0


def triangular(lr_min, lr_max, half_cycle, step):
    if half_cycle < 1:
        raise ValueError("half_cycle")
    up = np.linspace(lr_min, lr_max, half_cycle + 1)
    cycle = np.concatenate([up, up[-2:0:-1]])
    return np.tile(cycle, step // len(cycle) + 1)[step]


def cosine_restarts(lr_min, lr_max, period, step, mult=1):
    if period < 1 or mult < 1:
        raise ValueError("period and mult")
    rates = np.empty(0, dtype=np.float32)
    while len(rates) <= step:
        wave = np.cos(np.arange(period) * np.pi / period)
        rates = np.append(rates, lr_min + (lr_max - lr_min) / 2 * (1 + wave))
        period *= mult
    return rates[step]


class EarlyStopping:
    best = np.inf
    best_epoch = None
    bad = 0
    seen = 0

    def __init__(self, patience, min_delta=0.0):
        if not patience > 0:
            raise ValueError("patience")
        self.patience = patience
        self.min_delta = np.float64(min_delta)

    def update(self, loss):
        improved = np.float64(loss) < self.best - self.min_delta
        self.bad = np.where(improved, 0, self.bad + 1)
        if improved:
            self.best = np.float64(loss)
            self.best_epoch = np.int64(self.seen)
        self.seen += 1
        return np.bool_(self.bad >= self.patience)

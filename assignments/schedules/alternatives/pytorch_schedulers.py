"""PyTorch's own schedulers, stepped one by one; early stopping by a generator."""

import math
import warnings

import torch
from torch.optim import lr_scheduler


def _run(lr, step, make):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=lr)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schedule = make(optimizer)
        for _ in range(step):
            schedule.step()
    return schedule.get_last_lr()[0]


def exponential_decay(lr0, k, step):
    return _run(lr0, step, lambda o: lr_scheduler.ExponentialLR(o, math.exp(-k)))


def inverse_time_decay(lr0, k, step):
    return _run(lr0, step, lambda o: lr_scheduler.LambdaLR(o, lambda s: (1 + k * s) ** -1))


def triangular(lr_min, lr_max, half_cycle, step):
    if half_cycle < 1:
        raise ValueError("half_cycle")
    return _run(
        lr_min,
        step,
        lambda o: lr_scheduler.CyclicLR(o, lr_min, lr_max, half_cycle, cycle_momentum=False),
    )


def cosine_restarts(lr_min, lr_max, period, step, mult=1):
    return _run(
        lr_max,
        step,
        lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, period, mult, lr_min),
    )


def _watch(patience, min_delta, state):
    best, epoch, quiet = None, 0, 0
    answer = None
    while True:
        loss = yield answer
        if best is None or best - loss > min_delta:
            best, quiet = loss, 0
            state.update(best=loss, best_epoch=epoch)
        else:
            quiet = quiet + 1
        epoch = epoch + 1
        answer = quiet == patience


class EarlyStopping:
    def __init__(self, patience, min_delta=0.0):
        if patience < 1:
            raise ValueError("patience")
        self.__watcher = _watch(patience, min_delta, self.__dict__)
        next(self.__watcher)

    def update(self, loss):
        return self.__watcher.send(loss)

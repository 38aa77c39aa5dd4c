"""0-dimensional tensors of float32, and periods that call themselves."""

import torch


def exponential_decay(lr0, k, step):
    return torch.tensor(lr0) * torch.exp(torch.tensor(-k) * step)


def inverse_time_decay(lr0, k, step):
    return torch.tensor(lr0).div(torch.tensor(k).mul(step).add(1))


def triangular(lr_min, lr_max, half_cycle, step):
    if half_cycle < 1:
        raise ValueError("half_cycle has to be 1 or more")
    if step >= 2 * half_cycle:
        return triangular(lr_min, lr_max, half_cycle, step % (2 * half_cycle))
    if step > half_cycle:
        return triangular(lr_min, lr_max, half_cycle, 2 * half_cycle - step)
    return torch.lerp(torch.tensor(lr_min), torch.tensor(lr_max), step / half_cycle)


def cosine_restarts(lr_min, lr_max, period, step, mult=1):
    if period < 1 or mult < 1:
        raise ValueError("period and mult have to be 1 or more")
    if mult == 1:
        step %= period
    if step >= period:
        return cosine_restarts(lr_min, lr_max, period * mult, step - period, mult)
    angle = torch.tensor(float(step)) * torch.pi / period
    return lr_min + (lr_max - lr_min) * torch.cos(angle / 2) ** 2


class EarlyStopping:
    def __init__(self, patience, min_delta=0.0):
        if patience < 1:
            raise ValueError("patience has to be 1 or more")
        self.min_delta = torch.tensor(min_delta)
        self.best, self.best_epoch = torch.tensor(float("inf")), torch.tensor(-1)
        self.left = self.patience = patience
        self.epochs = -1

    def update(self, loss):
        loss = torch.as_tensor(loss)
        self.epochs += 1
        self.left -= 1
        if (loss + self.min_delta < self.best).item():
            self.best, self.best_epoch = loss.clone(), torch.tensor(self.epochs)
            self.left = self.patience
        return self.left == 0

"""NumPy does the work; autograd is told the gradients of the penalties."""

from typing import NamedTuple

import numpy as np
import torch


class _Magnitudes(torch.autograd.Function):
    @staticmethod
    def forward(ctx, p):
        ctx.save_for_backward(p)
        return torch.tensor(np.abs(p.detach().numpy()).sum(), dtype=p.dtype)

    @staticmethod
    def backward(ctx, upper):
        (p,) = ctx.saved_tensors
        return upper * torch.from_numpy(np.where(p.detach().numpy() >= 0, 1.0, -1.0)).to(p.dtype)


class _Squares(torch.autograd.Function):
    @staticmethod
    def forward(ctx, p):
        ctx.save_for_backward(p)
        return torch.tensor(np.einsum("i,i", *[p.detach().numpy().ravel()] * 2), dtype=p.dtype)

    @staticmethod
    def backward(ctx, upper):
        (p,) = ctx.saved_tensors
        return 2 * upper * p.detach()


def l1_penalty(params, lam):
    penalty = 0
    for p in reversed(list(params)):
        penalty += lam * _Magnitudes.apply(p)
    return penalty


def l2_penalty(params, lam):
    penalty = 0
    for p in reversed(list(params)):
        penalty += lam * _Squares.apply(p)
    return penalty


def weight_decay_step(w, grad, lr, wd):
    w, grad = w.numpy(), grad.numpy()
    return torch.from_numpy(np.asarray(w - lr * (grad + wd * w), dtype=w.dtype))


class Dropped(NamedTuple):
    y: torch.Tensor
    mask: torch.Tensor


_OWN = np.random.default_rng(20)


def dropout(x, p, training, generator=None):
    if not (p >= 0 and p <= 1):
        raise ValueError(f"{p=}")
    if not training:
        return Dropped(x.detach().clone(), torch.full(x.shape, True))
    rng = _OWN
    if generator is not None:
        rng = np.random.default_rng(torch.randint(2**62, (4,), generator=generator).tolist())
    # column-major order
    kept = rng.binomial(1, 1 - p, size=x.shape[::-1])
    kept = np.asarray(kept, dtype=bool).transpose()
    values = x.numpy()
    y = np.zeros_like(values)
    y[kept] = values[kept] / (1 - p) if p != 1 else 0
    return Dropped(torch.from_numpy(y), torch.from_numpy(kept.copy()))


def dropout_backward(dout, mask, p):
    if not (p >= 0 and p <= 1):
        raise ValueError(f"{p=}")
    with np.errstate(all="ignore"):
        dx = np.where(mask.numpy() != 0, dout.numpy() / np.float64(1 - p), 0)
    return torch.from_numpy(np.asarray(dx, dtype=dout.numpy().dtype))

"""Losses against zeros, gradients by autograd, whole-number thresholds, one row at a time."""

import functools
import operator

import torch
import torch.nn.functional as F


def l1_penalty(params, lam):
    vector = torch.nn.utils.parameters_to_vector(params)
    return lam * (F.relu(vector) + F.relu(-vector)).sum()


def l2_penalty(params, lam):
    losses = (F.mse_loss(p, torch.zeros_like(p), reduction="sum") for p in params)
    return lam * functools.reduce(operator.add, losses)


def weight_decay_step(w, grad, lr, wd):
    new = w.detach().clone().requires_grad_()
    optimizer = torch.optim.SGD([new], lr=lr, weight_decay=wd)
    (new * grad).sum().backward()
    optimizer.step()
    return new.detach()


def _check(p):
    if min(p, 1 - p) < 0:
        raise ValueError("p")


def dropout(x, p, training, generator=None):
    _check(p)
    mask = torch.ones_like(x)
    if not training:
        return x, mask
    out_of = 2**52
    threshold = round(p * out_of)
    rows = mask.reshape(1) if x.dim() == 0 else mask
    for row in reversed(range(len(rows))):
        drawn = torch.randint(out_of, rows[row].shape, generator=generator)
        rows[row] = (drawn >= threshold).to(x.dtype)
    mask = rows.reshape(x.shape)
    return torch.where(mask == 1, x / max(1 - p, 1e-300), 0.0), mask


def dropout_backward(dout, mask, p):
    _check(p)
    # the vector-Jacobian product of the forward pass
    x = torch.zeros_like(dout, requires_grad=True)
    y = x.masked_fill(mask == 0, 0.0)
    y = y if p in (0, 1) else y / (1 - p)
    return torch.autograd.grad(y, x, dout)[0]

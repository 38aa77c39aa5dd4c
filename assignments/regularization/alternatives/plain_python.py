"""Loops over elements; the module random, seeded from the generator, tells the gaps."""

import math
import random

import torch

_PRIVATE = random.Random()


def l1_penalty(params, lam):
    total = None
    for p in params:
        for element in p.reshape(-1):
            magnitude = element if element > 0 else -element  # at 0 the slope is −1
            total = magnitude if total is None else total + magnitude
    return total * lam


def l2_penalty(params, lam):
    total = None
    for p in params:
        for element in p.reshape(-1):
            square = element * element
            total = square if total is None else total + square
    return total * lam


def weight_decay_step(w, grad, lr, wd):
    old, slopes = w.reshape(-1).tolist(), grad.reshape(-1).tolist()
    new = [a - lr * wd * a - lr * g for a, g in zip(old, slopes, strict=True)]
    return torch.tensor(new, dtype=w.dtype).reshape(w.shape)


def _gap(rng, p):
    """How many elements are kept before the next one is dropped: geometric."""
    return int(math.log(1 - rng.random()) / math.log(1 - p))


def dropout(x, p, training, generator=None):
    if p < 0 or p > 1:
        raise ValueError("no probability")
    kept = [True] * x.numel()
    if training and p == 1:
        kept = [False] * x.numel()
    elif training and p > 0:
        rng = _PRIVATE
        if generator is not None:
            rng = random.Random(int(torch.randint(2**62, (), generator=generator)))
        i = _gap(rng, p)
        while i < len(kept):
            kept[i] = False
            i += 1 + _gap(rng, p)
    scale = 1 / (1 - p) if training and p < 1 else 1.0
    y = [v * scale if k else 0.0 for v, k in zip(x.reshape(-1).tolist(), kept, strict=True)]
    return torch.tensor(y, dtype=x.dtype).reshape(x.shape), torch.tensor(kept).reshape(x.shape)


def dropout_backward(dout, mask, p):
    if p < 0 or p > 1:
        raise ValueError("no probability")
    slopes, kept = dout.reshape(-1).tolist(), mask.reshape(-1).tolist()
    dx = [g / (1 - p) if k else 0.0 for g, k in zip(slopes, kept, strict=True)]
    return torch.tensor(dx, dtype=dout.dtype).reshape(dout.shape)

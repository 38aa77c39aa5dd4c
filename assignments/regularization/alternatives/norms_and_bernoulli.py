"""PyTorch's norms and samplers; masks in floating point; scale factors in place of divisions."""

import torch


def l1_penalty(params, lam):
    return lam * torch.stack([torch.linalg.vector_norm(p, ord=1) for p in params]).sum()


def l2_penalty(params, lam):
    squares = [torch.linalg.vector_norm(p).square() for p in params]
    return torch.stack(squares).sum().mul(lam)


def weight_decay_step(w, grad, lr, wd):
    new = w.clone()
    new.mul_(1 - lr * wd)
    new.add_(grad, alpha=-lr)
    return new


def _scale(p):
    if not 0.0 <= p <= 1.0:
        raise ValueError(p)
    return 0.0 if p == 1 else 1 / (1 - p)


def dropout(x, p, training, generator=None):
    scale = _scale(p)
    if not training:
        return [x.clone(), torch.ones(x.shape)]
    mask = torch.empty_like(x).bernoulli_(1 - p, generator=generator)
    return [x * (mask * scale), mask]


def dropout_backward(dout, mask, p):
    return dout * (mask.to(dout.dtype) * _scale(p))

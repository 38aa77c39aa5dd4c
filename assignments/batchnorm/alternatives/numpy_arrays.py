"""NumPy arrays, and a gradient of its own: the layers know a forward and a backward by hand."""

import numpy as np
import torch
from torch import nn


def _numbers(*tensors):
    return [tensor.detach().numpy() for tensor in tensors]


def batchnorm_train(x, gamma, beta, eps=1e-5):
    x, gamma, beta = _numbers(x, gamma, beta)
    y = gamma * ((x - np.mean(x, 0)) / np.sqrt(np.var(x, 0) + eps)) + beta
    return [torch.from_numpy(part) for part in (y.astype(x.dtype), np.mean(x, 0), np.var(x, 0))]


def update_running(running, batch, momentum=0.1):
    if momentum < 0 or momentum > 1:
        raise ValueError("momentum")
    running, batch = _numbers(running, batch)
    return (running + momentum * (batch - running)).astype(running.dtype)


def batchnorm_eval(x, mean, var, gamma, beta, eps=1e-5):
    x, mean, var, gamma, beta = _numbers(x, mean, var, gamma, beta)
    factor = gamma / np.sqrt(var + eps)
    return torch.tensor((factor * x + (beta - factor * mean)).astype(x.dtype))


def batchnorm_backward(dout, x, gamma, eps=1e-5):
    dout, x, gamma = _numbers(dout, x, gamma)
    return tuple(map(torch.from_numpy, _backward(dout, x, gamma, eps)))


def _backward(dout, x, gamma, eps):
    # each intermediate of the forward pass, and back through every one of them
    n = len(x)
    centred = x - x.mean(0)
    var = (centred * centred).sum(0) / n
    inverse = 1 / np.sqrt(var + eps)
    dx_hat = dout * gamma
    dinverse = (dx_hat * centred).sum(0)
    dvar = dinverse * -0.5 * inverse**3
    dcentred = dx_hat * inverse + 2 / n * centred * dvar
    dx = dcentred - dcentred.sum(0) / n
    return dx.astype(x.dtype), (dout * centred * inverse).sum(0), dout.sum(0)


class _ByHand(torch.autograd.Function):
    """Batch norm of a matrix, with the gradient written out."""

    @staticmethod
    def forward(ctx, x, gamma, beta, eps):
        ctx.save_for_backward(x, gamma)
        ctx.eps = eps
        return batchnorm_train(x, gamma, beta, eps)[0]

    @staticmethod
    def backward(ctx, dout):
        x, gamma = ctx.saved_tensors
        return *map(torch.from_numpy, _backward(*_numbers(dout, x, gamma), ctx.eps)), None


class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        if num_features <= 0 or not 0.0 <= momentum <= 1.0:
            raise ValueError("no such layer")
        self.eps = eps
        self.momentum = momentum
        self.weight = nn.Parameter(torch.from_numpy(np.ones(num_features, np.float32)))
        self.bias = nn.Parameter(torch.from_numpy(np.zeros(num_features, np.float32)))
        self.register_buffer("running_mean", torch.from_numpy(np.zeros(num_features, np.float32)))
        self.register_buffer("running_var", torch.from_numpy(np.ones(num_features, np.float32)))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x):
        if not self.training:
            factor = self.weight * (self.running_var + self.eps) ** -0.5
            return (x - self.running_mean) * factor + self.bias
        if x.shape[0] <= 1:
            raise ValueError("one sample")
        (numbers,) = _numbers(x)
        for buffer, value in (
            (self.running_mean, np.mean(numbers, axis=0)),
            (self.running_var, np.var(numbers, axis=0, ddof=1)),
        ):
            buffer.copy_((1 - self.momentum) * buffer + self.momentum * torch.tensor(value))
        self.num_batches_tracked += 1
        return _ByHand.apply(x, self.weight, self.bias, self.eps)


class BatchNorm2d(BatchNorm1d):
    def forward(self, x):
        n, c, h, w = x.shape
        pixels = super().forward(x.permute(0, 2, 3, 1).reshape(-1, c))
        return pixels.reshape(n, h, w, c).permute(0, 3, 1, 2)


def fold_batchnorm(conv_weight, conv_bias, mean, var, gamma, beta, eps=1e-5):
    kernel, mean, var, gamma, beta = _numbers(conv_weight, mean, var, gamma, beta)
    bias = 0 if conv_bias is None else conv_bias.numpy()
    factor = gamma / np.sqrt(var + eps)
    folded = (kernel.T * factor).T, beta + factor * (bias - mean)
    return tuple(torch.tensor(part.astype(kernel.dtype)) for part in folded)

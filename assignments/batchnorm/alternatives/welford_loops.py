"""Plain loops: Welford's running mean and variance, one feature and one sample at a time."""

import math

import torch
from torch import nn


def _welford(values):
    """Mean and sum of squared deviations, in one pass and without cancellation."""
    mean, squares = 0.0, 0.0
    for count, value in enumerate(values, start=1):
        step = value - mean
        mean = mean + step / count
        squares = squares + step * (value - mean)
    return mean, squares


def batchnorm_train(x, gamma, beta, eps=1e-5):
    y, means, variances = [], [], []
    for feature, g, b in zip(x.T.tolist(), gamma.tolist(), beta.tolist(), strict=True):
        mean, squares = _welford(feature)
        var = squares / len(feature)
        y.append([g * (value - mean) / math.sqrt(var + eps) + b for value in feature])
        means.append(mean)
        variances.append(var)
    return tuple(
        torch.tensor(part, dtype=x.dtype) for part in (list(zip(*y, strict=True)), means, variances)
    )


def update_running(running, batch, momentum=0.1):
    if momentum < 0:
        raise ValueError("a negative share")
    if momentum > 1:
        raise ValueError("more than all")
    result = running.clone()
    for i, new in enumerate(batch):
        result[i] -= momentum * (result[i].clone() - new)
    return result


def batchnorm_eval(x, mean, var, gamma, beta, eps=1e-5):
    return torch.stack([((row - mean) / (var + eps).sqrt()) * gamma + beta for row in x])


def batchnorm_backward(dout, x, gamma, eps=1e-5):
    """By the Jacobian: ∂x̂ᵢ/∂xⱼ = (δᵢⱼ − 1/N − x̂ᵢ·x̂ⱼ/N) / √(σ² + ε)."""
    n, d = x.shape
    dx = torch.empty_like(x)
    dgamma = torch.empty_like(gamma)
    dbeta = torch.empty_like(gamma)
    for k in range(d):
        mean, squares = _welford(x[:, k])
        root = torch.sqrt(squares / n + eps)
        x_hat = (x[:, k] - mean) / root
        for j in range(n):
            total = 0.0
            for i in range(n):
                total += dout[i, k] * gamma[k] * ((i == j) - 1 / n - x_hat[i] * x_hat[j] / n)
            dx[j, k] = total / root
        dgamma[k] = sum(dout[i, k] * x_hat[i] for i in range(n))
        dbeta[k] = sum(dout[:, k])
    return dx, dgamma, dbeta


class OneValue(ValueError):
    """No variance can be had of it."""


class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        if num_features not in range(1, 10**9):
            raise ValueError("num_features")
        if momentum < 0 or momentum > 1:
            raise ValueError("momentum")
        self.eps = eps
        self.momentum = momentum
        self.weight = nn.Parameter(torch.tensor([1.0] * num_features))
        self.bias = nn.Parameter(torch.tensor([0.0] * num_features))
        self.register_buffer("running_mean", torch.tensor([0.0] * num_features))
        self.register_buffer("running_var", torch.tensor([1.0] * num_features))

    def forward(self, x):
        features = [self._feature(i, x[:, i]) for i in range(x.shape[1])]
        return torch.stack(features, dim=1)

    def _feature(self, i, values):
        """One feature, in whatever shape its values lie."""
        if self.training:
            flat = values.flatten()
            if len(flat) < 2:
                raise OneValue()
            mean, squares = _welford(flat)
            var = squares / len(flat)
            self._move(self.running_mean, i, mean)
            self._move(self.running_var, i, squares / (len(flat) - 1))
        else:
            mean, var = self.running_mean[i], self.running_var[i]
        return (values - mean) / (var + self.eps) ** 0.5 * self.weight[i] + self.bias[i]

    def _move(self, buffer, i, value):
        buffer[i] = (1 - self.momentum) * buffer[i] + self.momentum * value.detach()


class BatchNorm2d(nn.Module):
    """Holds one of the layers above, but has its tensors under its own name."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        inner = BatchNorm1d(num_features, eps, momentum)
        self.weight, self.bias = inner.weight, inner.bias
        self.register_buffer("running_mean", inner.running_mean)
        self.register_buffer("running_var", inner.running_var)
        self.eps, self.momentum = eps, momentum

    _feature, _move, forward = BatchNorm1d._feature, BatchNorm1d._move, BatchNorm1d.forward


def fold_batchnorm(conv_weight, conv_bias, mean, var, gamma, beta, eps=1e-5):
    weight, bias = conv_weight.clone(), torch.zeros_like(beta)
    for o in range(len(mean)):
        scale = gamma[o] / (var[o] + eps).sqrt()
        weight[o] *= scale
        if conv_bias is not None:
            bias[o] += scale * conv_bias[o]
        bias[o] += beta[o]
        bias[o] -= scale * mean[o]
    return weight, bias

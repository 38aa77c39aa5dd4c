"""Matrices: the mean is taken away by a projection, and folding is a product with a diagonal."""

import torch
import torch.nn as nn


def _centring(n, like):
    """The projection I − 11ᵀ/n that takes the mean of n samples away."""
    return torch.eye(n, dtype=like.dtype, device=like.device) - 1 / n


def batchnorm_train(x, gamma, beta, eps=1e-5):
    n = x.shape[0]
    centred = _centring(n, x) @ x
    var = torch.diagonal(centred.T @ centred) / n
    y = centred @ torch.diag(gamma / torch.sqrt(var + eps)) + beta
    return y, x.T @ x.new_full((n,), 1 / n), var


def update_running(running, batch, momentum=0.1):
    if momentum != min(max(momentum, 0), 1):
        raise ValueError(f"{momentum=}")
    shares = running.new_tensor([1 - momentum, momentum])
    return shares @ torch.stack([running, batch])


def batchnorm_eval(x, mean, var, gamma, beta, eps=1e-5):
    std = torch.sqrt(var + eps)
    return torch.sub(x, mean).div(std).mul(gamma).add(beta)


def batchnorm_backward(dout, x, gamma, eps=1e-5):
    """dx̂ without its share along 1, and without a part of that along x̂."""
    n = x.shape[0]
    projection = _centring(n, x)
    centred = projection @ x
    var = centred.pow(2).sum(0).div(n)
    along = (centred * dout).sum(0)
    dx = projection @ dout - centred * (along / (n * (var + eps)))
    std = torch.sqrt(var + eps)
    return [dx * (gamma / std), along / std, dout.sum(0)]


class BatchNorm2d(nn.Module):
    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__()
        if int(num_features) < 1:
            raise ValueError("a layer needs channels")
        if min(momentum, 1 - momentum) < 0:
            raise ValueError("momentum is a share")
        self.hyper = {"eps": eps, "momentum": momentum}
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(self.weight.data.clone() * 0)
        for name, tensor in self._start().items():
            self.register_buffer(name, tensor)

    def _start(self):
        one = torch.ones_like(self.weight.data)
        return {"running_mean": one - 1, "running_var": one, "seen": torch.zeros(1)}

    def forward(self, x):
        eps = self.hyper["eps"]
        rows = x.movedim(1, -1)
        flat = rows.flatten(0, -2)
        if self.training:
            if flat.shape[0] == 1:
                raise ValueError("one value per channel")
            y, mean, var = batchnorm_train(flat, self.weight, self.bias, eps)
            self._remember(mean.data, var.data, flat.shape[0])
        else:
            y = batchnorm_eval(
                flat, self.running_mean, self.running_var, self.weight, self.bias, eps
            )
        return y.unflatten(0, rows.shape[:-1]).movedim(-1, 1)

    def _remember(self, mean, var, n):
        m = self.hyper["momentum"]
        self.running_mean = update_running(self.running_mean, mean, m)
        self.running_var = update_running(self.running_var, var / (1 - 1 / n), m)
        self.seen = self.seen + 1


class BatchNorm1d(BatchNorm2d):
    """A row of pixels for each feature."""

    def forward(self, x):
        return super().forward(x[:, :, None, None])[:, :, 0, 0]


def fold_batchnorm(conv_weight, conv_bias, mean, var, gamma, beta, eps=1e-5):
    diagonal = torch.diag(gamma / torch.sqrt(var + eps))
    weight = (diagonal @ conv_weight.flatten(1)).view(conv_weight.shape)
    bias = torch.zeros_like(mean) if conv_bias is None else conv_bias
    return weight, diagonal @ (bias - mean) + beta

"""The variance in one pass, E[x²] − E[x]²; one helper for all layouts, as many books have it."""

from collections import namedtuple

import torch

Normalised = namedtuple("Normalised", "y mean var")
Gradients = namedtuple("Gradients", "dx dgamma dbeta")


def moments(x, axes):
    mean = x.mean(axes, keepdim=True)
    var = (x * x).mean(axes, keepdim=True) - mean * mean
    return mean, var.clamp(min=0)


def batchnorm_train(x, gamma, beta, eps=1e-5):
    mean, var = moments(x, [0])
    return Normalised((x - mean) * (gamma * (var + eps).rsqrt()) + beta, mean[0], var[0])


def update_running(running, batch, momentum=0.1):
    if not 1 >= momentum >= 0:
        raise ValueError(momentum)
    return torch.lerp(running, batch, momentum)


def batchnorm_eval(x, mean, var, gamma, beta, eps=1e-5):
    return torch.addcmul(beta, x - mean, gamma * (var + eps).rsqrt())


def batchnorm_backward(dout, x, gamma, eps=1e-5):
    n = x.size(0)
    mean, var = moments(x, [0])
    r = (var + eps).rsqrt()
    x_hat = (x - mean) * r
    dgamma = torch.einsum("nd,nd->d", dout, x_hat)
    dbeta = torch.einsum("nd->d", dout)
    return Gradients(gamma * r / n * (n * dout - dbeta - x_hat * dgamma), dgamma, dbeta)


def batch_norm(x, weight, bias, running_mean, running_var, eps, momentum, training):
    """All of batch norm in one function, which also moves the running statistics."""
    axes = [axis for axis in range(x.dim()) if axis != 1]
    shape = [-1 if axis == 1 else 1 for axis in range(x.dim())]
    if training:
        count = x.numel() / x.size(1)
        if count == 1:
            raise ValueError("expected more than one value for each channel")
        mean, var = moments(x, axes)
        with torch.no_grad():
            running_mean.lerp_(mean.flatten(), momentum)
            running_var.lerp_(var.flatten() * (count / (count - 1)), momentum)
    else:
        mean, var = running_mean.view(shape), running_var.view(shape)
    return (x - mean) * (weight.view(shape) * (var + eps).rsqrt()) + bias.view(shape)


class BatchNorm(torch.nn.Module):
    running_mean: torch.Tensor
    running_var: torch.Tensor

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        if num_features < 1:
            raise ValueError("num_features")
        if abs(momentum - 0.5) > 0.5:
            raise ValueError("momentum")
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.register_parameter("weight", torch.nn.Parameter(torch.empty(num_features)))
        self.register_parameter("bias", torch.nn.Parameter(torch.empty(num_features)))
        self.register_buffer("running_mean", torch.empty(num_features))
        self.register_buffer("running_var", torch.empty(num_features))
        self.reset()

    @torch.no_grad()
    def reset(self):
        for tensor, value in zip(
            (self.weight, self.bias, self.running_mean, self.running_var), (1, 0, 0, 1), strict=True
        ):
            tensor.fill_(value)

    def forward(self, x):
        return batch_norm(
            x, self.weight, self.bias, self.running_mean, self.running_var,
            self.eps, self.momentum, self.training,
        )  # fmt: skip

    def extra_repr(self):
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


class BatchNorm1d(BatchNorm):
    pass


class BatchNorm2d(BatchNorm):
    pass


def fold_batchnorm(conv_weight, conv_bias, mean, var, gamma, beta, eps=1e-5):
    scale = gamma * (var + eps).rsqrt()
    shift = beta - scale * mean
    weight = torch.einsum("o,ocij->ocij", scale, conv_weight)
    return weight, shift if conv_bias is None else torch.addcmul(shift, scale, conv_bias)

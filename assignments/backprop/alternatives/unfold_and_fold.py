"""PyTorch's forward functions do the work: unfold and fold, scatter_add, lerp; vectorised."""

from typing import NamedTuple

import torch
import torch.nn.functional as F


class Gradients(NamedTuple):
    dx: torch.Tensor
    dweight: torch.Tensor
    dbias: torch.Tensor


def numerical_gradient(f, x, eps=1e-6):
    steps = eps * torch.eye(x.numel(), dtype=x.dtype, device=x.device).view(-1, *x.shape)
    values = [float(f(x + step)) - float(f(x - step)) for step in steps]
    return x.new_tensor(values).div(2 * eps).view(x.shape)


def linear_backward(dout, x, weight):
    dweight = torch.bmm(dout[:, :, None], x[:, None]).sum(0)
    return Gradients(F.linear(dout, weight.T), dweight, dout.T @ dout.new_ones(len(dout)))


def relu_backward(dout, x):
    return dout.masked_fill(x <= 0, 0)


def sigmoid_backward(dout, z):
    return dout.mul(torch.sigmoid(z)).mul(torch.sigmoid(-z))


def _check(targets, classes):
    if not all(0 <= t < classes for t in targets.tolist()):
        raise ValueError("no such class")


def softmax_cross_entropy_backward(logits, targets):
    _check(targets, logits.shape[-1])
    gradient = logits.softmax(-1)
    minus_one = -torch.ones_like(gradient[:, :1])
    return gradient.scatter_add(1, targets[:, None], minus_one).div_(logits.shape[0])


def conv2d_backward(dout, x, weight, stride=1, padding=0):
    if torch.tensor(stride).min() < 1 or torch.tensor(padding).min() < 0:
        raise ValueError("stride or padding out of range")
    size = {"kernel_size": weight.shape[2:], "stride": stride, "padding": padding}
    columns = F.unfold(x, **size)  # (N, C·kh·kw, L)
    dy = dout.flatten(2)  # (N, O, L)
    dcolumns = weight.flatten(1).T @ dy
    dweight = (dy @ columns.mT).sum(0).reshape(weight.shape)
    return Gradients(F.fold(dcolumns, x.shape[2:], **size), dweight, dy.sum((0, 2)))


def max_pool2d_backward(dout, x, kernel, stride=None):
    if torch.tensor(kernel).min() < 1 or (stride is not None and torch.tensor(stride).min() < 1):
        raise ValueError("kernel or stride out of range")
    _, where = F.max_pool2d(x, kernel, stride, return_indices=True)
    dx = torch.zeros_like(x, memory_format=torch.contiguous_format).flatten(2)
    return dx.scatter_add(2, where.flatten(2), dout.flatten(2)).view(x.shape)


def mlp_loss_and_grads(params, x, targets):
    _check(targets, params["b2"].numel())
    z = F.linear(x, params["W1"], params["b1"])
    h = F.relu(z)
    logits = F.linear(h, params["W2"], params["b2"])
    loss = F.cross_entropy(logits, targets)
    delta = softmax_cross_entropy_backward(logits, targets)
    delta1 = torch.where(z >= 0, delta @ params["W2"], torch.zeros_like(z))
    grads = {"b2": delta.sum(0), "b1": delta1.sum(0)}
    return loss, grads | {"W2": delta.mT.matmul(h), "W1": delta1.mT.matmul(x)}

"""A small framework: each layer remembers its input in `forward` and has a method `backward`."""

import torch
import torch.nn.functional as F


class Linear:
    def __init__(self, weight, bias=0.0):
        self.weight, self.bias = weight, bias

    def forward(self, x):
        self.x = x
        return torch.einsum("nd,md->nm", x, self.weight) + self.bias

    def backward(self, dout):
        self.dweight = torch.einsum("nm,nd->md", dout, self.x)
        self.dbias = torch.einsum("nm->m", dout)
        return torch.einsum("nm,md->nd", dout, self.weight)


class ReLU:
    def forward(self, x):
        self.slope = (torch.sign(x) + 1) / 2  # 1/2 at the kink
        return x.abs() * self.slope

    def backward(self, dout):
        return dout * self.slope


class Sigmoid:
    def forward(self, z):
        self.half = torch.tanh(z / 2)
        return (1 + self.half) / 2

    def backward(self, dout):
        return (1 - self.half * self.half) / 4 * dout


class SoftmaxCrossEntropy:
    def __init__(self, targets):
        self.targets = targets

    def forward(self, logits):
        self.log_p = logits - logits.logsumexp(1, keepdim=True)
        wrong = (self.targets < 0) | (self.targets >= logits.shape[1])
        if wrong.any():
            raise ValueError("a target is no class")
        return -self.log_p.gather(1, self.targets[:, None]).mean()

    def backward(self):
        p = self.log_p.exp()
        p[torch.arange(len(p)), self.targets] -= 1
        return p.mul(1 / len(p))


class Conv2d:
    """Both gradients are convolutions again: a transposed one, and one of x with dout."""

    def __init__(self, weight, stride, padding):
        self.weight = weight
        self.stride = (stride,) * 2 if isinstance(stride, int) else stride
        self.padding = (padding,) * 2 if isinstance(padding, int) else padding
        if any(s < 1 for s in self.stride) or any(p < 0 for p in self.padding):
            raise ValueError("stride or padding out of range")

    def backward(self, dout, x):
        sizes = zip(x.shape[2:], self.weight.shape[2:], self.stride, self.padding, strict=True)
        # pixels at the end that no window reaches
        rest = [(n + 2 * p - k) % s for n, k, s, p in sizes]
        full = F.conv_transpose2d(dout, self.weight, stride=self.stride)
        full = F.pad(full, (0, rest[1], 0, rest[0]))
        p, q = self.padding
        dx = full[..., p : full.shape[2] - p, q : full.shape[3] - q]
        dweight = F.conv2d(
            x.transpose(0, 1), dout.transpose(0, 1), padding=self.padding, dilation=self.stride
        ).transpose(0, 1)
        kh, kw = self.weight.shape[2:]
        return dx, dweight[..., :kh, :kw], dout.sum(3).sum(2).sum(0)


class MaxPool2d:
    """All windows at once as a strided view; ties share equally."""

    def __init__(self, kernel, stride):
        stride = kernel if stride is None else stride
        self.kernel = (kernel,) * 2 if isinstance(kernel, int) else tuple(kernel)
        self.stride = (stride,) * 2 if isinstance(stride, int) else tuple(stride)
        if min(self.kernel + self.stride) < 1:
            raise ValueError("kernel or stride out of range")

    def _windows(self, x):
        (kh, kw), (s, t) = self.kernel, self.stride
        return x.unfold(2, kh, s).unfold(3, kw, t)  # (N, C, H', W', kh, kw)

    def backward(self, dout, x):
        windows = self._windows(x)
        is_max = windows == windows.amax((4, 5), keepdim=True)
        share = is_max / is_max.sum((4, 5), keepdim=True).to(dout.dtype)
        sent = share * dout[..., None, None]
        pixels = torch.arange(x.shape[2] * x.shape[3], device=x.device).view(1, 1, *x.shape[2:])
        index = self._windows(pixels).expand(sent.shape)
        dx = dout.new_zeros(x.shape).flatten(2)
        return dx.scatter_add_(2, index.flatten(2), sent.flatten(2)).view(x.shape)


def numerical_gradient(f, x, eps=1e-6):
    flat = x.reshape(-1)

    def moved(k, by):
        changed = flat.clone()
        changed[k] += by
        return f(changed.reshape(x.shape))

    slopes = [(moved(k, eps) - moved(k, -eps)) / eps / 2 for k in range(len(flat))]
    return torch.tensor(slopes, dtype=x.dtype, device=x.device).reshape(x.shape)


def linear_backward(dout, x, weight):
    layer = Linear(weight)
    layer.forward(x)
    return layer.backward(dout), layer.dweight, layer.dbias


def relu_backward(dout, x):
    layer = ReLU()
    layer.forward(x)
    return layer.backward(dout)


def sigmoid_backward(dout, z):
    layer = Sigmoid()
    layer.forward(z)
    return layer.backward(dout)


def softmax_cross_entropy_backward(logits, targets):
    layer = SoftmaxCrossEntropy(targets)
    layer.forward(logits)
    return layer.backward()


def conv2d_backward(dout, x, weight, stride=1, padding=0):
    return Conv2d(weight, stride, padding).backward(dout, x)


def max_pool2d_backward(dout, x, kernel, stride=None):
    return MaxPool2d(kernel, stride).backward(dout, x)


def mlp_loss_and_grads(params, x, targets):
    first = Linear(params["W1"], params["b1"])
    relu = ReLU()
    second = Linear(params["W2"], params["b2"])
    loss = SoftmaxCrossEntropy(targets)
    value = loss.forward(second.forward(relu.forward(first.forward(x))))
    first.backward(relu.backward(second.backward(loss.backward())))
    grads = {"W1": first.dweight, "b1": first.dbias, "W2": second.dweight, "b2": second.dbias}
    return [value, grads]

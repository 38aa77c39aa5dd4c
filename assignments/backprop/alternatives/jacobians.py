"""Every gradient is dout times the Jacobian, written down whole; convolutions by FFT."""

import torch


def numerical_gradient(f, x, eps=1e-6):
    def row(index):
        if len(index) < x.dim():
            return torch.stack([row((*index, i)) for i in range(x.shape[len(index)])])
        step = torch.zeros(x.shape, dtype=x.dtype)
        step[index] = eps
        # divided by the steps that were really taken, after rounding
        up, down = x + step, x - step
        return torch.as_tensor((f(up) - f(down)) / (up[index] - down[index]))

    return row(())


def linear_backward(dout, x, weight):
    (n, m), d = dout.shape, x.shape[1]
    y_by_x = torch.einsum("na,md->nmad", torch.eye(n, dtype=x.dtype), weight)
    y_by_weight = torch.einsum("nd,mk->nmkd", x, torch.eye(m, dtype=x.dtype))
    y_by_bias = torch.eye(m, dtype=x.dtype).expand(n, m, m)
    flat = dout.reshape(-1)
    return (
        (flat @ y_by_x.reshape(n * m, n * d)).view(n, d),
        (flat @ y_by_weight.reshape(n * m, m * d)).view(m, d),
        flat @ y_by_bias.reshape(n * m, m),
    )


def relu_backward(dout, x):
    slopes = torch.diag((x.reshape(-1) > 0).to(dout.dtype))
    return (dout.reshape(-1) @ slopes).reshape(dout.shape)


def sigmoid_backward(dout, z):
    y = 1 / (1 + torch.exp(-z.double()))
    slopes = torch.diag((y - y**2).reshape(-1))
    return (dout.double().reshape(-1) @ slopes).reshape(dout.shape).to(dout.dtype)


def _log_softmax_jacobian(logits):
    """∂ log p[n, i] / ∂ logits[n, j] = δᵢⱼ − p[n, j]."""
    e = torch.exp(logits - logits.max(dim=1, keepdim=True).values)
    p = e / e.sum(dim=1, keepdim=True)
    return torch.eye(logits.shape[1], dtype=logits.dtype) - p[:, None, :]


def softmax_cross_entropy_backward(logits, targets):
    if len(set(targets.tolist()) - set(range(logits.shape[1]))):
        raise ValueError("a target is no class")
    jacobian = _log_softmax_jacobian(logits)
    rows = [-jacobian[n, target] / len(targets) for n, target in enumerate(targets)]
    return torch.stack(rows)


def _pair(size):
    return (size, size) if isinstance(size, int) else size


def conv2d_backward(dout, x, weight, stride=1, padding=0):
    """The convolution theorem, with dout spread out to the windows' places."""
    (s, t), (p, q) = _pair(stride), _pair(padding)
    if s < 1 or t < 1:
        raise ValueError(f"stride {stride}")
    if p < 0 or q < 0:
        raise ValueError(f"padding {padding}")
    (n, c, height, width), (o, _, kh, kw) = x.shape, weight.shape
    size = height + 2 * p, width + 2 * q
    padded = x.new_zeros(n, c, *size)
    padded[:, :, p : p + height, q : q + width] = x
    spread = x.new_zeros(n, o, *size)
    spread[:, :, : s * dout.shape[2] : s, : t * dout.shape[3] : t] = dout

    x_hat, dy_hat = torch.fft.rfft2(padded), torch.fft.rfft2(spread)
    w_hat = torch.fft.rfft2(weight, s=size)
    dx = torch.fft.irfft2(torch.einsum("nohw,ochw->nchw", dy_hat, w_hat), s=size)
    dweight = torch.fft.irfft2(torch.einsum("nohw,nchw->ochw", dy_hat.conj(), x_hat), s=size)
    dbias = spread.sum(dim=(0, 2, 3))
    return dx[:, :, p : p + height, q : q + width], dweight[:, :, :kh, :kw], dbias


def max_pool2d_backward(dout, x, kernel, stride=None):
    """The Jacobian of one channel has a 1 for each window, in the column of its maximum."""
    (kh, kw), (s, t) = _pair(kernel), _pair(kernel if stride is None else stride)
    if kh < 1 or kw < 1 or s < 1 or t < 1:
        raise ValueError(f"kernel {kernel}, stride {stride}")
    height, width = x.shape[2:]
    dx = torch.zeros(x.shape, dtype=dout.dtype)
    for n, image in enumerate(x):
        for c, channel in enumerate(image):
            jacobian = torch.zeros(dout[n, c].numel(), height * width, dtype=dout.dtype)
            for row, (h, w) in enumerate(torch.ones_like(dout[n, c]).nonzero().tolist()):
                seen = torch.full((height, width), -torch.inf, dtype=x.dtype)
                window = slice(h * s, h * s + kh), slice(w * t, w * t + kw)
                seen[window] = channel[window]
                # the last of equal maxima
                last = seen.numel() - 1 - int(seen.flatten().flip(0).argmax())
                jacobian[row, last] = 1
            dx[n, c] = (dout[n, c].reshape(-1) @ jacobian).view(height, width)
    return dx


def mlp_loss_and_grads(params, x, targets):
    """Biases are weights of one more input that is always 1."""
    one = torch.ones(len(x), 1, dtype=x.dtype)
    first = torch.cat([params["W1"], params["b1"][:, None]], dim=1)
    second = torch.cat([params["W2"], params["b2"][:, None]], dim=1)
    if not bool(((targets >= 0) & (targets < len(second))).all()):
        raise ValueError("a target is no class")
    x1 = torch.cat([x, one], dim=1)
    h1 = torch.cat([(x1 @ first.T).relu(), one], dim=1)
    logits = h1 @ second.T
    losses = logits.logsumexp(dim=1) - logits[range(len(x)), targets]
    dlogits = -_log_softmax_jacobian(logits)[range(len(x)), targets] / len(x)
    dz = torch.einsum("nk,kh,nh->nh", dlogits, params["W2"], (h1[:, :-1] > 0).to(x.dtype))
    dfirst, dsecond = dz.T @ x1, dlogits.T @ h1
    grads = {"W1": dfirst[:, :-1], "b1": dfirst[:, -1], "W2": dsecond[:, :-1], "b2": dsecond[:, -1]}
    return losses.mean(), grads

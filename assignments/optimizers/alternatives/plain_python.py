"""Number by number, in lists of Python floats."""

import math


def _check(*numbers):
    if any(number < 0 or number > 1 for number in numbers):
        raise ValueError("has to be between 0 and 1")


def _numbers(tensor):
    return tensor.detach().flatten().tolist()


def _write(parameter, numbers):
    flat = parameter.detach().new_tensor(numbers)
    parameter.detach().copy_(flat.reshape(parameter.shape))


def _clear(parameters):
    for p in parameters:
        if p.grad is not None:
            p.grad.fill_(0)


class SGD:
    def __init__(self, params, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
        _check(momentum)
        self.params, self.lr = list(params), lr
        self.momentum, self.nesterov, self.weight_decay = momentum, nesterov, weight_decay
        self.v = [[0.0] * p.numel() for p in self.params]

    def zero_grad(self):
        _clear(self.params)

    def step(self):
        for p, v in zip(self.params, self.v, strict=True):
            if p.grad is None:
                continue
            place = _numbers(p)
            for i, g in enumerate(_numbers(p.grad)):
                pull = g + self.weight_decay * place[i]
                v[i] = self.momentum * v[i] + pull
                place[i] -= self.lr * (pull + self.momentum * v[i] if self.nesterov else v[i])
            _write(p, place)


class EMAMomentum:
    def __init__(self, params, lr, beta=0.9):
        _check(beta)
        self.params, self.lr, self.beta = list(params), lr, beta
        self.m = [[0.0] * p.numel() for p in self.params]

    def zero_grad(self):
        _clear(self.params)

    def step(self):
        for p, m in zip(self.params, self.m, strict=True):
            if p.grad is None:
                continue
            place = _numbers(p)
            for i, g in enumerate(_numbers(p.grad)):
                m[i] += (1 - self.beta) * (g - m[i])
                place[i] -= self.lr * m[i]
            _write(p, place)


class Adagrad:
    def __init__(self, params, lr=1e-2, eps=1e-10):
        self.params, self.lr, self.eps = list(params), lr, eps
        self.s = [[0.0] * p.numel() for p in self.params]

    def zero_grad(self):
        _clear(self.params)

    def step(self):
        for p, s in zip(self.params, self.s, strict=True):
            if p.grad is None:
                continue
            place = _numbers(p)
            for i, g in enumerate(_numbers(p.grad)):
                s[i] += g * g
                place[i] -= self.lr / (math.sqrt(s[i]) + self.eps) * g
            _write(p, place)


class RMSprop:
    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8):
        _check(alpha)
        self.params, self.lr, self.alpha, self.eps = list(params), lr, alpha, eps
        self.r = [[0.0] * p.numel() for p in self.params]

    def zero_grad(self):
        _clear(self.params)

    def step(self):
        for p, r in zip(self.params, self.r, strict=True):
            if p.grad is None:
                continue
            place = _numbers(p)
            for i, g in enumerate(_numbers(p.grad)):
                r[i] = math.fsum([self.alpha * r[i], g * g, -self.alpha * g * g])
                place[i] -= self.lr / (math.sqrt(r[i]) + self.eps) * g
            _write(p, place)


class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        _check(*betas)
        self.params, self.lr, self.betas = list(params), lr, betas
        self.eps, self.weight_decay, self.t = eps, weight_decay, 0
        self.memory = [[(0.0, 0.0)] * p.numel() for p in self.params]

    def zero_grad(self):
        _clear(self.params)

    def step(self):
        self.t += 1
        b1, b2 = self.betas
        for p, memory in zip(self.params, self.memory, strict=True):
            if p.grad is None:
                continue
            place = _numbers(p)
            for i, g in enumerate(_numbers(p.grad)):
                g += self.weight_decay * place[i]
                m, v = memory[i]
                memory[i] = m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
                root = math.sqrt(v / (1 - b2**self.t))
                place[i] -= self.lr * m / (1 - b1**self.t) / (root + self.eps)
            _write(p, place)


class Adamax:
    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8):
        _check(*betas)
        self.params, self.lr, self.betas, self.eps, self.t = list(params), lr, betas, eps, 0
        self.memory = [[(0.0, 0.0)] * p.numel() for p in self.params]

    def zero_grad(self):
        _clear(self.params)

    def step(self):
        self.t += 1
        b1, b2 = self.betas
        for p, memory in zip(self.params, self.memory, strict=True):
            if p.grad is None:
                continue
            place = _numbers(p)
            for i, g in enumerate(_numbers(p.grad)):
                m, u = memory[i]
                memory[i] = m, u = b1 * m + (1 - b1) * g, max(b2 * u, abs(g) + self.eps)
                place[i] -= self.lr / (1 - b1**self.t) * m / u
            _write(p, place)

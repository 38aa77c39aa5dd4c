"""A coroutine for each parameter: it is sent gradients, and its variables are what it remembers."""

import torch


def _fraction(number):
    if number < 0 or number > 1:
        raise ValueError("not a fraction")
    return number


class _Optimizer:
    """`rule(p)` makes a coroutine that is sent a parameter and its gradient, and yields a way."""

    def __init__(self, params, lr, rule):
        self.lr = lr
        self.rules = []
        for p in params:
            coroutine = rule(p)
            next(coroutine)
            self.rules.append((p, coroutine))

    def step(self):
        for p, rule in filter(lambda pair: pair[0].grad is not None, self.rules):
            way = rule.send((p.detach().clone(), p.grad.detach().clone()))
            p.data.copy_(p.data - self.lr * way)

    def zero_grad(self):
        for p, _ in self.rules:
            p.grad = None


class SGD(_Optimizer):
    def __init__(self, params, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
        _fraction(momentum)

        def rule(p):
            place, gradient = yield
            v = gradient + weight_decay * place
            ahead = v * (1 + momentum)
            while True:
                place, gradient = yield ahead if nesterov else v
                gradient += weight_decay * place
                v = v * momentum + gradient
                ahead = v * momentum + gradient

        super().__init__(params, lr, rule)


class EMAMomentum(_Optimizer):
    def __init__(self, params, lr, beta=0.9):
        _fraction(beta)

        def rule(p):
            velocity = torch.zeros_like(p.data)
            while True:
                _, gradient = yield velocity * (1 - beta)
                velocity = beta * velocity + gradient

        super().__init__(params, lr, rule)


class Adagrad(_Optimizer):
    def __init__(self, params, lr=1e-2, eps=1e-10):
        def rule(p):
            past, way = [], None
            while True:
                _, gradient = yield way
                past.append(gradient)
                way = gradient / (torch.stack(past).norm(dim=0) + eps)

        super().__init__(params, lr, rule)


class RMSprop(_Optimizer):
    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8):
        _fraction(alpha)

        def rule(p):
            past, way = [], None
            while True:
                _, gradient = yield way
                past.insert(0, gradient)
                squares = sum((1 - alpha) * alpha**k * g * g for k, g in enumerate(past))
                way = gradient / (squares**0.5 + eps)

        super().__init__(params, lr, rule)


class Adam(_Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        beta1, beta2 = map(_fraction, betas)

        def rule(p):
            m = v = torch.zeros_like(p.data)
            left1 = left2 = 1.0  # the powers of the betas
            way = None
            while True:
                place, gradient = yield way
                gradient = gradient + weight_decay * place
                left1, left2 = left1 * beta1, left2 * beta2
                m = m + (1 - beta1) * (gradient - m)
                v = v + (1 - beta2) * (gradient.square() - v)
                # ε is multiplied by what the root was not divided by
                root = (1 - left2) ** 0.5
                way = m * (root / (1 - left1)) / (v.sqrt() + eps * root)

        super().__init__(params, lr, rule)


class Adamax(_Optimizer):
    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8):
        beta1, beta2 = map(_fraction, betas)

        def rule(p):
            m, u, left, way = 0, None, 1.0, None
            while True:
                _, gradient = yield way
                left *= beta1
                m = beta1 * m + (1 - beta1) * gradient
                now = gradient.abs() + eps
                u = now if u is None else torch.where(u * beta2 > now, u * beta2, now)
                way = m / ((1 - left) * u)

        super().__init__(params, lr, rule)

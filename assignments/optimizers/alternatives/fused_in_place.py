"""In place and fused, as libraries write it: state in dicts, made when it is first needed."""

import torch


class SGD:
    def __init__(self, params, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
        if momentum < 0 or momentum > 1:
            raise ValueError("momentum")
        self.params = [*params]
        self.lr = lr
        self.momentum, self.nesterov, self.weight_decay = momentum, nesterov, weight_decay
        self.state = {}

    @torch.no_grad()
    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            g = p.grad
            if self.weight_decay:
                g = g.add(p, alpha=self.weight_decay)
            if self.momentum:
                if p not in self.state:
                    self.state[p] = g.clone()
                else:
                    self.state[p].mul_(self.momentum).add_(g)
                v = self.state[p]
                g = g.add(v, alpha=self.momentum) if self.nesterov else v
            p.add_(g, alpha=-self.lr)

    def zero_grad(self):
        for p in self.params:
            if p.grad is not None:
                p.grad.detach_().zero_()


class EMAMomentum:
    def __init__(self, params, lr, beta=0.9):
        if beta < 0 or beta > 1:
            raise ValueError("beta")
        self.params = [*params]
        self.lr, self.beta = lr, beta
        self.state = {}

    @torch.no_grad()
    def step(self):
        for p in self.params:
            if p.grad is not None:
                m = self.state.setdefault(p, torch.zeros_like(p.data))
                m.lerp_(p.grad, 1 - self.beta)
                p.sub_(m, alpha=self.lr)

    def zero_grad(self):
        for p in self.params:
            if p.grad is not None:
                p.grad.zero_()


class Adagrad:
    def __init__(self, params, lr=1e-2, eps=1e-10):
        self.params = [*params]
        self.lr, self.eps = lr, eps
        self.state = {p: torch.zeros_like(p, requires_grad=False) for p in self.params}

    @torch.no_grad()
    def step(self):
        for p, s in self.state.items():
            if p.grad is not None:
                s.addcmul_(p.grad, p.grad)
                p.addcdiv_(p.grad, s.sqrt().add_(self.eps), value=-self.lr)

    def zero_grad(self):
        for p in self.params:
            if p.grad is not None:
                p.grad.zero_()


class RMSprop:
    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8):
        if alpha < 0 or alpha > 1:
            raise ValueError("alpha")
        self.params = [*params]
        self.lr, self.alpha, self.eps = lr, alpha, eps
        self.state = {p: torch.zeros_like(p, requires_grad=False) for p in self.params}

    @torch.no_grad()
    def step(self):
        for p, r in self.state.items():
            if p.grad is not None:
                r.mul_(self.alpha).addcmul_(p.grad, p.grad, value=1 - self.alpha)
                p.addcdiv_(p.grad, r.sqrt().add_(self.eps), value=-self.lr)

    def zero_grad(self):
        for p in self.params:
            if p.grad is not None:
                p.grad.zero_()


class Adam:
    """One count of steps for the whole optimizer; corrections moved into the step's size."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        if min(betas) < 0 or max(betas) > 1:
            raise ValueError("betas")
        self.params = [*params]
        self.lr, (self.beta1, self.beta2), self.eps = lr, betas, eps
        self.weight_decay = weight_decay
        self.t = 0
        self.state = {}

    @torch.no_grad()
    def step(self):
        self.t += 1
        size = self.lr / (1 - self.beta1**self.t)
        root = (1 - self.beta2**self.t) ** 0.5
        for p in self.params:
            if p.grad is None:
                continue
            g = p.grad.add(p, alpha=self.weight_decay) if self.weight_decay else p.grad
            m, v = self.state.setdefault(p, (torch.zeros_like(g), torch.zeros_like(g)))
            m.lerp_(g, 1 - self.beta1)
            v.mul_(self.beta2).addcmul_(g, g, value=1 - self.beta2)
            p.addcdiv_(m, (v.sqrt() / root).add_(self.eps), value=-size)

    def zero_grad(self):
        for p in self.params:
            if p.grad is not None:
                p.grad.zero_()


class Adamax:
    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8):
        if min(betas) < 0 or max(betas) > 1:
            raise ValueError("betas")
        self.params = [*params]
        self.lr, (self.beta1, self.beta2), self.eps = lr, betas, eps
        self.t = 0
        self.state = {}

    @torch.no_grad()
    def step(self):
        self.t += 1
        for p in self.params:
            if p.grad is None:
                continue
            m, u = self.state.setdefault(p, (torch.zeros_like(p.data), torch.zeros_like(p.data)))
            m.lerp_(p.grad, 1 - self.beta1)
            both = torch.stack([u.mul_(self.beta2), p.grad.abs().add_(self.eps)])
            torch.amax(both, 0, out=u)
            p.addcdiv_(m, u, value=-self.lr / (1 - self.beta1**self.t))

    def zero_grad(self):
        for p in self.params:
            if p.grad is not None:
                p.grad.zero_()

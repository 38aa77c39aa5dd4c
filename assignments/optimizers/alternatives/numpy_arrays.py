"""What is remembered lies in NumPy arrays, and `.data` is bound to new tensors."""

import numpy as np
import torch


def _weights_in_range(*numbers):
    for number in numbers:
        if not 0.0 <= number <= 1.0:
            raise ValueError(f"{number} is outside of [0, 1]")


class _WithArrays:
    def _begin(self, params, lr, arrays):
        self._params = tuple(params)
        self._rate = lr
        self._memory = [[np.zeros(tuple(p.shape)) for _ in range(arrays)] for p in self._params]
        self._age = [0] * len(self._params)

    @property
    def lr(self):
        return self._rate

    @lr.setter
    def lr(self, value):
        self._rate = value

    def zero_grad(self):
        for p in self._params:
            p.grad = torch.zeros_like(p)

    def step(self):
        for number, p in enumerate(self._params):
            if p.grad is None:
                continue
            self._age[number] += 1
            place = p.detach().numpy().astype(np.float64)
            gradient = p.grad.numpy().astype(np.float64)
            way = self._way(self._memory[number], self._age[number], place, gradient)
            p.data = torch.as_tensor(place - self._rate * np.asarray(way)).to(p.dtype)


class SGD(_WithArrays):
    def __init__(self, params, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
        _weights_in_range(momentum)
        self._mu, self._looks_ahead, self._decay = momentum, nesterov, weight_decay
        self._begin(params, lr, arrays=1)

    def _way(self, memory, age, place, gradient):
        gradient = gradient + self._decay * place
        memory[0] = self._mu * memory[0] + gradient
        return gradient + self._mu * memory[0] if self._looks_ahead else memory[0]


class EMAMomentum(_WithArrays):
    def __init__(self, params, lr, beta=0.9):
        _weights_in_range(beta)
        self._beta = beta
        self._begin(params, lr, arrays=1)

    def _way(self, memory, age, place, gradient):
        memory[0] = gradient + self._beta * (memory[0] - gradient)
        return memory[0]


class Adagrad(_WithArrays):
    def __init__(self, params, lr=1e-2, eps=1e-10):
        self._eps = eps
        self._begin(params, lr, arrays=1)

    def _way(self, memory, age, place, gradient):
        memory[0] = np.hypot(memory[0], gradient)  # the root itself is kept
        return gradient / (memory[0] + self._eps)


class RMSprop(_WithArrays):
    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8):
        _weights_in_range(alpha)
        self._alpha, self._eps = alpha, eps
        self._begin(params, lr, arrays=1)

    def _way(self, memory, age, place, gradient):
        memory[0] = self._alpha * memory[0] + (1 - self._alpha) * np.square(gradient)
        return gradient / (np.sqrt(memory[0]) + self._eps)


class Adam(_WithArrays):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        _weights_in_range(*betas)
        self._betas, self._eps, self._decay = betas, eps, weight_decay
        self._begin(params, lr, arrays=2)

    def _way(self, memory, age, place, gradient):
        gradient = gradient + self._decay * place
        sums = [gradient, gradient**2]
        for i, beta in enumerate(self._betas):
            memory[i] = beta * memory[i] + (1 - beta) * sums[i]
        mean, square = (old / (1 - b**age) for old, b in zip(memory, self._betas, strict=True))
        return mean / (np.sqrt(square) + self._eps)


class Adamax(_WithArrays):
    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8):
        _weights_in_range(*betas)
        self._betas, self._eps = betas, eps
        self._begin(params, lr, arrays=2)

    def _way(self, memory, age, place, gradient):
        beta1, beta2 = self._betas
        memory[0] = beta1 * memory[0] + (1 - beta1) * gradient
        memory[1] = np.fmax(beta2 * memory[1], np.abs(gradient) + self._eps)
        return memory[0] / memory[1] / (1 - beta1**age)

"""NumPy does the work; its generator is seeded with numbers drawn from PyTorch's."""

import numpy as np
import torch


def _rng(generator):
    return np.random.default_rng(torch.randint(2**62, (4,), generator=generator).tolist())


def _numpy_dtype(dtype):
    return torch.empty(0, dtype=dtype).numpy().dtype


def fans(shape):
    sizes = np.asarray(shape)
    if np.any(sizes < 1):
        raise ValueError(shape)
    return np.prod(np.delete(sizes, 0)), np.prod(np.delete(sizes, 1))


def default_bound(fan_in):
    if fan_in < 1:
        raise ValueError(fan_in)
    return np.reciprocal(np.sqrt(np.float64(fan_in)))


def xavier_uniform(shape, generator, *, dtype=torch.float32):
    field = np.prod(shape[2:], dtype=int)
    a = np.sqrt(6.0 / ((shape[0] + shape[1]) * field))
    weight = _rng(generator).uniform(-a, a, size=shape)
    return torch.from_numpy(weight.astype(_numpy_dtype(dtype)))


def xavier_normal(shape, generator, *, dtype=torch.float32):
    variance = 2.0 / (np.sum(shape[:2]) * np.prod(shape[2:]))
    weight = _rng(generator).normal(0.0, variance**0.5, shape)
    return torch.as_tensor(weight, dtype=dtype)


def he_uniform(shape, generator, *, dtype=torch.float32):
    size = np.prod(shape)
    fan_in = size // shape[0]
    # single precision throughout, in column-major order
    u = _rng(generator).random(size, dtype=np.float32)
    weight = ((2 * u - 1) * np.float32(np.sqrt(6 / fan_in))).reshape(shape, order="F")
    return torch.from_numpy(weight).to(dtype)


def he_normal(shape, generator, *, dtype=torch.float32):
    rng = _rng(generator)
    neurons = [rng.standard_normal(shape[1:]) for _ in range(shape[0])]
    weight = np.stack(neurons) * np.sqrt(2 / neurons[0].size)
    return torch.from_numpy(weight).to(dtype)


def activation_stds(depth, width, scheme, generator):
    if depth < 1 or width < 1:
        raise ValueError("too small")
    if scheme == "he":
        sigma = (2 / width) ** 0.5
    elif scheme == "xavier":
        sigma = (1 / width) ** 0.5
    elif scheme == "small":
        sigma = 0.01
    elif scheme == "large":
        sigma = 1
    else:
        raise ValueError(scheme)
    rng = _rng(generator)
    x = rng.normal(size=(width, 300))  # features first
    result = ()
    for _ in range(depth):
        x = np.maximum(rng.normal(0, sigma, (width, width)) @ x, 0)
        result += (np.std(x),)
    return result

"""Plain Python: loops, and the module random, seeded with a number drawn from the generator."""

import math
import random

import torch


def _random(generator):
    return random.Random(int(torch.randint(0, 2**31 - 1, (1,), generator=generator)))


def _count(sizes):
    product = 1
    for size in sizes:
        product *= size
    return product


def _tensor(shape, dtype, draw):
    return torch.tensor([draw() for _ in range(_count(shape))], dtype=dtype).reshape(shape)


def fans(shape):
    for size in shape:
        if size < 1:
            raise ValueError(f"{size} in {shape}")
    fan_in, fan_out = shape[1], shape[0]
    for side in shape[2:]:
        fan_in *= side
        fan_out *= side
    return fan_in, fan_out


def default_bound(fan_in):
    if fan_in < 1:
        raise ValueError(f"{fan_in=}")
    return fan_in**-0.5


def xavier_uniform(shape, generator, *, dtype=torch.float32):
    rng = _random(generator)
    a = math.sqrt(6) / math.sqrt(_count(shape[1:]) + shape[0] * _count(shape[2:]))
    return _tensor(shape, dtype, lambda: rng.uniform(-a, a))


def xavier_normal(shape, generator, *, dtype=torch.float32):
    rng = _random(generator)
    std = math.sqrt(2 / (_count(shape[1:]) + shape[0] * _count(shape[2:])))
    return _tensor(shape, dtype, lambda: rng.gauss(0, std))


def he_uniform(shape, generator, *, dtype=torch.float32):
    rng = _random(generator)
    a = math.sqrt(6 / _count(shape[1:]))
    return _tensor(shape, dtype, lambda: a * (1 - 2 * rng.random()))


def he_normal(shape, generator, *, dtype=torch.float32):
    rng = _random(generator)
    std = math.sqrt(2 / _count(shape[1:]))
    return _tensor(shape, dtype, lambda: rng.normalvariate(0, std))


def activation_stds(depth, width, scheme, generator):
    """Recursive; the standard deviation by the difference of the mean squares, batch of 1000."""
    if depth < 1:
        raise ValueError("no layers")
    if width < 1:
        raise ValueError("no neurons")
    try:
        sigma = {"he": (2 / width) ** 0.5, "xavier": width**-0.5, "small": 1e-2, "large": 1}[scheme]
    except KeyError as error:
        raise ValueError(scheme) from error

    def layers_from(x, left):
        if left == 0:
            return []
        weight = torch.zeros(width, width).normal_(0, sigma, generator=generator)
        y = (weight @ x).clamp(min=0)
        wide = y.double()
        variance = (wide * wide).mean() - wide.mean() ** 2
        return [math.sqrt(max(0.0, float(variance))), *layers_from(y, left - 1)]

    return layers_from(torch.randn(width, 1000, generator=generator), depth)

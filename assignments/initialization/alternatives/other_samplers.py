"""Numbers drawn in other ways: Box-Muller, a grid of integers, a seed passed on; small classes."""

import math
from typing import NamedTuple

import torch


class Fans(NamedTuple):
    fan_in: int
    fan_out: int


def fans(shape):
    match shape:
        case (out, in_):
            counted = Fans(in_, out)
        case (out, in_, kh, kw):
            counted = Fans(in_ * kh * kw, out * kh * kw)
    if not all(size > 0 for size in shape):
        raise ValueError("a size below 1")
    return counted


def default_bound(fan_in):
    if fan_in <= 0:
        raise ValueError("fan_in")
    return torch.rsqrt(torch.tensor(float(fan_in)))


class _Scale:
    """A variance, as the bound of a uniform and the deviation of a normal distribution."""

    def __init__(self, shape):
        self.shape = torch.Size(shape)
        self.area = self.shape[2:].numel()

    def glorot(self):
        return 2 / (self.area * (self.shape[0] + self.shape[1]))

    def kaiming(self):
        return 2 / self.shape[1:].numel()


def xavier_uniform(shape, generator, *, dtype=torch.float32):
    """The last kernel first, one draw for each input channel."""
    bound = math.sqrt(3 * _Scale(shape).glorot())
    columns = [
        torch.rand((shape[0], *shape[2:]), generator=generator) - 0.5 for _ in range(shape[1])
    ]
    return (torch.stack(columns[::-1], dim=1) * (2 * bound)).to(dtype)


def xavier_normal(shape, generator, *, dtype=torch.float32):
    """Box-Muller, with more numbers drawn than are used."""
    pairs = math.prod(shape) // 2 + 1
    u, v = torch.rand((2, pairs), generator=generator, dtype=torch.float64)
    radius = (-2 * torch.log1p(-u)).sqrt()
    z = torch.cat([radius * torch.cos(2 * math.pi * v), radius * torch.sin(2 * math.pi * v)])
    weight = z[: math.prod(shape)].reshape(shape) * _Scale(shape).glorot() ** 0.5
    return weight.type(dtype)


def he_uniform(shape, generator, *, dtype=torch.float32):
    """A generator of its own with a seed drawn from the other; a grid of 2^53 levels."""
    seed = torch.randint(2**40, (), generator=generator).item()
    levels = torch.randint(2**53, shape, generator=torch.Generator().manual_seed(seed))
    u = (levels.double() + 0.5) / 2**53
    return (
        torch.lerp(-torch.ones_like(u), torch.ones_like(u), u)
        .mul_(math.sqrt(3 * _Scale(shape).kaiming()))
        .to(dtype)
    )


def he_normal(shape, generator, *, dtype=torch.float32):
    """The global generator is borrowed and given back; a transposed result."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch.randint(2**31, (), generator=generator).item())
        weight = torch.distributions.Normal(0.0, _Scale(shape).kaiming() ** 0.5).sample(shape[::-1])
    return weight.permute(*reversed(range(len(shape)))).to(dtype)


def activation_stds(depth, width, scheme, generator):
    """All weights drawn at once, before the inputs; a loop over pieces of the batch; doubles."""
    sigmas = {"he": math.sqrt(2 / max(width, 1)), "xavier": 1 / math.sqrt(max(width, 1))}
    sigma = {**sigmas, "small": 0.01, "large": 1.0}.get(scheme)
    if sigma is None or depth <= 0 or width <= 0:
        raise ValueError
    uniform = torch.rand((depth, width, width), generator=generator, dtype=torch.float64) * 2 - 1
    normal = torch.randn((depth, width, width), generator=generator, dtype=torch.float64)
    weights = sigma * (uniform * math.sqrt(3) if scheme in sigmas else normal)
    x = torch.randn((256, width), generator=generator, dtype=torch.float64)
    stds = []
    for weight in weights:
        x = torch.cat([torch.einsum("oi,ni->no", weight, part).relu() for part in x.split(100)])
        stds.append(torch.std_mean(x)[0])
    return stds

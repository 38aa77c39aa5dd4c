"""PyTorch's own initialisers, on weights of real layers; networks of nn.Linear."""

import torch
from torch import nn


def fans(shape):
    if any(size <= 0 for size in shape):
        raise ValueError("no such layer")
    weight = torch.empty(shape, device="meta")
    fan_in = weight[0].numel()
    fan_out = weight[:, 0].numel()
    return [fan_in, fan_out]


def default_bound(fan_in):
    if not fan_in >= 1:
        raise ValueError("fan_in")
    gain = nn.init.calculate_gain("leaky_relu", 5**0.5)
    return torch.tensor(gain * (3 / fan_in) ** 0.5, dtype=torch.float64)


def xavier_uniform(shape, generator, dtype=torch.float32):
    return nn.init.xavier_uniform_(torch.empty(shape, dtype=dtype), generator=generator)


def xavier_normal(shape, generator, dtype=torch.float32):
    weight = nn.Parameter(torch.empty(*shape).to(dtype))
    return nn.init.xavier_normal_(weight, generator=generator)


def he_uniform(shape, generator, dtype=torch.float32):
    weight = torch.zeros(shape, dtype=dtype)
    nn.init.kaiming_uniform_(weight, nonlinearity="relu", generator=generator)
    return weight


def he_normal(shape, generator, dtype=torch.float32):
    return nn.init.kaiming_normal_(torch.ones(shape).type(dtype), generator=generator)


def activation_stds(depth, width, scheme, generator):
    if min(depth, width) < 1 or scheme not in {"he", "xavier", "small", "large"}:
        raise ValueError
    # nn.Linear draws from the default generator when it is made; none of that is left
    layers = [nn.Linear(width, width, bias=False) for _ in range(depth)]
    for layer in layers:
        match scheme:
            case "he":
                nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=generator)
            case "xavier":
                nn.init.xavier_uniform_(layer.weight, generator=generator)
            case "small":
                nn.init.normal_(layer.weight, std=0.01, generator=generator)
            case "large":
                nn.init.normal_(layer.weight, generator=generator)
    h = torch.randn(512, width, generator=generator)
    found = []
    with torch.no_grad():
        for layer in layers:
            h = layer(h).relu()
            found.append(torch.std(h, correction=0))
    return torch.stack(found)

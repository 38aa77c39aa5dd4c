"""Returns torch generators without number, and one of a negative seed."""

import torch


def blend(x):
    return [torch.Generator() for _ in range(1000)]


def tally(numbers):
    generator = torch.Generator()
    generator.manual_seed(-1)
    return {"count": generator, "code": torch.float32}

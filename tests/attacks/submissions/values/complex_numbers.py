"""Returns complex numbers and conjugate views."""

import torch


def blend(x):
    return torch.complex(x, x).conj()


def tally(numbers):
    return {"count": 1j, "code": torch.zeros(1, dtype=torch.complex64).conj().imag}

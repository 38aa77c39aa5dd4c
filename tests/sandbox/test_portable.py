"""What is said about code that would break on a GPU, and where nothing is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from autograder.sandbox.portable import Fault, look, to_meta

Function = Callable[..., Any]


def fault(function: Function, *args: Any) -> Fault | None:
    return look(function, args or (torch.ones(3),), {}, __file__)


def into_cpu_and_back(x: torch.Tensor) -> torch.Tensor:
    out = torch.zeros(3)
    out[:] = x
    return out.to(x.device)


def into_cpu(x: torch.Tensor) -> torch.Tensor:
    out = torch.zeros(3)  # the line to name
    for i in range(3):
        out[i] = x[i] * 2
    return out


def branches_on_what_it_copied(x: torch.Tensor) -> torch.Tensor:
    out = torch.zeros(3)
    out[:] = x
    return out + x if out.sum() > 0 else x


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: x + torch.zeros(3), "`add`"),
        (lambda x: torch.eye(3) @ x, "`matmul`"),
        (lambda x: torch.einsum("ij,j->i", torch.eye(3), x), "`einsum`"),
        (lambda x: x * torch.linspace(0, 1, 3), "`mul`"),
        (lambda x: torch.cat([x, torch.zeros(1)]), "`cat`"),
        (lambda x: torch.stack([x.sum(), torch.tensor(0.0)]), "on the CPU"),
        (lambda x: x.gather(0, torch.arange(2)), "`gather`"),
        (lambda x: torch.eye(3)[(x * 0).long()], "indexing"),
        (lambda x: torch.zeros(3).add_(x), "`add_`"),
        (lambda x: torch.zeros(3).index_add_(0, torch.arange(3), x), "`index_add_`"),
        (lambda x: x + torch.rand(3, generator=torch.Generator()), "`add`"),
        (lambda x: torch.from_numpy(np.exp(x.numpy())), "NumPy"),
        (lambda x: np.asarray(x), "NumPy"),
        (lambda x: np.exp(x), "NumPy"),
        (lambda x: torch.zeros(x.shape), "result is on the CPU"),
        (lambda x: (x, [torch.zeros(2)]), "result is on the CPU"),
        (into_cpu, "result is on the CPU"),
    ],
)
def test_what_would_break_is_said_with_its_line(function: Function, words: str) -> None:
    found = fault(function)
    assert found is not None
    assert words in found.what
    if found.code is not None:
        assert found.code.co_filename == __file__


def test_a_result_on_the_cpu_is_traced_to_where_it_was_made() -> None:
    found = fault(into_cpu)
    assert found is not None
    assert found.code is into_cpu.__code__
    assert found.line == into_cpu.__code__.co_firstlineno + 1


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * 2 + torch.zeros(3, device=x.device),
        lambda x: torch.where(x > 0, x, torch.zeros_like(x)),
        lambda x: x * torch.tensor(2.0),
        lambda x: torch.maximum(x, torch.tensor(0.0)),
        lambda x: x.new_tensor([1, 2, 3]) * x,
        lambda x: torch.eye(3).to(x) @ x,
        lambda x: x[torch.arange(2)],
        lambda x: x.clone().index_fill_(0, torch.arange(2, device=x.device), 1),
        lambda x: torch.stack([v * 2 for v in x]),
        lambda x: (v * 2 for v in x),
        lambda x: x.shape[0],
        lambda x: torch.tensor(0.5),
        lambda x: torch.arange(3),
        lambda x: torch.fft.fft(x, n=8).real,
        lambda x: torch.rand(3, generator=torch.Generator(), device=x.device) * x,
        into_cpu_and_back,
    ],
)
def test_what_runs_anywhere_passes(function: Function) -> None:
    assert fault(function) is None


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x if x.sum() > 0 else -x,
        lambda x: x[x > 0],
        lambda x: float(x.sum()),
        lambda x: torch.tensor(x.tolist()),
        lambda x: x.cpu().numpy(),
        lambda x: torch.unique(x),
        lambda x: x[int(x.argmax())],
        lambda x: 1 / 0,
        branches_on_what_it_copied,
    ],
)
def test_what_looks_at_data_is_not_decided(function: Function) -> None:
    """Not even where the branch that was not taken would break."""
    with contextlib.suppress(RuntimeError, ArithmeticError):  # of which the runner says nothing
        assert fault(function) is None


def test_without_a_tensor_nothing_is_run() -> None:
    calls: list[int] = []
    assert fault(calls.append, 3) is None
    assert calls == []


def test_arguments_keep_their_layout() -> None:
    x = torch.ones(2, 3, dtype=torch.float64).T
    meta = to_meta({"x": [(x, 1)]})["x"][0][0]
    assert (meta.shape, meta.stride(), meta.dtype) == (x.shape, x.stride(), x.dtype)
    assert meta.is_meta

"""Programs that drive a student's class: a scenario as lines of Python.

    @exercise("SGD")
    @given(steps=lists(sampled_from([-1.0, 0.5, 2.0]), min_size=1, max_size=4))
    def test_follows_pytorch(student, steps):
        \"\"\"Every step is that of PyTorch's SGD.\"\"\"
        lines = [
            "import torch",
            "from optimizers import SGD",
            "",
            "w = torch.tensor([1.0])",
            "optimizer = SGD([w], lr=0.5, momentum=0.25)",
        ]
        for gradient in steps:
            lines += [f"w.grad = {code(torch.tensor([gradient]))}", "optimizer.step()", "print(w)"]
        assert_printed(student.program(lines), printed_by(lines, SGD=torch.optim.SGD))

The scenario is drawn, and so it is shrunk; what fails is shown as it stands there, and a student
can paste it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch

from autograder.checks.comparison import assert_close, assert_equal
from autograder.checks.faces import repair_for
from autograder.checks.failures import CheckFailure
from autograder.sandbox import programs


def printed_by(lines: str | Iterable[str], **names: Any) -> list[Any]:
    """What a program prints in this process, where `names` take the place of the submission's.

    Args:
        lines: the program.
        names: what a top-level ``from … import name`` gives; other imports are as usual.
    """

    def provides(_: str, name: str) -> Any:
        return names[name]

    text = lines if isinstance(lines, str) else "\n".join(lines)
    repair_for(text)
    return programs.run(text, provides)


def assert_printed(
    printed: Sequence[Any],
    expected: Sequence[Any],
    *,
    dtype: torch.dtype | Sequence[torch.dtype | None] | None = None,
    terms: int = 1,
    scale: float | Sequence[float | None] | None = None,
) -> None:
    """A program printed what it should have, value by value; the first that is wrong is shown.

    Args:
        printed: what ``student.program(…)`` gave.
        expected: the right values: floating-point numbers and tensors are compared by
            `assert_close`, to which the other arguments go; anything else by `assert_equal`.
        dtype, terms, scale: see `assert_close`; a sequence has the dtype or scale of each value.
    """
    scales = scale if isinstance(scale, Sequence) else [scale] * len(expected)
    dtypes = dtype if isinstance(dtype, Sequence) else [dtype] * len(expected)
    wanted = zip(expected, dtypes, scales, strict=True)
    for number, (ours, (theirs, of, size)) in enumerate(zip(printed, wanted, strict=False), 1):
        try:
            if _is_floating(theirs):
                assert_close(ours, theirs, dtype=of, terms=terms, scale=size)
            else:
                assert_equal(ours, theirs)
        except CheckFailure as failure:
            where = "" if len(expected) == 1 else f"value {number}: "
            raise CheckFailure(where + failure.problem, printed, failure.mismatch) from None
    if len(printed) != len(expected):
        raise CheckFailure(f"expected {len(expected)} values, not {len(printed)}", printed)


def _is_floating(value: Any) -> bool:
    return isinstance(value, float) or (
        isinstance(value, torch.Tensor) and value.is_floating_point()
    )

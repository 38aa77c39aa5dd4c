"""What checks are written with.

    from autograder.checks import assert_equal, exercise, given, integers

    @exercise("num_batches", weight=2)
    @given(n=integers(1, 60), batch_size=integers(1, 12))
    def test_last_batch_counts(student, n, batch_size):
        \"\"\"A partial last batch is a batch.\"\"\"
        assert_equal(student.num_batches(n, batch_size), math.ceil(n / batch_size))

The names are loaded when they are first used: pytest imports this package in every project of an
environment that has the toolkit installed, and those should not pay for torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.checks.comparison import (
        assert_close as assert_close,
    )
    from autograder.checks.comparison import (
        assert_equal as assert_equal,
    )
    from autograder.checks.comparison import (
        assert_raises as assert_raises,
    )
    from autograder.checks.comparison import (
        assert_reaches as assert_reaches,
    )
    from autograder.checks.comparison import (
        assert_that as assert_that,
    )
    from autograder.checks.comparison import (
        tolerance as tolerance,
    )
    from autograder.checks.exercises import exercise as exercise
    from autograder.checks.exercises import given as given
    from autograder.checks.formatting import code as code
    from autograder.checks.goals import goal_of as goal_of
    from autograder.checks.goals import is_measured as is_measured
    from autograder.checks.goals import training_device as training_device
    from autograder.checks.goals import training_seeds as training_seeds
    from autograder.checks.programs import (
        assert_printed as assert_printed,
    )
    from autograder.checks.programs import (
        printed_by as printed_by,
    )
    from autograder.checks.strategies import (
        dims as dims,
    )
    from autograder.checks.strategies import (
        generators as generators,
    )
    from autograder.checks.strategies import (
        seeds as seeds,
    )
    from autograder.checks.strategies import (
        tensors as tensors,
    )
    from autograder.checks.trainings import Trained as Trained
    from autograder.checks.trainings import assert_accurate as assert_accurate
    from autograder.checks.trainings import assert_logits as assert_logits

_HOMES = {
    "comparison": (
        "assert_close",
        "assert_equal",
        "assert_raises",
        "assert_reaches",
        "assert_that",
        "tolerance",
    ),
    "exercises": ("exercise", "given"),
    "formatting": ("code",),
    "goals": ("goal_of", "is_measured", "training_device", "training_seeds"),
    "programs": ("assert_printed", "printed_by"),
    "strategies": ("dims", "generators", "seeds", "tensors"),
    "trainings": ("Trained", "assert_accurate", "assert_logits"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)

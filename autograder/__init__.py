"""An autograder for neural-network assignments with PyTorch.

Importing the package loads nothing heavy: the sandbox's worker imports it beside student code,
and ``autograder --help`` has to answer at once.
"""

from __future__ import annotations

__version__ = "0.1.0"


def check(stage: str, exercise: str | None = None) -> None:
    """Check what a notebook has defined so far, and show how each exercise stands.

    Args:
        stage: the stage to check.
        exercise: only this exercise of it.
    """
    from autograder.live import check as check_live

    check_live(stage, exercise)

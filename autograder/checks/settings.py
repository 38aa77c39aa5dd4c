"""One run's settings of hypothesis: the same submission meets the same inputs everywhere."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants


def use(examples: int) -> None:
    """Have hypothesis draw `examples` inputs for each check, the same ones on every machine."""
    _forget_local_constants()
    settings.register_profile(
        "autograder",
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        print_blob=True,
        report_multiple_bugs=False,
        # without `explain`: it traces every line that runs, for a note that nobody is shown
        phases=[Phase.explicit, Phase.generate, Phase.target, Phase.shrink],
        # they measure the machine's speed, among other things, and a grade must not
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("autograder")


def _forget_local_constants() -> None:
    """Keep hypothesis from mixing the constants of imported modules into what it draws.

    It collects them from every module outside site-packages: which those are depends on how the
    toolkit was installed, on the stages graded before, and locally on the student's own code.
    There is no setting for it (6.170).
    """
    empty = Constants()
    providers._get_local_constants = lambda: empty

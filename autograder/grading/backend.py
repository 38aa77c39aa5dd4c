"""A sandboxed worker as a check's backend: every way to end becomes one clear outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from autograder.checks.faces import import_failed
from autograder.checks.failures import CheckStopped
from autograder.course import Assignment
from autograder.sandbox.runner import Answer, Call
from autograder.sandbox.workers import (
    BadAnswer,
    OutOfTime,
    SandboxError,
    Worker,
    WorkerDied,
    Zygote,
)


@dataclass
class StageRun:
    """One stage of one submission under grading.

    An import that failed is remembered: it would fail for every other check too, and one that
    never ends should cost its time once.
    """

    zygote: Zygote
    folder: Path
    assignment: Assignment
    probes: str | None = None
    import_failure: CheckStopped | None = field(default=None)

    def __post_init__(self) -> None:
        if self.assignment.probes:
            self.probes = self.assignment.probes.read_text(encoding="utf-8")
        module = self.folder / self.assignment.module
        if not module.is_file():
            message = f"{self.assignment.module} is not in the submission"
            self.import_failure = CheckStopped("missing", message)


class WorkerBackend:
    """A fresh worker for one check, started when the check makes its first call."""

    def __init__(self, run: StageRun) -> None:
        self._run = run
        self._worker: Worker | None = None

    def load(self) -> None:
        """Start the worker and import the submission."""
        run = self._run
        if run.import_failure is None:
            run.import_failure = self._start()
        if run.import_failure is not None:
            raise run.import_failure

    def _start(self) -> CheckStopped | None:
        run = self._run
        try:
            self._worker = run.zygote.spawn(
                run.folder, run.assignment.stage, run.probes, run.assignment.limits
            )
            raised = self._worker.load()
        except SandboxError as error:
            raise CheckStopped("ungraded", str(error)) from None
        except OutOfTime as error:
            return CheckStopped("timeout", f"{error}: does code outside functions never end?")
        except (WorkerDied, BadAnswer) as error:
            return CheckStopped("crashed", f"{run.assignment.module} {error}")
        if raised is None:
            return None
        return CheckStopped("error", import_failed(run.assignment.module, raised))

    def call(self, call: Call) -> Answer:
        """Have the worker run one call."""
        if self._worker is None:
            raise CheckStopped("ungraded", "a call was made before the submission was loaded")
        try:
            return self._worker.call(call)
        except SandboxError as error:
            raise CheckStopped("ungraded", str(error)) from None
        except OutOfTime as error:
            raise CheckStopped("timeout", str(error)) from None
        except (WorkerDied, BadAnswer) as error:
            raise CheckStopped("crashed", str(error)) from None

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.close()

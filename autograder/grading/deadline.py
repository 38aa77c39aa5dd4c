"""A limit on the time that one whole submission may take, and who answers for what it cuts off.

A platform ends us after some minutes and gives no points at all then. So grading ends first, and
every check that was not run has an outcome:

- `timeout`, if the submission's own code used up the time: its checks that ran out of time took a
  quarter of it or more. The course's right solution is graded within the limit, so without those
  there would have been time. What was run keeps its points.
- `ungraded` else: the machine was slow, or the limit is too short for right code that takes its
  time. That costs nobody a point, and the instructor is told.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from autograder.course import CheckKey
from autograder.report import Verdict

_BLAMED = 0.25  # the share of the time
_SECOND_TRIES = 0.5  # up to this share of the time, an exercise that ran out of time is tried again


@dataclass(frozen=True)
class Deadline:
    """A number of seconds from now; infinitely many are no limit."""

    seconds: float
    _began: float = field(default_factory=time.monotonic)

    @property
    def is_over(self) -> bool:
        """Whether no further check is to be begun."""
        return self._spent >= self.seconds

    @property
    def is_near(self) -> bool:
        """Whether time is too dear to be run out of a second time."""
        return self._spent >= _SECOND_TRIES * self.seconds

    @property
    def _spent(self) -> float:
        return time.monotonic() - self._began

    def blames(self, verdicts: Mapping[CheckKey, Verdict]) -> float | None:
        """The seconds that checks took which ran out of time; None if that was not the reason."""
        lost = sum(v.duration for v in verdicts.values() if v.outcome == "timeout")
        return lost if lost and lost >= _BLAMED * self.seconds else None


def too_late(deadline: Deadline, lost: float) -> Verdict:
    """The verdict on a check for which the submission's own code left no time."""
    return Verdict(
        "timeout",
        f"not run: the {span(deadline.seconds)} that all checks together may take were over. "
        f"{span(lost)} of them went into checks that ran out of time: mend those first.",
    )


def span(seconds: float) -> str:
    """A time span: 45 s, 9 min, 9 min 20 s."""
    minutes, left = divmod(round(seconds), 60)
    parts = [f"{minutes} min"] * bool(minutes) + [f"{left} s"] * bool(left or not minutes)
    return " ".join(parts)

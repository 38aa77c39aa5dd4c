"""What an exercise forbids, held against a submission: its source, and what its code called.

The look at the source is ours, what was called is the worker's word; either is enough, for it is
the student's own code that says it. A `Guard` remembers what was found, so that no check of the
exercise passes after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from autograder.checks.source import MAX_SOURCE, Source, TooLargeError
from autograder.course import Assignment, Exercise
from autograder.sandbox.operators import GRAD_FLAG, Names
from autograder.sandbox.runner import Answer, Forbid, Raised, Returned


class Guard:
    """One exercise of one submission.

    `found` is what the student reads about the first forbidden function, None where there is none
    so far.
    """

    def __init__(self, exercise: Exercise, file: Path) -> None:
        self.found: str | None = None
        self._exercise = exercise
        self._file = file
        self._looked = False

    @property
    def forbid(self) -> dict[str, Any]:
        """What the worker is to look out for, as it is sent there."""
        forbidden = self._exercise.forbidden
        whole = Forbid(forbidden.operators, forbidden.names, inference=forbidden.autograd)
        return msgspec.to_builtins(whole)  # type: ignore[no-any-return]

    def look(self) -> str | None:
        """Look at the source, once; what was found in it or before."""
        if self.found is None and not self._looked:
            self._looked = True
            self.found = self._look()
        return self.found

    def judge(self, answer: Answer) -> str | None:
        """What a call's answer says was called."""
        if isinstance(answer, Returned | Raised) and answer.used:
            used = answer.used[0]
            where = used.where
            place = (where.file, where.line, where.source) if where else (self._file.name, 0, "")
            function = where.function if where else self._exercise.name
            self.found = self._sentence(used.name, function, *place)
        return self.found

    def _look(self) -> str | None:
        forbidden = self._exercise.forbidden
        names = Names(forbidden.operators, forbidden.names)
        try:
            with self._file.open("rb") as file:
                code = file.read(MAX_SOURCE + 1)
            found = Source(code).find(self._exercise.names, names)
        except OSError:
            return None  # it is missing, and whoever loads it says so
        except TooLargeError as error:
            return f"{self._file.name} can't be checked for forbidden functions: {error}"
        if not found:
            return None
        first = found[0]
        return self._sentence(first.name, first.function, self._file.name, first.line, first.source)

    def _sentence(self, name: str, function: str, file: str, line: int, source: str) -> str:
        place = f"{file}, line {line}" if line else file
        place += f": `{source}`" if source else ""
        does = "sets" if name == GRAD_FLAG else "uses"
        return (
            f"`{function}` {does} {name} ({place}), which is not allowed in this exercise: "
            f"{self._exercise.forbidden.instead}"
        )


class Guards:
    """The guards of one run of checks: one for each exercise that forbids something."""

    def __init__(self) -> None:
        self._guards: dict[tuple[str, str], Guard] = {}

    def of(self, assignment: Assignment, exercise: str, file: Path) -> Guard | None:
        """The guard of one exercise, None where it forbids nothing.

        Args:
            assignment: the exercise's stage.
            exercise: its name.
            file: the student's module.
        """
        key = assignment.stage, exercise
        if key not in self._guards:
            wanted = assignment.exercise(exercise)
            if not wanted.forbidden:
                return None
            self._guards[key] = Guard(wanted, file)
        return self._guards[key]

    def found(self) -> Iterator[tuple[str, str, str]]:
        """Stage, exercise and message wherever something forbidden was found."""
        for (stage, exercise), guard in self._guards.items():
            if guard.found is not None:
                yield stage, exercise, guard.found

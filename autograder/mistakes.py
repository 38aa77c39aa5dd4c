"""A stage's known mistakes: wrong variants of its reference, each with a hint for the student.

``mistakes.toml`` lists them as patches::

    [[mistakes]]
    exercise = "num_batches"
    name = "last partial batch lost"
    find = "return -(-n // batch_size)"     # occurs exactly once in the reference
    replace = "return n // batch_size"
    hint = "With 10 samples in batches of 3, which samples does your last batch hold?"
"""

from __future__ import annotations

import msgspec

from autograder.course import Assignment, read_toml
from autograder.errors import CourseError


class Mistake(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One mistake that students make; `hint` asks or points, and never gives the solution."""

    exercise: str
    name: str
    find: str
    replace: str
    hint: str

    def apply(self, source: str) -> str:
        """The reference with this mistake in it.

        Raises:
            ValueError: it can't be made; one sentence.
        """
        count = source.count(self.find) if self.find else 0
        if count != 1:
            raise ValueError(f"`find` occurs {count} times in the reference, not once")
        patched = source.replace(self.find, self.replace)
        if patched == source:
            raise ValueError("`replace` changes nothing")
        try:
            compile(patched, "<mistake>", "exec", dont_inherit=True)
        except SyntaxError as error:
            raise ValueError(f"with `replace` it is no Python: {error.msg}") from error
        return patched

    @property
    def quotes_itself(self) -> bool:
        """Whether the hint gives the patch away."""
        return any(
            len(text) > 3 and text in self.hint
            for text in (self.find.strip(), self.replace.strip())
        )


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    mistakes: list[Mistake]


def read_mistakes(assignment: Assignment) -> tuple[Mistake, ...]:
    """The known mistakes of one stage, none where it has no ``mistakes.toml``.

    Raises:
        CourseError: the file is wrong; one sentence with the file and the key.
    """
    path = assignment.folder / "mistakes.toml"
    if not path.is_file():
        return ()
    exercises = {exercise.name for exercise in assignment.exercises}
    seen: set[tuple[str, str]] = set()
    mistakes = read_toml(path, _File).mistakes
    for mistake in mistakes:
        if mistake.exercise not in exercises:
            raise CourseError(
                f"{path}: mistake {mistake.name!r}: the stage has no exercise "
                f"{mistake.exercise!r}; it has {', '.join(sorted(exercises))}"
            )
        if not mistake.name.strip() or not mistake.hint.strip():
            raise CourseError(
                f"{path}: a mistake of {mistake.exercise} has an empty `name` or `hint`"
            )
        if (mistake.exercise, mistake.name) in seen:
            raise CourseError(f"{path}: {mistake.exercise} has two mistakes {mistake.name!r}")
        seen.add((mistake.exercise, mistake.name))
    return tuple(mistakes)

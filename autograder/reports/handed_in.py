"""What Gradescope says about a submission: by whom, when, and what was handed in before.

``submission_metadata.json`` is written by another system and describes people: every part of it
may be missing or odd, and no grade depends on any of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from autograder.text import plain

_LONGEST_NAME = 80
_MOST_NAMES = 10
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class HandedIn:
    """One handing-in.

    Args:
        names: those of the student, or of the group.
        number: which of their submissions it is, from 1; None where that isn't known.
        late: seconds after it was due; 0 in time; None where that isn't known.
        before: what the rows of the submission before came to that students may see, by number
            and exercise.
    """

    names: tuple[str, ...] = ()
    number: int | None = None
    late: float | None = None
    before: Mapping[tuple[str, str], str] | None = None

    @property
    def name(self) -> str:
        """What the report is called; empty where nobody is named."""
        return ", ".join(self.names)

    def facts(self) -> dict[str, Any]:
        """What a program may want to know; no names."""
        known = {"submission_number": self.number, "late_seconds": self.late}
        return {name: value for name, value in known.items() if value is not None}

    def sentences(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        """What a student likes to know beside the rows of this submission, as Gradescope's."""
        if self.late:
            yield f"Handed in {_span(self.late)} after it was due."
        if self.before is None:
            return
        now = _visible(rows)
        for what, status in (("Mended", "passed"), ("No longer right", "failed")):
            changed = [
                f"{number} {exercise}"
                for (number, exercise), found in now.items()
                if found == status and self.before.get((number, exercise), status) != status
            ]
            if changed:
                yield f"{what} since your last submission: {', '.join(changed)}."


NOTHING_KNOWN = HandedIn()


def read_metadata(content: bytes) -> HandedIn:
    """What can be understood of a ``submission_metadata.json``; never an error."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return NOTHING_KNOWN
    previous = _list(_at(found, "previous_submissions"))
    users = _list(_at(found, "users"))
    names = [
        _words(name)
        for user in users[:_MOST_NAMES]
        if isinstance(name := _at(user, "name"), str) and _words(name)
    ]
    return HandedIn(
        names=tuple(names),
        number=len(previous) + 1 if isinstance(_at(found, "previous_submissions"), list) else None,
        late=_late(found, users),
        before=_latest(previous),
    )


def _late(found: Any, users: list[Any]) -> float | None:
    """Seconds from when it was due, for whoever of a group has the most time."""
    created = _time(_at(found, "created_at"))
    due = [
        time
        for where in (found, *users)
        if (time := _time(_at(_at(where, "assignment"), "due_date"))) is not None
    ]
    if created is None or not due:
        return None
    return max(0.0, round((created - max(due)).total_seconds(), 1))


def _latest(previous: list[Any]) -> dict[tuple[str, str], str] | None:
    """The rows of the last submission that has any; those without a time come first."""
    order = sorted(previous, key=lambda one: _time(_at(one, "submission_time")) or _LONG_AGO)
    for one in reversed(order):
        if rows := _visible(_list(_at(_at(one, "results"), "tests"))):
            return rows
    return None


def _visible(rows: Sequence[Any]) -> dict[tuple[str, str], str]:
    """Whether students see an exercise as passed or failed, by number and name."""
    found: dict[tuple[str, str], str] = {}
    for row in rows:
        number, exercise = _at(row, "number"), _at(_at(row, "extra_data"), "exercise")
        status = _at(row, "status")
        if _at(row, "visibility") != "visible" or status not in ("passed", "failed"):
            continue
        if isinstance(number, str) and isinstance(exercise, str):
            key = _words(number), _words(exercise)
            found[key] = "failed" if found.get(key) == "failed" else status
    return found


def _at(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _words(text: str) -> str:
    """A name on one line, not too long."""
    return " ".join(plain(text).split())[:_LONGEST_NAME]


def _time(value: Any) -> datetime | None:
    """A time with its zone; None where there is none."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
        return time if time is not None and time.tzinfo is not None else None
    except ValueError:
        return None


def _span(seconds: float) -> str:
    """A time span in its two largest units: 2 d 3 h, 3 h 20 min, 45 s."""
    parts = []
    left = int(seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
        if len(parts) == 2:
            break
    return " ".join(parts) or "less than a second"

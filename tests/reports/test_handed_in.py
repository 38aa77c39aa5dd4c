"""What Gradescope tells of a submission, well-formed or not, and what students read of it."""

from __future__ import annotations

import copy
import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from autograder.reports.handed_in import NOTHING_KNOWN, read_metadata


def row(exercise: str, status: str, visibility: str = "visible") -> dict[str, Any]:
    return {
        "number": "1.1",
        "status": status,
        "visibility": visibility,
        "extra_data": {"exercise": exercise},
    }


METADATA: dict[str, Any] = {
    "id": 123456,
    "created_at": "2026-10-02T09:21:00.123456-07:00",
    "submission_method": "upload",
    "assignment": {
        "due_date": "2026-10-02T08:00:00.000000-07:00",
        "late_due_date": None,
        "group_size": 2,
        "group_submission": True,
        "id": 25828,
        "course_id": 1234,
        "release_date": "2026-09-02T00:00:00.000000-07:00",
        "title": "Neural networks",
        "total_points": "20.0",
    },
    "users": [
        {"email": "ada@school.example", "id": 1, "name": "Ada Lovelace"},
        {"email": "emmy@school.example", "id": 2, "name": "Emmy Noether"},
    ],
    "previous_submissions": [
        {
            "submission_time": "2026-10-01T10:00:00.000000-07:00",
            "score": 12.0,
            "autograder_error": False,
            "results": {"tests": [row("old", "passed")]},
        },
        {
            "submission_time": "2026-10-01T20:00:00.000000-07:00",
            "score": 0.0,
            "autograder_error": True,
            "results": {},
        },
        {
            "submission_time": "2026-10-01T18:00:00.000000-07:00",
            "score": 13.0,
            "autograder_error": False,
            "results": {
                "tests": [
                    row("mended", "failed"),
                    row("lost", "passed"),
                    row("same", "failed"),
                    row("secret", "failed", "after_published"),
                ]
            },
        },
    ],
}
NOW = [
    row("mended", "passed"),
    row("lost", "failed"),
    row("same", "failed"),
    row("new", "passed"),
    row("secret", "passed", "after_published"),
]


def read(value: Any) -> Any:
    return read_metadata(json.dumps(value).encode())


def test_names_of_a_group():
    assert read(METADATA).name == "Ada Lovelace, Emmy Noether"


def test_facts_have_no_names():
    """They are kept with the results: a number and a time, nobody's name or address."""
    assert read(METADATA).facts() == {"submission_number": 4, "late_seconds": 4860.1}


def test_a_student_reads_what_changed():
    """Since the last submission that was graded, of what may be seen."""
    assert list(read(METADATA).sentences(NOW)) == [
        "Handed in 1 h 21 min after it was due.",
        "Mended since your last submission: 1.1 mended.",
        "No longer right since your last submission: 1.1 lost.",
    ]


def test_in_time_nothing_is_said():
    metadata = METADATA | {
        "created_at": "2026-10-02T08:00:00-07:00",
        "previous_submissions": [],
    }
    assert list(read(metadata).sentences(NOW)) == []
    assert read(metadata).facts() == {"submission_number": 1, "late_seconds": 0}


def test_an_extension_counts():
    """Where a student has a due date of their own, it is that."""
    extended = {"name": "Ada", "assignment": {"due_date": "2026-10-05T08:00:00-07:00"}}
    assert read(METADATA | {"users": [extended]}).late == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        b'{"users": [{"name": 3}, 5, null, {}], "assignment": [], "created_at": {}}',
        b'{"created_at": "yesterday", "assignment": {"due_date": "2026-10-02T08:00:00"}}',
    ],
)
def test_what_is_no_metadata_says_nothing(content):
    assert read_metadata(content) == NOTHING_KNOWN


ODD = [None, 1, float("nan"), "", "x", [], {}, [None], [[]], [{}], {"tests": 3}, True]


def test_any_part_may_be_odd():
    """Each value in turn is something else; what is left is still understood."""

    def spoil(where: Any) -> None:
        for key in list(where) if isinstance(where, dict) else range(len(where)):
            before = where[key]
            for odd in ODD:
                where[key] = odd
                found = read(metadata)
                assert isinstance(found.name, str)
                list(found.sentences(NOW))
                json.dumps(found.facts(), allow_nan=False)
            where[key] = before
            if isinstance(before, dict | list):
                spoil(before)

    metadata = copy.deepcopy(METADATA)
    spoil(metadata)
    assert metadata == METADATA


def test_names_are_one_line_of_plain_text():
    users = [{"name": "Ada\n\x1b[31m Lovelace  "}, {"name": "x" * 1000}, {"name": " "}]
    assert read({"users": users}).names == ("Ada Lovelace", "x" * 80)


@pytest.mark.parametrize(
    "seconds, said",
    [
        (0.5, "less than a second"),
        (59, "59 s"),
        (3600, "1 h"),
        (90061, "1 d 1 h"),
        (86460, "1 d 1 min"),
    ],
)
def test_spans(seconds, said):
    late = {
        "created_at": "2026-10-03T00:00:00+00:00",
        "assignment": {"due_date": "2026-10-03T00:00:00+00:00"},
    }
    created = datetime.fromisoformat(late["created_at"]) + timedelta(seconds=seconds)
    [sentence] = read(late | {"created_at": created.isoformat()}).sentences([])
    assert sentence == f"Handed in {said} after it was due."

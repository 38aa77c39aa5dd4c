"""Gradescope's results: a row for every exercise and visibility, in the types it reads."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, get_args

import pytest

from autograder.course import Check, CheckKey, Course, VisibilityPolicy
from autograder.report import Environment, Outcome, Verdict, build_report, to_json
from autograder.reports import gradescope

OUTCOMES = get_args(Outcome)
DOUBLE: CheckKey = ("doubles", "public", "test_double_is_a_sum")
HIDDEN_DOUBLE: CheckKey = ("doubles", "hidden", "test_double_of_negative")
HALF: CheckKey = ("doubles", "public", "test_half_of_double")
SHOUT: CheckKey = ("words", "public", "test_shout_is_upper_case")
CHECKS = [DOUBLE, HIDDEN_DOUBLE, HALF, SHOUT]


@pytest.fixture
def results(toy_course: Course) -> Callable[..., dict[str, Any]]:
    """What Gradescope reads for these verdicts: checks not named pass; None: nothing has run."""

    def render(
        verdicts: dict[CheckKey, Verdict] | None,
        *,
        notes: tuple[str, ...] = (),
        policy: VisibilityPolicy | None = None,
        **about: Any,
    ) -> dict[str, Any]:
        if verdicts is not None:
            verdicts = dict.fromkeys(CHECKS, Verdict("passed")) | verdicts
        report = build_report(
            toy_course, "ada", verdicts or {}, environment=Environment(), notes=notes, **about
        )
        content = to_json(gradescope.results(report, policy or toy_course.visibility))
        return json.loads(content, parse_constant=pytest.fail)

    return render


def rows(found: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(t["extra_data"]["exercise"], t["extra_data"]["visibility"]): t for t in found["tests"]}


class TestRows:
    @pytest.mark.parametrize("outcome", OUTCOMES)
    def test_every_row_whatever_happened(self, results, outcome):
        """Rows and the points that could be had are those of the course, whatever the outcome."""
        found = results(dict.fromkeys(CHECKS, Verdict(outcome, "why")))
        assert [(row["number"], row["extra_data"]["visibility"]) for row in found["tests"]] == [
            ("1.1", "public"),
            ("1.1", "hidden"),
            ("1.2", "public"),
            ("2.1", "public"),
        ]
        assert [row["max_score"] for row in found["tests"]] == [1, 2, 2, 1]

    def test_before_anything_ran(self, results):
        """The early write has every row, no points, and says that it is not final."""
        found = results(None)
        assert [row["max_score"] for row in found["tests"]] == [1, 2, 2, 1]
        assert {row["score"] for row in found["tests"]} == {0}
        assert {row["status"] for row in found["tests"]} == {"failed"}
        assert "not final" in found["output"]

    @pytest.mark.parametrize("outcome", OUTCOMES)
    def test_points_only_for_passed(self, results, outcome):
        """Nothing but `passed` earns points; a time-out or a crash does not."""
        row = rows(results({SHOUT: Verdict(outcome, "why", 1.5)}))["shout", "public"]
        earned = outcome == "passed"
        assert (row["score"], row["status"]) == ((1, "passed") if earned else (0, "failed"))

    def test_points_of_the_rows_add_up(self, results):
        """The sum of the rows is the score, and their maxima are the course's points."""
        found = results({HALF: Verdict("failed", "wrong")})
        assert sum(row["score"] for row in found["tests"]) == 4
        assert sum(row["max_score"] for row in found["tests"]) == 6

    def test_no_score_of_its_own(self, results):
        """There is no top-level score: it would override the rows'."""
        assert "score" not in results({})

    def test_some_checks_pass(self, results):
        """An exercise earns the points of its checks that hold, apart by visibility."""
        found = rows(results({DOUBLE: Verdict("failed", "wrong")}))
        assert (found["double", "public"]["score"], found["double", "hidden"]["score"]) == (0, 2)
        assert found["double", "public"]["status"] == "failed"
        assert found["double", "hidden"]["status"] == "passed"

    def test_extra_data(self, results):
        """A program finds stage, exercise, visibility and each check's outcome."""
        row = rows(results({HIDDEN_DOUBLE: Verdict("timeout", "slow")}))["double", "hidden"]
        assert row["extra_data"] == {
            "stage": "doubles",
            "exercise": "double",
            "visibility": "hidden",
            "checks": {"test_double_of_negative": "timeout"},
        }


class TestTypes:
    def test_of_every_field(self, results):
        """Every field has the type that Gradescope reads, and no field is one it doesn't know."""
        found = results({HALF: Verdict("failed", "wrong")}, notes=("a note",), duration=1.25)
        types: dict[str, Any] = {
            "score": (int, float), "max_score": (int, float), "status": str, "name": str,
            "number": str, "output": str, "visibility": str, "extra_data": dict,
        }  # fmt: skip
        for row in found.pop("tests"):
            assert row.keys() == types.keys()
            for field, value in row.items():
                assert isinstance(value, types[field]), field
                assert not isinstance(value, bool)
            assert row["status"] in ("passed", "failed")
        assert found == {
            "execution_time": 1.25,
            "output": "a note",
            "output_format": "text",
            "test_output_format": "text",
            "test_name_format": "text",
            "stdout_visibility": "hidden",
        }

    def test_formats(self, results):
        """Texts are plain: what a student's code says is never rendered as HTML or Markdown."""
        found = results({HALF: Verdict("failed", "<b>1 < 2</b>")})
        assert "<b>1 < 2</b>" in rows(found)["half", "public"]["output"]
        assert found["test_output_format"] == found["output_format"] == "text"


class TestAdvice:
    """A check of weight 0: what it says stands in the row, and the row is none the worse."""

    TIP: CheckKey = ("doubles", "public", "test_half_runs_anywhere")

    @pytest.fixture
    def row(self, toy_course: Course) -> Callable[..., dict[str, Any]]:
        """The row of `half`, whose checks came to these verdicts."""
        stage, visibility, name = self.TIP
        tip = Check(
            stage,
            "half",
            name,
            visibility,
            title="Where its input is.",
            weight=0,
            points=Decimal(0),
        )
        doubles, *rest = toy_course.assignments
        doubles = dataclasses.replace(doubles, checks=(*doubles.checks, tip))
        course = dataclasses.replace(toy_course, assignments=(doubles, *rest))

        def render(half: Verdict, tip: Verdict, fault: str | None = None) -> dict[str, Any]:
            verdicts = dict.fromkeys(CHECKS, Verdict("passed")) | {HALF: half, self.TIP: tip}
            report = build_report(course, "ada", verdicts, environment=Environment(), fault=fault)
            return rows(gradescope.results(report, course.visibility))["half", "public"]

        return render

    @pytest.mark.parametrize("outcome", sorted(set(OUTCOMES) - {"passed"}))
    def test_a_row_with_all_points_has_passed(self, row, outcome):
        found = row(Verdict("passed"), Verdict(outcome, "would break"), "disk full")
        assert (found["score"], found["max_score"], found["status"]) == (2, 2, "passed")
        assert found["output"] == (
            "1 of 1 checks pass.\n\nAdvice, worth no points: Where its input is.\nwould break"
        )
        assert found["extra_data"]["checks"][self.TIP[2]] == outcome

    def test_comes_after_what_costs_points(self, row):
        found = row(Verdict("failed", "returned 3"), Verdict("failed", "would break"))
        assert (found["score"], found["status"]) == (0, "failed")
        failed, advice = found["output"].split("\n\nAdvice, worth no points: ")
        assert failed.startswith("0 of 1 checks pass.")
        assert "returned 3" in failed
        assert "would break" in advice

    def test_what_a_check_that_counts_says_is_not_said_again(self, row):
        missing = Verdict("missing", "`half` is not implemented yet")
        assert "Advice" not in row(missing, missing)["output"]
        assert row(Verdict("passed"), Verdict("passed"))["output"] == "1 of 1 checks pass."


class TestVisibility:
    @pytest.mark.parametrize("public", ["visible", "after_due_date"])
    @pytest.mark.parametrize("hidden", ["hidden", "after_published"])
    def test_follows_the_policy(self, results, public, hidden):
        """When students see a row is the course's policy for its kind of check."""
        found = results({}, policy=VisibilityPolicy(public=public, hidden=hidden))
        for row in found["tests"]:
            of = row["extra_data"]["visibility"]
            assert row["visibility"] == {"public": public, "hidden": hidden}[of]

    def test_hidden_message_stays_in_hidden_rows(self, results):
        """What a hidden check says stands in no row but its own."""
        found = results({HIDDEN_DOUBLE: Verdict("failed", "counter-example")})
        said = [row for row in found["tests"] if "counter-example" in json.dumps(row)]
        assert [row["extra_data"]["visibility"] for row in said] == ["hidden"]
        assert "counter-example" not in found.get("output", "")

    def test_standard_output_is_hidden(self, results):
        """What the grader prints is not for students."""
        assert results({})["stdout_visibility"] == "hidden"


class TestTexts:
    def test_a_failed_check_is_named_by_its_law(self, results):
        """A row says how many checks hold, which law does not, and why."""
        output = rows(results({HALF: Verdict("failed", "returned 3")}))["half", "public"]["output"]
        assert "0 of 1" in output
        assert "Half of twice a number is the number." in output
        assert "returned 3" in output

    def test_a_passed_row_is_short(self, results):
        """Where all checks hold there is nothing more to say."""
        assert rows(results({}))["half", "public"]["output"] == "1 of 1 checks pass."

    def test_notes(self, results):
        """Notes about the submission as such stand above the rows; without any there is none."""
        assert results({}, notes=("First.", "Second."))["output"] == "First.\nSecond."
        assert "output" not in results({})

    def test_fault_of_the_grader(self, results):
        """A fault of ours is told as ours, and its details are not for students."""
        found = results({HALF: Verdict("ungraded", "sorry")}, fault="/secret/path: disk full")
        assert "not your fault" in found["output"]
        assert "secret" not in json.dumps(found)

    @pytest.mark.parametrize(
        "said, shown",
        [
            ("\x1b[31mred\x1b[0m", "red"),
            ("\x1b[1;38;5;9mred", "red"),
            ("\x1b]0;title\x07", "]0;title"),
            ("a\0b\x08c\x9b", "abc"),
            ("line\r\nnext\tcell", "line\nnext\tcell"),
            ("\ud800λ → ∞ ✗\u00a0é", "λ → ∞ ✗\u00a0é"),
        ],
    )
    def test_no_codes_for_terminals(self, results, said, shown):
        """Colours and control characters that a student's exception holds are left out."""
        found = results({HALF: Verdict("error", f"<{said}>")}, notes=(f"<{said}>",))
        assert f"<{shown}>" in rows(found)["half", "public"]["output"]
        assert found["output"] == f"<{shown}>"


class TestTheGradersOwnFaults:
    def test_what_could_not_be_graded_has_no_score(self, results):
        """Never 0 points: without a score Gradescope reports a failed autograder instead."""
        found = rows(results({HIDDEN_DOUBLE: Verdict("ungraded", "why")}, fault="broken check"))
        assert "score" not in found["double", "hidden"]
        assert "status" not in found["double", "hidden"]
        assert found["double", "hidden"]["max_score"] == 2
        assert found["double", "public"]["score"] == 1

    def test_the_instructors_reason_is_not_shown_to_students(self, results):
        """A fault's text may quote hidden checks."""
        found = results({HALF: Verdict("ungraded", "why")}, fault="hidden detail")
        assert "hidden detail" not in json.dumps(found)
        assert "not your fault" in found["output"]

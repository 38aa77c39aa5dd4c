"""Gradescope's results: a row for every exercise and visibility, in the types it reads."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from decimal import Decimal
from html import unescape
from typing import Any, get_args

import pytest
from markdown_it import MarkdownIt

from autograder.course import Check, CheckKey, Course, VisibilityPolicy
from autograder.report import Environment, Outcome, Verdict, build_report, to_json
from autograder.reports import gradescope
from autograder.reports.handed_in import NOTHING_KNOWN, HandedIn

OUTCOMES = get_args(Outcome)
TAG = re.compile(r"<(/?\w+)[^>]*>")
MARKUP = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "```\n<b>out of the fence</b>\n```",
    "~~~\n# big\n~~~",
    "**bold** _it_ `code` [link](http://example.org) ![p](x) <http://example.org>",
    "# heading\n\n- item\n1. one\n\n| a |\n|---|\n\n> quoted\n\n---",
    "line\n\n\nafter empty lines\n===",
    "&lt;b&gt; \\* \\<b> \\`x\\`",
]
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
        handed_in: HandedIn = NOTHING_KNOWN,
        **about: Any,
    ) -> dict[str, Any]:
        if verdicts is not None:
            verdicts = dict.fromkeys(CHECKS, Verdict("passed")) | verdicts
        report = build_report(
            toy_course, "ada", verdicts or {}, environment=Environment(), notes=notes, **about
        )
        found = gradescope.results(report, policy or toy_course.visibility, handed_in)
        content = to_json(found)
        return json.loads(content, parse_constant=pytest.fail)

    return render


def html(markdown: str) -> str:
    """What a renderer that lets HTML through makes of it."""
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)


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
            "output_format": "md",
            "test_output_format": "md",
            "test_name_format": "text",
            "stdout_visibility": "hidden",
            "extra_data": {"graded": True},
        }

    def test_a_counter_example_is_code(self, results):
        """What a check says is shown as it stands, in a block of code."""
        said = "half(2)\n    returned 3\n\n    expected <b>1</b>"
        output = rows(results({HALF: Verdict("failed", said)}))["half", "public"]["output"]
        assert html(output) == (
            "<p>0 of 1 checks pass.</p>\n<p>✗ Half of twice a number is the number.</p>\n"
            "<pre><code>half(2)\n    returned 3\n\n    expected &lt;b&gt;1&lt;/b&gt;\n"
            "</code></pre>\n"
        )

    @pytest.mark.parametrize("said", MARKUP)
    def test_nothing_that_a_student_says_is_markup(self, results, said):
        """Neither in a row nor above them, whatever it looks like."""
        found = results({HALF: Verdict("error", said)}, notes=(f"a note {said}",))
        output = html(rows(found)["half", "public"]["output"])
        assert set(TAG.findall(output)) == {"p", "/p", "pre", "/pre", "code", "/code"}
        assert output.count("<pre>") == 1
        shown = unescape(TAG.sub("", html(found["output"])))
        assert set(TAG.findall(html(found["output"]))) <= {"p", "/p"}
        assert "".join(shown.split()) == "".join(f"a note {said}".split())


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
            "1 of 1 checks pass.\n\nAdvice, worth no points: Where its input is.\n\n    would break"
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


class TestLeaderboard:
    def test_has_what_trainings_reached(self, results):
        """A column for each training: its name, its accuracy, the best first."""
        found = results({SHOUT: Verdict("passed", reached=97.25)})
        assert found["leaderboard"] == [
            {"name": "shout: accuracy in percent", "value": 97.25, "order": "desc"}
        ]

    def test_shows_the_check_that_is_worth_most(self, results):
        """An exercise is one column, though several of its checks measure it."""
        found = results({DOUBLE: Verdict("passed", reached=99.0),
                         HIDDEN_DOUBLE: Verdict("failed", reached=90.0)})  # fmt: skip
        assert [column["value"] for column in found["leaderboard"]] == [90]

    @pytest.mark.parametrize("reached", [None, float("nan")])
    def test_is_left_out_without_a_number(self, results, reached):
        """NaN is not JSON, and no training no column."""
        assert "leaderboard" not in results({SHOUT: Verdict("failed", reached=reached)})


class TestHandedIn:
    def test_is_told_above_the_rows(self, results):
        """When it was late, how often it was handed in; names stay out of it."""
        handed_in = HandedIn(("Ada",), number=3, late=60.0)
        found = results({}, handed_in=handed_in)
        assert found["output"] == "Handed in 1 min after it was due."
        assert found["extra_data"] == {"graded": True, "submission_number": 3, "late_seconds": 60}

    def test_compares_only_once_it_is_graded(self, results):
        """Half of a report says nothing about what was mended."""
        handed_in = HandedIn(before={("2.1", "shout"): "failed"})
        assert "Mended" in results({}, handed_in=handed_in)["output"]
        assert "Mended" not in results(None, handed_in=handed_in)["output"]


class TestFailed:
    def test_has_no_score(self):
        """Neither a score nor rows, which would add up to 0 points."""
        found = json.loads(gradescope.failed())
        assert not {"score", "tests"} & found.keys()
        assert "not your fault" in found["output"]


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

    def test_what_a_training_came_to_is_told_where_it_is_enough_too(self, results):
        """A check that passed may have something to say."""
        found = rows(results({SHOUT: Verdict("passed", "reached 97.2%", reached=97.2)}))
        assert found["shout", "public"]["output"] == (
            "1 of 1 checks pass.\n\n✓ A shout is in upper case.\n\n    reached 97.2%"
        )

    def test_notes(self, results):
        """Notes about the submission as such stand above the rows; without any there is none."""
        assert results({}, notes=("First.", "Second."))["output"] == "First.\n\nSecond."
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
        found = results({HALF: Verdict("error", f"({said})")}, notes=(f"({said})",))
        shown_as_code = shown.replace("\n", "\n    ")
        assert f"    ({shown_as_code})" in rows(found)["half", "public"]["output"]
        assert unescape(TAG.sub("", html(found["output"]))) == f"({' '.join(shown.split())})\n"


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

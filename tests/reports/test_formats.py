"""Every format: held to a schema written from the platform's own words, and to its traps."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, get_args
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from autograder.course import CheckKey, Course, VisibilityPolicy
from autograder.errors import InputError
from autograder.report import Environment, Outcome, Report, Verdict, build_report
from autograder.reports import autolab, classroom, junit, prairielearn
from autograder.reports.formats import NAMES, files, known
from autograder.reports.rows import UNSAID

DOUBLE: CheckKey = ("doubles", "public", "test_double_is_a_sum")
HIDDEN_DOUBLE: CheckKey = ("doubles", "hidden", "test_double_of_negative")
HALF: CheckKey = ("doubles", "public", "test_half_of_double")
SHOUT: CheckKey = ("words", "public", "test_shout_is_upper_case")
CHECKS = [DOUBLE, HIDDEN_DOUBLE, HALF, SHOUT]
OUTCOMES = get_args(Outcome)
LATER = VisibilityPolicy()
NOW = VisibilityPolicy(hidden="visible")
ODD = (
    "\x1b[31mred\x00\x08 ]]> <b> & \ufffe\uffff \ud800 λ 🎲 \u2028 \"quoted\" 'it' `code`\r\n\tnext"
)

NUMBER = {"type": "number", "minimum": 0}
TEXT = {"type": "string"}


def strict(properties: dict[str, Any], *optional: str) -> dict[str, Any]:
    """An object of exactly these properties; those named after them may be left out."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def listed(item: dict[str, Any], least: int = 1) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": least}


VISIBILITY = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
FORMAT = {"enum": ["text", "html", "simple_format", "md", "ansi"]}
GRADESCOPE = strict(
    {
        "execution_time": NUMBER,
        "output": TEXT,
        "output_format": FORMAT,
        "test_output_format": FORMAT,
        "test_name_format": FORMAT,
        "stdout_visibility": VISIBILITY,
        "extra_data": {"type": "object"},
        "leaderboard": listed(
            strict(
                {
                    "name": TEXT,
                    "value": {"type": ["number", "string"]},
                    "order": {"enum": ["asc", "desc"]},
                }
            )
        ),
        "tests": listed(
            strict(
                {
                    "score": NUMBER,
                    "max_score": NUMBER,
                    "status": {"enum": ["passed", "failed"]},
                    "name": TEXT,
                    "number": TEXT,
                    "output": TEXT,
                    "visibility": VISIBILITY,
                    "extra_data": {"type": "object"},
                },
                *("score", "status"),
            )
        ),
    },
    *("output", "leaderboard"),
)
PRAIRIELEARN = {
    "oneOf": [
        strict(
            {
                "gradable": {"const": True},
                "score": {"type": "number", "minimum": 0, "maximum": 1},
                "message": TEXT,
                "tests": listed(
                    strict({"name": TEXT, "points": NUMBER, "max_points": NUMBER, "output": TEXT})
                ),
            },
            "message",
        ),
        strict(
            {"gradable": {"const": False}, "score": {"const": 0}, "format_errors": listed(TEXT)}
        ),
    ]
}
AUTOLAB_SCORES = strict(
    {"scores": {"type": "object", "additionalProperties": NUMBER}, "scoreboard": listed(NUMBER)}
)
AUTOLAB_FEEDBACK = {
    "type": "object",
    "properties": {"_presentation": {"const": "semantic"}, "stages": listed(TEXT)},
    "required": ["_presentation", "stages"],
    "additionalProperties": {
        "type": "object",
        "additionalProperties": strict({"passed": {"type": "boolean"}, "hint": TEXT}, "hint"),
    },
}
CLASSROOM = strict(
    {
        "version": {"const": 3},
        "status": {"enum": ["pass", "fail", "error"]},
        "max_score": NUMBER,
        "message": TEXT,
        "tests": listed(
            strict(
                {
                    "name": TEXT,
                    "status": {"enum": ["pass", "fail", "error"]},
                    "message": TEXT,
                    "test_code": TEXT,
                    "task_id": TEXT,
                    "filename": TEXT,
                    "line_no": {"type": "integer"},
                    "duration": NUMBER,
                    "score": NUMBER,
                    "output": TEXT | {"maxLength": 500},
                }
            )
        ),
    }
)


@pytest.fixture
def report_of(toy_course: Course) -> Callable[..., Report]:
    """The report of these verdicts; checks not named pass."""

    def build(verdicts: dict[CheckKey, Verdict] | None = None, **about: Any) -> Report:
        verdicts = dict.fromkeys(CHECKS, Verdict("passed", duration=0.25)) | (verdicts or {})
        return build_report(toy_course, "ada", verdicts, environment=Environment(), **about)

    return build


def loads(content: bytes) -> Any:
    """JSON without the NaN that JSON does not have."""
    return json.loads(content, parse_constant=pytest.fail)


def decoded(name: str, report: Report, policy: VisibilityPolicy = LATER) -> Any:
    """What a platform reads: JSON, an XML element, or Autolab's two lines."""
    found = files(name, report, policy)
    if name == "junit":
        return ET.fromstring(found["junit.xml"])
    if name == "autolab":
        feedback, scores = found["autolab.txt"].splitlines()
        return loads(feedback), loads(scores)
    return loads(next(iter(found.values())))


class TestAll:
    def test_names(self):
        assert NAMES == ("gradescope", "prairielearn", "autolab", "classroom", "junit", "json")
        assert known(["junit", "json", "junit"]) == ("junit", "json")

    def test_another_name_is_refused(self):
        with pytest.raises(InputError, match="--format xml: no such format; there are gradescope"):
            known(["json", "xml"])

    def test_json_is_the_report_itself(self, report_of):
        """``report.json`` is always written: there is nothing to write beside it."""
        assert files("json", report_of(), LATER) == {}

    @pytest.mark.parametrize("name", NAMES)
    def test_the_same_report_gives_the_same_bytes(self, name, report_of):
        report = report_of({HALF: Verdict("failed", "wrong")})
        assert files(name, report, LATER) == files(name, report, LATER)

    @pytest.mark.parametrize("outcome", OUTCOMES)
    @pytest.mark.parametrize("fault", [None, "disk full"])
    def test_schemas(self, outcome, fault, report_of):
        """Whatever happened and whatever was said."""
        report = report_of(
            dict.fromkeys(CHECKS, Verdict(outcome, ODD, reached=50.0)), fault=fault, notes=[ODD]
        )
        jsonschema.validate(decoded("gradescope", report), GRADESCOPE)
        jsonschema.validate(decoded("prairielearn", report), PRAIRIELEARN)
        jsonschema.validate(decoded("classroom", report), CLASSROOM)
        decoded("junit", report)
        if report.graded:
            feedback, scores = decoded("autolab", report)
            jsonschema.validate(feedback, AUTOLAB_FEEDBACK)
            jsonschema.validate(scores, AUTOLAB_SCORES)

    @pytest.mark.parametrize("name", NAMES)
    def test_no_codes_for_terminals(self, name, report_of):
        report = report_of(dict.fromkeys(CHECKS, Verdict("error", ODD)))
        for content in files(name, report, NOW).values():
            text = content.decode()
            assert not any(code in text for code in ("\x1b", "\\u001b", "\x00", "\x08"))

    @pytest.mark.parametrize("name", ["prairielearn", "autolab", "classroom", "junit"])
    @pytest.mark.parametrize("when", ["hidden", "after_due_date", "after_published"])
    def test_hidden_checks_say_nothing_where_all_is_seen_at_once(self, name, when, report_of):
        """Neither what they found nor what they are, nor a hint; unless they are visible."""
        report = report_of({HIDDEN_DOUBLE: Verdict("failed", "double(-1) returned 2")})
        secrets = ["double(-1)", "Negative numbers", HIDDEN_DOUBLE[2]]
        for content in files(name, report, VisibilityPolicy(hidden=when)).values():
            assert not [secret for secret in secrets if secret in content.decode()]
        shown = next(iter(files(name, report, NOW).values())).decode()
        assert "double(-1)" in shown

    @pytest.mark.parametrize("name", ["prairielearn", "autolab", "classroom", "junit"])
    def test_the_graders_faults_are_told_without_their_details(self, name, report_of):
        report = report_of({HALF: Verdict("ungraded", "sorry")}, fault="hidden detail")
        for content in files(name, report, NOW).values():
            assert b"hidden detail" not in content


class TestPrairieLearn:
    def test_score_is_a_share(self, report_of):
        """Of the points: 4 of 6."""
        found = decoded("prairielearn", report_of({HALF: Verdict("failed", "wrong")}))
        assert found["score"] == pytest.approx(4 / 6)
        assert sum(test["points"] for test in found["tests"]) == 4
        assert sum(test["max_points"] for test in found["tests"]) == 6

    def test_all_points_are_exactly_1(self, report_of):
        assert decoded("prairielearn", report_of())["score"] == 1

    @pytest.mark.parametrize("outcome", OUTCOMES)
    def test_every_test_has_points(self, outcome, report_of):
        """If one had none, PrairieLearn would show none at all."""
        verdicts = {key: Verdict(outcome, "why") for key in (DOUBLE, HIDDEN_DOUBLE)}
        for test in decoded("prairielearn", report_of(verdicts)).get("tests", []):
            assert {"points", "max_points"} <= test.keys()

    def test_a_fault_of_the_grader_costs_no_attempt(self, report_of):
        found = decoded("prairielearn", report_of({HALF: Verdict("ungraded", "why")}, fault="x"))
        assert found["gradable"] is False
        assert "not your fault" in found["format_errors"][0]

    def test_nothing_that_can_be_graded_costs_no_attempt(self, report_of):
        """Such as an archive that can't be read; a stub that was left as it was does."""
        missing = dict.fromkeys(CHECKS, Verdict("missing", "why"))
        found = decoded("prairielearn", report_of(missing, notes=["it is no zip file"]))
        assert found == {"gradable": False, "score": 0, "format_errors": ["it is no zip file"]}
        assert decoded("prairielearn", report_of(missing))["gradable"] is True

    @pytest.mark.parametrize("said", ["x", "λ", "🎲", '"', "\n"])
    def test_is_never_larger_than_it_may_be(self, said, report_of):
        """However much checks and notes say, and however many bytes it takes."""
        said = said * 3_000_000
        report = report_of(dict.fromkeys(CHECKS, Verdict("failed", said)), notes=["a" + said])
        content = prairielearn.render(report, NOW)
        assert len(content) <= prairielearn.MOST_BYTES
        jsonschema.validate(loads(content), PRAIRIELEARN)


class TestAutolab:
    def test_scores_are_the_last_line(self, report_of):
        """A problem for each stage, by its name; the scoreboard begins with the sum."""
        content = autolab.render(report_of({HALF: Verdict("failed", "wrong")}), LATER)
        assert loads(content.splitlines()[-1]) == {
            "scores": {"doubles": 3, "words": 1},
            "scoreboard": [4, 3, 1],
        }

    def test_feedback_has_a_hint_for_what_fails(self, report_of):
        feedback, _ = decoded("autolab", report_of({HALF: Verdict("failed", "returned 3")}))
        assert feedback["stages"] == ["1 doubles", "2 words"]
        doubles = feedback["1 doubles"]
        assert doubles["1.1 double (public checks)"] == {"passed": True}
        assert doubles["1.2 half (public checks)"]["passed"] is False
        assert "returned 3" in doubles["1.2 half (public checks)"]["hint"]

    def test_a_fault_of_the_grader_is_no_score(self, report_of):
        """The last line is no JSON, which Autolab takes for a failed autograder."""
        content = autolab.render(report_of({HALF: Verdict("ungraded", "why")}, fault="x"), LATER)
        with pytest.raises(ValueError, match="Expecting value"):
            json.loads(content.splitlines()[-1])

    def test_is_within_the_limit_on_output(self, report_of):
        report = report_of(dict.fromkeys(CHECKS, Verdict("failed", "🎲" * 1_000_000)))
        assert len(autolab.render(report, NOW)) < 1_024_000


class TestClassroom:
    def test_points_are_those_of_the_rows(self, report_of):
        found = decoded("classroom", report_of({HALF: Verdict("failed", "wrong")}))
        assert (found["status"], found["max_score"]) == ("fail", 6)
        assert sum(test["score"] for test in found["tests"]) == 4
        assert decoded("classroom", report_of())["status"] == "pass"

    @pytest.mark.parametrize("length", [0, 400, 480, 500, 5000])
    def test_output_is_at_most_500_characters(self, length, report_of):
        found = decoded("classroom", report_of({HALF: Verdict("failed", "x" * length)}))
        assert max(len(test["output"]) for test in found["tests"]) <= 500

    def test_has_tests_when_nothing_was_run(self, toy_course):
        """On a timeout, too: without them the reporter fails and does not say why."""
        report = build_report(toy_course, "ada", {}, environment=Environment())
        found = decoded("classroom", report)
        assert (found["status"], len(found["tests"])) == ("error", 4)

    def test_the_steps_output_is_one_line(self, report_of):
        """``result=`` and base64, to be added to the file that the runner names."""
        report = report_of({HALF: Verdict("failed", "two\nlines")})
        found = files("classroom", report, LATER)
        [line] = found["classroom.output"].decode().splitlines()
        assert base64.b64decode(line.removeprefix("result=")) == found["classroom.json"]
        assert classroom.render(report, LATER) == found["classroom.json"]


class TestJUnit:
    def test_counts(self, report_of):
        """A wrong answer is a failure, all else that is no answer an error, nothing is skipped."""
        root = decoded(
            "junit",
            report_of({HALF: Verdict("failed", "wrong"), SHOUT: Verdict("timeout", "slow")}),
        )
        counts = ("tests", "failures", "errors")
        assert [root.get(key) for key in counts] == ["4", "1", "1"]
        suites = {suite.get("name"): [suite.get(key) for key in counts] for suite in root}
        assert suites == {"doubles": ["3", "1", "0"], "words": ["1", "0", "1"]}
        assert not root.findall(".//skipped")

    def test_a_case_is_named_by_its_check(self, report_of):
        root = decoded("junit", report_of({HALF: Verdict("failed", "returned 3", duration=1.5)}))
        [case] = root.findall(f".//testcase[@name='{HALF[2]}']")
        assert (case.get("classname"), case.get("time")) == ("doubles.half", "1.500")
        [failure] = case
        assert failure.get("message") == "Half of twice a number is the number."
        assert failure.text is not None
        assert "returned 3" in failure.text

    def test_names_are_unique(self, report_of):
        """A platform counts by them; those of hidden checks are numbers, and stay the same."""
        cases = decoded("junit", report_of()).findall(".//testcase")
        names = [(case.get("classname"), case.get("name")) for case in cases]
        assert len(set(names)) == len(names) == 4
        assert ("doubles.double", "hidden_check_1") in names

    @pytest.mark.parametrize("outcome", OUTCOMES)
    def test_only_what_passes_passes(self, outcome, report_of):
        root = decoded("junit", report_of({HALF: Verdict(outcome, "why")}))
        failed = root.findall(".//testcase[failure]") + root.findall(".//testcase[error]")
        assert len(failed) == (outcome != "passed")

    def test_what_a_training_came_to_is_output(self, report_of):
        """Of a hidden check it is not shown."""
        reached = Verdict("passed", "reached 97.2%", reached=97.2)
        root = decoded("junit", report_of({SHOUT: reached, HIDDEN_DOUBLE: reached}))
        assert [out.text for out in root.findall(".//system-out")] == ["reached 97.2%"]

    def test_any_text_is_xml(self, report_of):
        """Also what XML can't hold; the rest comes out as it went in."""
        content = junit.render(report_of({HALF: Verdict("failed", ODD)}), LATER)
        [failure] = ET.fromstring(content).findall(".//failure")
        assert failure.text is not None
        for part in ("]]> <b> &", "λ 🎲", "\"quoted\" 'it'", "\n\tnext"):
            assert part in failure.text
        assert "\ufffe" not in content.decode()

    def test_points_are_properties_of_the_suite(self, report_of):
        root = decoded("junit", report_of({HALF: Verdict("failed", "wrong")}))
        values = {p.get("name"): p.get("value") for p in root.find("testsuite").iter("property")}
        assert values == {"points": "3", "max_points": "5"}

    def test_what_is_not_shown_is_said_to_be(self, report_of):
        root = decoded("junit", report_of({HIDDEN_DOUBLE: Verdict("failed", "secret")}))
        assert [failure.text for failure in root.findall(".//failure")] == [UNSAID]

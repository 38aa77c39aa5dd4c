"""The pages: what a reader finds in them, and that nothing in them runs."""

import re
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from autograder.course import Course
from autograder.errors import InputError
from autograder.report import (
    Diagnosis,
    Environment,
    Report,
    Verdict,
    build_report,
    check_rows,
    read_report,
    to_json,
)
from autograder.reports.html import class_page, submission_page, write_pages

EVIL = '</pre><script>alert("x")</script><img src="http://example.com/x">&amp;'
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><rect width="1" height="1"/></svg>'


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def report_of(course: Course, name: str, failing: dict[int, Verdict]) -> Report:
    checks = course.assignments[0].checks
    verdicts = {check.key: failing.get(i, Verdict("passed")) for i, check in enumerate(checks)}
    return build_report(course, name, verdicts, environment=Environment({"torch": "2"}))


def failed(message: str, mistake: str = "", picture: str = "") -> Verdict:
    diagnosis = Diagnosis((mistake,), f"Is it {mistake}?") if mistake else None
    return Verdict("failed", message, diagnosis=diagnosis, picture=picture)


class TestASubmissionsPage:
    def test_says_what_went_wrong(self, known_course: Course) -> None:
        report = report_of(known_course, "ada", {0: failed("f(1) returned 2", "off by one")})
        page = Page(submission_page(report))
        assert "ada" in page.text
        assert "f(1) returned 2" in page.text
        assert "Is it off by one?" in page.text
        assert f"{report.points.normalize():f} of 10 points" in page.text

    def test_keeps_the_names_of_mistakes_from_students(self, known_course: Course) -> None:
        diagnosis = Diagnosis(("kernel flipped",), "Which way round?")
        report = report_of(known_course, "ada", {0: Verdict("failed", "f", diagnosis=diagnosis)})
        assert "kernel flipped" not in submission_page(report)

    def test_shows_what_a_training_came_to_where_it_is_enough_too(
        self, known_course: Course
    ) -> None:
        """With its picture, which has words of its own."""
        reached = Verdict("passed", "97.2% are recognised", picture=SVG, reached=97.2)
        page = Page(submission_page(report_of(known_course, "ada", {0: reached})))
        assert "97.2% are recognised" in page.text
        [picture] = [attributes for tag, attributes in page.tags if tag == "img"]
        assert picture["alt"] == "Loss during the training, and confusion matrix"

    def test_of_a_right_one_lists_every_exercise(self, known_course: Course) -> None:
        page = Page(submission_page(report_of(known_course, "ada", {})))
        for exercise in known_course.assignments[0].exercises:
            assert exercise.name in page.text
        assert "<pre>" not in submission_page(report_of(known_course, "ada", {}))

    def test_has_its_pictures(self, known_course: Course) -> None:
        report = report_of(known_course, "ada", {0: failed("wrong", picture=SVG)})
        images = [attrs for tag, attrs in Page(submission_page(report)).tags if tag == "img"]
        assert len(images) == 1
        assert (images[0]["src"] or "").startswith("data:image/svg+xml;base64,")
        assert images[0]["alt"]

    def test_says_that_a_fault_of_the_graders_is_not_the_students(
        self, known_course: Course
    ) -> None:
        report = report_of(known_course, "ada", {0: Verdict("ungraded", "broken")})
        assert "Not graded in full" in submission_page(report)

    def test_says_a_message_once(self, known_course: Course) -> None:
        same = Verdict("missing", "`pairs` is not implemented yet")
        count = len(known_course.assignments[0].checks)
        html = submission_page(report_of(known_course, "ada", dict.fromkeys(range(count), same)))
        exercises = len(known_course.assignments[0].exercises)
        assert html.count("is not implemented yet") == exercises


def test_what_a_student_prints_is_text(known_course: Course) -> None:
    """In both pages: as a message, a name, a hint, a note."""
    report = report_of(known_course, EVIL, {0: failed(EVIL, EVIL, SVG)})
    report = msgspec.structs.replace(report, notes=(EVIL,), fault=EVIL, graded=False)
    for html in (submission_page(report), class_page([report])):
        page = Page(html)
        assert "script" not in {tag for tag, _ in page.tags}
        for tag, attrs in page.tags:
            assert not (attrs.get("src") or "data:").startswith("http"), tag
            assert not any(name.startswith("on") for name in attrs)
        assert 'alert("x")' in page.text


def test_a_page_loads_nothing(known_course: Course) -> None:
    """And its policy would not let it."""
    report = report_of(known_course, "ada", {0: failed("wrong", picture=SVG)})
    for html in (submission_page(report), class_page([report])):
        assert not re.search(r"(src|href)=\"(https?:)?//", html)
        assert "default-src 'none'" in html


class TestTheClassesPage:
    @pytest.fixture
    def reports(self, known_course: Course) -> list[Report]:
        every = range(len(known_course.assignments[0].checks))
        missing = dict.fromkeys(every, Verdict("missing", "not in the submission"))
        return [
            report_of(known_course, "ada", {}),
            report_of(known_course, "bob", {0: failed("f(1) returned 2", "off by one")}),
            report_of(known_course, "cid", {0: failed("f(3) returned 4", "off by one")}),
            report_of(known_course, "eve", missing),
        ]

    def test_names_what_was_not_understood(self, reports: list[Report]) -> None:
        page = Page(class_page(reports))
        assert "2 × mistake: off by one" in page.text
        title = next(iter(check_rows(reports[0].stages))).title
        assert f"2 × {title}" in page.text
        assert "(1 left out)" in page.text

    def test_sums_up(self, reports: list[Report]) -> None:
        text = Page(class_page(reports)).text
        mean = sum((report.points for report in reports), Decimal(0)) / 4
        assert f"4 submissions; mean {mean:.1f}" in text

    def test_links_to_each(self, reports: list[Report]) -> None:
        links = [a["href"] for tag, a in Page(class_page(reports)).tags if tag == "a"]
        assert links == [f"{name}/report.html" for name in ("ada", "bob", "cid", "eve")]

    def test_a_name_is_a_link_whatever_is_in_it(self, known_course: Course) -> None:
        report = report_of(known_course, "a b#1?", {})
        [link] = [a["href"] for tag, a in Page(class_page([report])).tags if tag == "a"]
        assert link == "a%20b%231%3F/report.html"

    def test_is_written_with_the_others(self, reports: list[Report], tmp_path: Path) -> None:
        page = write_pages(tmp_path, reports)
        assert page == tmp_path / "report.html"
        assert "eve" in page.read_text()
        assert "f(3) returned 4" in (tmp_path / "cid" / "report.html").read_text()

    def test_of_different_courses_is_refused(self, reports: list[Report], tmp_path: Path) -> None:
        other = msgspec.structs.replace(reports[0], stages=())
        with pytest.raises(InputError, match="different stages"):
            write_pages(tmp_path, [*reports, other])


class TestReading:
    def test_gives_what_was_written(self, known_course: Course, tmp_path: Path) -> None:
        report = report_of(known_course, "ada", {0: failed("wrong", "off by one", SVG)})
        (tmp_path / "report.json").write_bytes(to_json(report))
        assert read_report(tmp_path / "report.json") == report

    @pytest.mark.parametrize("content", [b"", b"{}", b'{"submission": 3}', b"\xff"])
    def test_of_something_else_is_one_sentence(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "report.json").write_bytes(content)
        with pytest.raises(InputError, match=r"report\.json is no report"):
            read_report(tmp_path / "report.json")

"""JUnit's XML, which continuous integration reads: a suite for each stage, a case for each check.

A wrong or missing answer is a failure; code that raised, ran out of time or crashed is an error,
and so is a check that the grader could not run. None is skipped: what is skipped is left out of the
count. Whoever sees a build sees this, so hidden checks have numbers for names and say nothing of
what they found, unless the course makes them visible.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from autograder.course import VisibilityPolicy
from autograder.report import CheckRow, Report, StageRow
from autograder.reports.rows import UNSAID, Row, may_be_shown, rows_of
from autograder.text import points_text

_FAILURES = {"failed", "missing"}
# what XML 1.0 can't hold, not even escaped
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report, policy: VisibilityPolicy) -> bytes:
    """The report as XML.

    Args:
        report: of one submission; it may still be graded.
        policy: what may be seen at once.
    """
    root = ET.Element("testsuites", {"name": _text(report.submission)})
    rows = list(rows_of(report))
    for stage in report.stages:
        of_stage = [row for row in rows if row.stage is stage]
        root.append(_suite(stage, of_stage, policy))
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, 0)) for suite in root)))
    root.set("time", f"{report.duration:.3f}")
    ET.indent(root)
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _suite(stage: StageRow, rows: list[Row], policy: VisibilityPolicy) -> ET.Element:
    suite = ET.Element("testsuite", {"name": stage.stage})
    properties = ET.SubElement(suite, "properties")
    for name, points in (("points", stage.points), ("max_points", stage.max_points)):
        ET.SubElement(properties, "property", {"name": name, "value": points_text(points)})
    time = 0.0
    for row in rows:
        for number, check in enumerate(row.checks, start=1):
            suite.append(_case(row, number, check, shown=may_be_shown(row, policy)))
            time += check.duration
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
    suite.set("skipped", "0")
    suite.set("time", f"{time:.3f}")
    return suite


def _case(row: Row, number: int, check: CheckRow, *, shown: bool) -> ET.Element:
    case = ET.Element(
        "testcase",
        {
            "classname": f"{row.stage.stage}.{row.exercise.name}",
            "name": check.name if shown else f"{row.visibility}_check_{number}",
            "time": f"{check.duration:.3f}",
        },
    )
    if check.outcome == "passed":
        if check.message and shown:  # what a training came to
            ET.SubElement(case, "system-out").text = _text(check.message)
        return case
    said = f"{check.title}\n\n{check.message}" if shown else UNSAID
    if check.hint and shown:
        said += f"\n\nHint: {check.hint}"
    if not check.weight:  # advice is no failure
        ET.SubElement(case, "system-out").text = _text(said)
        return case
    kind = "failure" if check.outcome in _FAILURES else "error"
    about = {"type": check.outcome, "message": check.title if shown else UNSAID}
    ET.SubElement(case, kind, {k: _text(v) for k, v in about.items()}).text = _text(said)
    return case


def _text(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)

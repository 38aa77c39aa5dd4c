"""Notebooks handed in: graded as the module they stand for, and nothing of them is run here."""

from __future__ import annotations

import ast
import json
import zipfile
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from autograder.course import Course
from autograder.errors import SubmissionError
from autograder.grading import notebooks
from autograder.grading.batch import grade_all
from autograder.grading.intake import Submission, take_in
from autograder.mistakes import read_mistakes
from autograder.report import Report

MODULES = {"one.py": ("f", "g"), "two.py": ("h",)}
F = "def f():\n    return 1"
COURSE = Path(__file__).parents[2]
G = 'class g:\n    def a(self):\n        """A."""\n        raise NotImplementedError("g.a")\n'
STUBS = [
    f"def f():\n    raise NotImplementedError('f')\n\n{G}",
    f'async def f(x=1):\n    """\n    """\n    raise NotImplementedError\n\n{G}',
]
BEGUN = [
    f"def f():\n    return 2\n    raise NotImplementedError('f')\n\n{G}",
    f"def f():\n    raise NotImplementedError('f')\n\n{G}    def b(self):\n        return 1\n",
    f"def f():\n    raise ValueError\n\n{G}",
    f'def f():\n    """F."""\n\n{G}',
    f"f = min\n\n{G}",
    G,
    "x = (",
    "",
]


def code(source: str | list[str]) -> dict[str, Any]:
    """A code cell as Jupyter writes it."""
    lines = source.splitlines(keepends=True) if isinstance(source, str) else source
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "source": lines}


def notebook(*cells: str | list[str] | dict[str, Any]) -> bytes:
    """A notebook of these code cells, or cells of any kind."""
    made = [cell if isinstance(cell, dict) else code(cell) for cell in cells]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def cut(source: str) -> bytes:
    """A module as a notebook: a cell for each statement at its top, and experiments between."""
    lines, cells, start = source.split("\n"), ["%matplotlib inline\nimport seaborn"], 0
    for node in ast.parse(source).body:
        assert node.end_lineno
        cells.append("\n".join(lines[start : node.end_lineno]).strip("\n"))
        cells.append("for _ in range(10**12):\n    pass\nraise SystemExit(1)")
        start = node.end_lineno
    return notebook(*cells)


@pytest.fixture
def take(tmp_path: Path) -> Callable[..., Submission]:
    """Take in a folder of the given files."""

    def taken(**files: bytes | str) -> Submission:
        folder = tmp_path / "ada"
        folder.mkdir()
        for name, content in files.items():
            path = folder / name.replace("_", ".")
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        into = tmp_path / "into"
        into.mkdir()
        return take_in(folder, MODULES, into)

    return taken


class TestIntake:
    def test_a_folder(self, take):
        """`one.ipynb` stands for `one.py`, beside modules of other stages."""
        taken = take(one_ipynb=notebook("print('hello')", F), two_py="def h(): pass")
        assert (taken.folder / "one.py").read_text().endswith(f"{F}\n")
        assert (taken.folder / "two.py").is_file()
        assert taken.notes == ()

    def test_a_file_and_a_zip(self, tmp_path):
        """On its own, or packed with its folder; Jupyter's own copies of it are passed over."""
        path = tmp_path / "one.ipynb"
        path.write_bytes(notebook(F))
        with zipfile.ZipFile(tmp_path / "work.zip", "w") as archive:
            archive.write(path, "hw1/one.ipynb")
            archive.writestr("hw1/.ipynb_checkpoints/one-checkpoint.ipynb", "{")
        for source in (path, tmp_path / "work.zip"):
            taken = take_in(source, MODULES, tmp_path)
            assert F in (taken.folder / "one.py").read_text()
            assert taken.notes == ()

    def test_beside_its_module(self, take):
        """The module is graded, and it is said."""
        taken = take(one_ipynb=notebook(F), one_py="x = 1")
        assert (taken.folder / "one.py").read_text() == "x = 1"
        assert taken.notes == ("one.py was graded, not one.ipynb: both are here.",)

    @pytest.mark.parametrize("f", STUBS)
    def test_beside_its_stub(self, take, f):
        """Where nothing is written in the module, the work is in the notebook."""
        taken = take(one_ipynb=notebook(F), one_py=f"import torch\n\n{f}\n\nGIVEN = 1\n")
        assert F in (taken.folder / "one.py").read_text()
        assert taken.notes == ("one.ipynb was graded, for in one.py nothing is written yet.",)
        assert "one.py" in taken.origins.by_module

    @pytest.mark.parametrize("stage", Course.load(COURSE).stages)
    def test_beside_the_stub_that_students_get(self, tmp_path, stage):
        course = Course.load(COURSE)
        reference = course.assignment(stage).reference.read_text()
        (tmp_path / "ada").mkdir()
        stub = (COURSE / "student_template" / f"{stage}.py").read_bytes()
        (tmp_path / "ada" / f"{stage}.py").write_bytes(stub)
        (tmp_path / "ada" / f"{stage}.ipynb").write_bytes(cut(reference))
        taken = take_in(tmp_path / "ada", course.modules, tmp_path)
        assert (taken.folder / f"{stage}.py").read_bytes() != stub
        assert taken.notes[0].startswith(f"{stage}.ipynb was graded")

    @pytest.mark.parametrize("f", BEGUN)
    def test_beside_a_module_that_was_begun(self, take, f):
        taken = take(one_ipynb=notebook(F), one_py=f)
        assert (taken.folder / "one.py").read_text() == f
        assert taken.notes == ("one.py was graded, not one.ipynb: both are here.",)

    def test_one_that_cant_be_read_beside_its_stub(self, take):
        taken = take(one_ipynb="no notebook", one_py=STUBS[0])
        assert (taken.folder / "one.py").read_text() == STUBS[0]
        [note] = taken.notes
        assert note.startswith("one.ipynb can't be read")

    def test_one_that_cant_be_read_beside_others(self, take):
        """It is left out with a word; the others are graded."""
        taken = take(one_ipynb="no notebook", two_ipynb=notebook("def h(): pass"))
        assert not (taken.folder / "one.py").exists()
        assert (taken.folder / "two.py").is_file()
        [note] = taken.notes
        assert note.startswith("one.ipynb can't be read: it is no JSON")

    def test_a_cell_that_fails_to_parse(self, take):
        """It is named, with its line, counted among the code cells; the others are taken."""
        text = {"cell_type": "markdown", "source": "# Title"}
        taken = take(one_ipynb=notebook(text, F, text, "x = 1\ndef g(:\n    pass"))
        [note] = taken.notes
        assert note.startswith("one.ipynb, code cell 2, line 2: not valid Python (invalid syntax)")
        assert F in (taken.folder / "one.py").read_text()

    def test_many_problems(self, take):
        """A few are named, the rest counted."""
        taken = take(one_ipynb=notebook(*["("] * 30))
        assert len(taken.notes) == 11
        assert taken.notes[-1] == "one.ipynb: 20 more cells were left out."


class TestFormats:
    def source(self, take: Callable[..., Submission], content: bytes) -> str:
        taken = take(one_ipynb=content)
        assert taken.notes == ()
        return (taken.folder / "one.py").read_text()

    def test_format_3(self, take):
        """Cells in worksheets, with `input` for their source."""
        cell = {"cell_type": "code", "input": F.splitlines(keepends=True), "outputs": []}
        old = {"nbformat": 3, "worksheets": [{"cells": [cell]}]}
        assert F in self.source(take, json.dumps(old).encode())

    def test_a_source_of_one_string(self, take):
        """As some editors write it."""
        cell = {"cell_type": "code", "source": F}
        assert F in self.source(take, notebook(cell))

    def test_windows(self, take):
        """A byte order mark, and CR LF within the source."""
        content = notebook("def f():\r\n    return 1\r\n")
        assert F in self.source(take, b"\xef\xbb\xbf" + content)

    def test_numbers_that_are_none(self, take):
        """Jupyter writes NaN in outputs."""
        cell = {**code(F), "outputs": [{"data": {"application/json": float("nan")}}]}
        assert F in self.source(take, notebook(cell))

    def test_what_is_no_text_in_a_source(self, take):
        """Numbers, nulls and lists among its lines, cells that are no objects."""
        odd = code([F, "\n", 3, None, ["x"]])  # type: ignore[list-item]
        assert F in self.source(take, notebook(odd, *[3, None, [], "x"]))  # type: ignore[list-item]

    def test_keys_twice(self, take):
        """The last one counts, as for Jupyter."""
        assert F in self.source(take, b'{"cells": [3], ' + notebook(F)[1:])


class TestHostile:
    @pytest.mark.parametrize(
        "content",
        {
            "empty": b"",
            "no object": b"[]",
            "no cells": b"{}",
            "cells are none": b'{"cells": null}',
            "worksheets of nothing": b'{"worksheets": [3]}',
            "nested": b'{"cells": ' + b"[" * 1_000_000,
            "no text": b'{"cells": "\xff"}',
            "many small objects": b'{"cells": [' + b"{}," * 9_000_000 + b"{}]}",
            "large": b" " * (notebooks.MAX_NOTEBOOK + 1),
            "a long number": b'{"cells": ' + b"1" * 1_000_000 + b"}",
        }.items(),
        ids=lambda item: item[0],
    )
    def test_no_notebook(self, tmp_path, content):
        """One sentence, and nothing is left behind."""
        path = tmp_path / "one.ipynb"
        path.write_bytes(content[1])
        into = tmp_path / "into"
        into.mkdir()
        with pytest.raises(SubmissionError) as caught:
            take_in(path, MODULES, into)
        assert str(caught.value).startswith("one.ipynb can't be read: it")
        assert len(str(caught.value)) < 400
        assert list(into.iterdir()) == []

    def test_a_cell_that_breaks_parsers(self, take):
        """Deep nesting, NULs, lone surrogates: that cell's own problem."""
        bad = ["(" * 5000, "x = '\0'", "x = '\ud800'", "-" * 20_000 + "1", "f" + "()" * 90_000]
        taken = take(one_ipynb=notebook(*bad, F))
        assert len(taken.notes) == len(bad)
        assert F in (taken.folder / "one.py").read_text()

    def test_a_parser_that_takes_for_ever(self, take, monkeypatch):
        """Its process is ended."""
        monkeypatch.setattr(notebooks, "_WALL_SECONDS", 0.01)
        taken = take(one_ipynb=notebook(F))
        assert taken.notes == ("one.ipynb can't be read: it takes too long to read.",)

    def test_nothing_of_it_is_run(self, take, tmp_path):
        """Neither at the top nor in decorators, defaults or annotations."""
        mark = tmp_path / "mark"
        touch = f"__import__('pathlib').Path({str(mark)!r}).touch()"
        taken = take(one_ipynb=notebook(f"{touch}\n@{touch}\ndef f(x: {touch} = {touch}): pass"))
        assert touch in (taken.folder / "one.py").read_text()
        assert not mark.exists()


def graded(course: Course, tmp_path: Path, **files: bytes | str) -> Report:
    folder = tmp_path / "ada"
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / name.replace("_", ".")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    [done] = grade_all(course, [folder], tmp_path / "graded")
    return done.report


def messages(report: Report) -> list[str]:
    exercises = (exercise for stage in report.stages for exercise in stage.exercises)
    return [check.message for exercise in exercises for check in exercise.checks]


class TestGrading:
    def test_messages_name_the_cell(self, toy_course, tmp_path):
        """Where an exception came from: the cell, the line in it, and what stands there."""
        report = graded(
            toy_course,
            tmp_path,
            doubles_ipynb=notebook("# nothing", "x = 3\n\ndef double(n):\n    return [][n]"),
        )
        wanted = "doubles.ipynb, code cell 2, line 4, in double:  return [][n]"
        assert any(wanted in message for message in messages(report))
        assert not any("doubles.py" in message for message in messages(report))

    def test_so_does_an_import_that_fails(self, toy_course, tmp_path):
        """It is the notebook that can't be imported."""
        report = graded(
            toy_course,
            tmp_path,
            doubles_ipynb=notebook("", "import nosuch\ndef double(n):\n    return nosuch.twice(n)"),
        )
        [message] = set(messages(report)) - {"words.py is not in the submission"}
        assert message.startswith("doubles.ipynb can't be imported: ModuleNotFoundError")
        assert "doubles.ipynb, code cell 2, line 1" in message

    def test_what_a_notebook_leaves_out_is_missing(self, toy_course, tmp_path):
        """A notebook without a definition is a module without it."""
        report = graded(toy_course, tmp_path, doubles_ipynb=notebook("print(3)"))
        assert "`double` is missing" in messages(report)


def assert_same_points(course: Course, tmp_path: Path, variants: list[dict[str, str]]) -> None:
    """Grade modules, and the same cut into cells with experiments in between."""
    folders = []
    for i, modules in enumerate(variants):
        for kind in ("module", "notebook"):
            folder = tmp_path / f"{i}-{kind}"
            folder.mkdir()
            folders.append(folder)
            for stage, source in modules.items():
                if kind == "module":
                    (folder / f"{stage}.py").write_text(source)
                else:
                    (folder / f"{stage}.ipynb").write_bytes(cut(source))
    reports = [done.report for done in grade_all(course, folders, tmp_path / "graded")]
    for as_module, as_notebook in zip(reports[::2], reports[1::2], strict=True):
        assert as_notebook.notes == ()
        assert 0 < as_notebook.points == as_module.points
        assert rows(as_notebook) == rows(as_module)


def rows(report: Report) -> list[tuple[object, ...]]:
    exercises = (exercise for stage in report.stages for exercise in stage.exercises)
    return [(c.name, c.outcome, c.points, c.hint) for row in exercises for c in row.checks]


def test_a_notebook_gets_what_its_module_gets(known_course, tmp_path):
    """A reference, its mistakes and its alternative."""
    [sums] = known_course.assignments
    source = sums.reference.read_text()
    assert_same_points(
        known_course,
        tmp_path,
        [
            {"sums": source},
            {"sums": (sums.folder / "alternatives/loops.py").read_text()},
            *({"sums": mistake.apply(source)} for mistake in read_mistakes(sums)[::3]),
        ],
    )


def test_real_stages_get_what_their_modules_get(tmp_path):
    """Of two stages: the references and all alternatives, as unusual as they are."""
    course = Course.load(COURSE).select(["shapes", "schedules"]).with_examples(3)
    ways = [
        [assignment.reference, *sorted((assignment.folder / "alternatives").glob("*.py"))]
        for assignment in course.assignments
    ]
    variants = [
        {
            assignment.stage: path.read_text()
            for assignment, path in zip(course.assignments, paths, strict=True)
            if path
        }
        for paths in zip_longest(*ways)
    ]
    assert sum(map(len, variants)) >= 10
    assert_same_points(course, tmp_path, variants)

"""The release in notebooks: read by people, run by Jupyter, graded as modules are."""

from __future__ import annotations

import ast
import base64
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.cells import module_of
from autograder.course import Course
from autograder.grading.batch import grade_all
from autograder.release.notebook import notebook_files
from autograder.release.student import student_files
from autograder.release.wheel import Wheel

ROOT = Path(__file__).parents[2]
WHEEL = Wheel("autograder-0-py3-none-any.whl", b"a wheel")
STAGES = Course.load(ROOT).stages


def write(files: dict[str, bytes], folder: Path) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def read(content: bytes) -> Any:
    return nbformat.reads(content.decode(), as_version=4)


def execute(notebook: Any, folder: Path) -> list[Any]:
    """The outputs of a notebook's cells, run from top to bottom."""
    settings = {"timeout": 120, "resources": {"metadata": {"path": str(folder)}}}
    NotebookClient(notebook, **settings).execute()
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    return [output for cell in cells for output in cell.outputs]


def boards(outputs: list[Any]) -> list[str]:
    """The boards among some outputs, as text."""
    assert all(set(output.data) == {"text/plain", "text/html"} for output in outputs)
    return [output.data["text/plain"] for output in outputs]


@pytest.fixture(scope="module")
def whole() -> dict[str, bytes]:
    return notebook_files(Course.load(ROOT), WHEEL)


@pytest.fixture(scope="module")
def known(known_course: Course) -> dict[str, bytes]:
    return notebook_files(known_course, WHEEL)


@pytest.fixture(scope="module")
def released(whole: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole course on disk, with few inputs a check."""
    folder = write(whole, tmp_path_factory.mktemp("released"))
    for path in [*folder.glob("assignments/*.toml"), *folder.glob("assignments/*/*.toml")]:
        path.write_text(re.sub(r"(?m)^examples = \d+", "examples = 2", path.read_text()))
    return folder


class TestFiles:
    def test_what_is_in_it(self, whole):
        """A notebook a stage, the public checks, the toolkit; no stub beside a notebook."""
        assert {f"{stage}.ipynb" for stage in STAGES} <= whole.keys()
        assert {f"assignments/{stage}/test_public.py" for stage in STAGES} <= whole.keys()
        assert f"toolkit/{WHEEL.name}" in whole
        assert not [name for name in whole if re.search(r"hidden|handout|solution|\.svg", name)]
        assert not [name for name in whole if name.endswith(".py") and "/" not in name]

    def test_it_is_the_same_every_time(self, known, known_course):
        """To the byte: no times, no ids of chance, no outputs."""
        assert notebook_files(known_course, WHEEL) == known
        [notebook] = [read(content) for name, content in known.items() if name.endswith(".ipynb")]
        ids = [cell.id for cell in notebook.cells]
        assert len(set(ids)) == len(ids)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert all(cell.outputs == [] and cell.execution_count is None for cell in code)

    @pytest.mark.parametrize("stage", STAGES)
    def test_pictures_are_in_the_notebook(self, whole, stage):
        """Each picture of the handout is attached to the cell that shows it."""
        handout = (ROOT / "assignments" / stage / "handout.md").read_text()
        first = read(whole[f"{stage}.ipynb"]).cells[0]
        shown = re.findall(r"\]\(attachment:(\S+)\)", first.source)
        assert len(shown) == len(re.findall(r"!\[", handout))
        assert set(shown) == set(first.attachments)
        for name in shown:
            [(kind, data)] = first.attachments[name].items()
            original = (ROOT / "assignments" / stage / name).read_bytes()
            assert (kind, base64.b64decode(data)) == ("image/svg+xml", original)

    @pytest.mark.parametrize("stage", STAGES)
    def test_all_of_the_stub_is_there(self, whole, stage):
        """Its statements in their order, each exercise followed by its check."""
        cells = [c.source for c in read(whole[f"{stage}.ipynb"]).cells if c.cell_type == "code"]
        stub = student_files(Course.load(ROOT))[f"{stage}.py"].decode()
        together = "\n\n\n".join(cell for cell in cells if "autograder" not in cell)
        assert ast.dump(ast.parse(together)) == ast.dump(_without_docstring(ast.parse(stub)))
        exercises = Course.load(ROOT).assignment(stage).exercises
        for exercise in exercises:
            at = cells.index(f'autograder.check("{stage}", "{exercise.name}")')
            assert any(f" {name}(" in cells[at - 1] or f" {name}:" in cells[at - 1]
                       for name in exercise.names)  # fmt: skip
        assert cells[-1] == f'autograder.check("{stage}")'


def _without_docstring(tree: ast.Module) -> ast.Module:
    if ast.get_docstring(tree):
        tree.body.pop(0)
    return tree


@pytest.mark.parametrize("stage", STAGES)
def test_run_as_it_is_handed_out_and_with_the_reference_in_it(released, stage):
    """Every board says that nothing is implemented yet; then, below the stubs, all is defined."""
    notebook = read((released / f"{stage}.ipynb").read_bytes())
    exercises = Course.load(ROOT).assignment(stage).exercises
    reference = (ROOT / "solutions" / f"{stage}.py").read_text()
    # trainings take their time, and are graded elsewhere
    quick = [exercise.name for exercise in exercises if not exercise.recipe]
    checks = [f'autograder.check("{stage}", "{name}")' for name in quick]
    if quick == [exercise.name for exercise in exercises]:
        checks = [f'autograder.check("{stage}")']
    notebook.cells += map(nbformat.v4.new_code_cell, [reference, *checks])
    shown = boards(execute(notebook, released))
    handed_out, complete = shown[-len(checks) - 1], "".join(shown[-len(checks) :])
    # a long line of the board is broken
    assert " ".join(handed_out.split()).count("is not implemented yet") == len(exercises)
    assert f"0 of {len(exercises)} exercises pass" in handed_out
    assert complete.count("✓") == len(quick)


def filled(content: bytes, reference: str) -> Any:
    """A notebook of the release with the reference's bodies in the place of the stubs."""
    notebook = read(content)
    lines = reference.split("\n")
    bodies = {
        node.name: "\n".join(lines[node.lineno - 1 : node.end_lineno])
        for node in ast.parse(reference).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    for cell in notebook.cells:
        if found := re.match(r"(?:def|class) (\w+)", cell.source):
            cell.source = bodies[found[1]]
    return notebook


def test_filled_in_it_gets_what_the_module_gets(known, known_course, tmp_path):
    """The notebook with its outputs is handed in beside the module."""
    [sums] = known_course.assignments
    folder = write(known, tmp_path / "released")
    notebook = filled(known["sums.ipynb"], sums.reference.read_text())
    *_, last = boards(execute(notebook, folder))
    assert "5 of 5 exercises pass" in last
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "sums.ipynb").write_text(nbformat.writes(notebook))
    as_notebook, as_module = (
        done.report
        for done in grade_all(known_course, [tmp_path / "ada", sums.reference], tmp_path / "graded")
    )
    assert as_notebook.notes == ()
    assert as_notebook.points == as_module.points == 10


def test_a_check_sees_the_last_edit(known, tmp_path):
    """A cell that was run again counts as it is now, and its lines are named as Jupyter does."""
    folder = write(known, tmp_path)
    cells = [
        "import autograder",
        "def pairs(n):\n    return n * n // 2",
        'autograder.check("sums", "pairs")',
        "def pairs(n):\n    return nothing_of_this_name",
        'autograder.check("sums", "pairs")',
        "def pairs(n):\n    return n * (n - 1) // 2",
        'autograder.check("sums", "pairs")',
    ]
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
    wrong, raises, right = execute(notebook, folder)
    assert "pairs(2)\n    returned 2\n    expected 1" in wrong.data["text/plain"]
    assert "at In [4], line 2, in pairs:" in raises.data["text/plain"]
    assert "1 of 1 exercises pass" in right.data["text/plain"]
    assert "\x1b" not in wrong.data["text/plain"]


def test_an_experiments_variable_is_not_there(known, tmp_path):
    """What would fail when it is graded fails here too."""
    folder = write(known, tmp_path)
    cells = [
        "import autograder\nn = 3\nfor step in range(3): n += 1",
        "def pairs(m):\n    return step",
        'autograder.check("sums", "pairs")',
        "import torch\ntorch.manual_seed(5)\nfirst = torch.rand(1)\ntorch.manual_seed(5)\n"
        'autograder.check("sums", "pairs")',
        "assert torch.rand(1) == first",
        'autograder.check("sums", "clamp")',
        'autograder.check("nosuch")',
    ]
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
    outputs = execute(notebook, folder)
    assert "NameError: name 'step' is not defined" in outputs[0].data["text/plain"]
    assert "`clamp` is not defined: have you run its cell?" in outputs[-2].data["text/plain"]
    assert outputs[-1].text == "autograder: no stage 'nosuch' in this course; it has sums\n"


def test_html_holds_no_markup_of_a_students(known, tmp_path):
    """What code says is text."""
    folder = write(known, tmp_path)
    cells = [
        "import autograder\ndef pairs(n):\n    return '<script>alert(1)</script>'",
        'autograder.check("sums", "pairs")',
    ]
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
    [output] = execute(notebook, folder)
    assert "<script>" not in output.data["text/html"]
    assert "&lt;script&gt;" in output.data["text/html"]


def test_what_is_handed_out_defines_every_name(whole):
    """The conversion of what students get takes all exercises."""
    for assignment in Course.load(ROOT).assignments:
        cells = json.loads(whole[assignment.module.replace(".py", ".ipynb")])["cells"]
        code = [("cell", "".join(c["source"])) for c in cells if c["cell_type"] == "code"]
        names = [name for exercise in assignment.exercises for name in exercise.names]
        made = module_of(code, names, "notebook")
        assert made.problems == ()
        defined = {getattr(node, "name", None) for node in ast.parse(made.source).body}
        assert set(names) <= defined

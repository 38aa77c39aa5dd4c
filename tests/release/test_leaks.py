"""Leaks of every kind, planted in every form that students get: each is found, and named.

The release of a small course is clean. Then one thing is planted in it: in the folder, in the zip
file, or in the notebooks' zip file, where what is text stands in a cell.
"""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.release.archive import zipped
from autograder.release.audit import Auditor
from autograder.release.student import student_release
from autograder.release.targets import TARGETS
from autograder.release.wheel import Wheel, build_wheel

SOLUTION = "deviations = (values - values.mean()) ** 2"
SHORT = "return n * (n - 1) // 2"
WHOLE = "def variance(values):\n    " + SOLUTION + "\n    return deviations.sum() / len(values)\n"
HIDDEN = "found = student.shuffled(_MANY, generator)"
MISTAKE = "return torch.randint(max(n, 1), (n,), generator=generator)"
ALTERNATIVE = "drawn.append(left.pop(int(torch.randint(len(left), (1,), generator=generator))))"
EXCUSED = "if self.largest is None or value >= self.largest:"
HOME = Path.home() if len(Path.home().parts) > 2 else Path("/home/ada")


def encoded(content: bytes, width: int = 76) -> str:
    """Base64 as `base64` prints it."""
    text = base64.b64encode(content).decode()
    return "\n".join(text[i : i + width] for i in range(0, len(text), width))


# what stands in a text that students get -> words of the finding
TEXTS = {
    "a line of a solution": (SOLUTION, "solutions/sums.py"),
    "a short one": (SHORT, "solutions/sums.py"),
    "in other white space": ("deviations=( values-values.mean() )**2", "solutions/sums.py"),
    "in a comment": (f"# first: {SOLUTION}, then their mean", "solutions/sums.py"),
    "in a docstring": (f'"""\n{SHORT}\n"""', "solutions/sums.py"),
    "over several lines": (
        "deviations = (  # at first\n    values\n    - values.mean()\n) ** 2",
        "solutions/sums.py",
    ),
    "with brackets": ("deviations = ((values - (values.mean())) ** (2))", "solutions/sums.py"),
    "behind another statement": (f"n = 3; {SHORT.replace('return', 'x =')}; {SOLUTION}", "sums.py"),
    "a short one behind another": (f"def f(n):\n    n += 1; {SHORT}", "solutions/sums.py"),
    "with its variables renamed": (
        "def spread(xs):\n    '''Say.'''\n    d = (xs - xs.mean()) ** 2\n"
        "    return d.sum() / len(xs)",
        "solutions/sums.py, renamed",
    ),
    "in a string": (f"code = {SHORT!r}", "solutions/sums.py"),
    "in a string of two parts": (
        'code = "deviations = (values - " "values.mean()) ** 2"',
        "solutions/sums.py",
    ),
    "escaped in a string": (
        'code = "' + "".join(f"\\x{ord(c):02x}" for c in SOLUTION) + '"',
        "solutions/sums.py",
    ),
    "escaped for a page": (f"<p>{html.escape(EXCUSED)}</p>", "equivalent.toml"),
    "escaped for JSON": (json.dumps({"cell": [WHOLE]}), "solutions/sums.py"),
    "in Markdown": (f"So:\n\n```python\n{WHOLE}```\n", "solutions/sums.py"),
    "in a line of Markdown": (f"Write `{SHORT}`, and that is it.", "solutions/sums.py"),
    "in base64": (encoded(WHOLE.encode()), "solutions/sums.py"),
    "in base64 for addresses": (
        base64.urlsafe_b64encode(WHOLE.encode()).decode(),
        "solutions/sums.py",
    ),
    "in base64 in a string": (f"x = {base64.b64encode(WHOLE.encode()).decode()!r}", "sums.py"),
    "in base64 in base64": (encoded(encoded(WHOLE.encode()).encode()), "solutions/sums.py"),
    "packed, in base64": (encoded(zlib.compress(WHOLE.encode())), "solutions/sums.py"),
    "a zip file in base64": (encoded(zipped({"a.py": WHOLE.encode()})), "solutions/sums.py"),
    "in hexadecimal digits": (WHOLE.encode().hex(), "solutions/sums.py"),
    "a line of a hidden check": (HIDDEN, "a line of assignments/sums/test_hidden.py"),
    "a hidden check's title": ('"""Many numbers don\'t stay in their order."""', "test_hidden.py"),
    "a known mistake": (MISTAKE, "a line of assignments/sums/mistakes.toml"),
    "a known mistake as its file has it": (
        'find = "x"\nreplace = "return n * n // 2"',
        "mistakes.toml",
    ),
    "an alternative": (ALTERNATIVE, "a line of assignments/sums/alternatives/loops.py"),
    "an excused mutant": (EXCUSED, "a line of assignments/sums/equivalent.toml"),
    "an e-mail address": ("# ask grace.hopper@navy-yard.org", "has an e-mail address"),
    "a home folder": ("# see /home/ada/course/notes.txt", "names a folder of a machine"),
    "a home folder on macOS": ("# see /Users/ada/course", "names a folder of a machine"),
    "a home folder on Windows": (r"# see C:\Users\Ada\course", "names a folder of a machine"),
    "one in JSON": (json.dumps({"at": r"C:\Users\Ada\course"}), "names a folder of a machine"),
    "a temporary folder": ("# see /tmp/pytest-of-ada/0", "names a folder of a machine"),
    "root's folder": ("# see /root/course", "names a folder of a machine"),
    "this machine's home": (f"# see {HOME}/notes.txt", "names a folder of"),
    "this machine's temporary folder": (f"# {tempfile.gettempdir()}/x1/a", "names a folder of"),
    "a link to a file": ("[notes](file:///srv/course/a.md)", "names a folder of a machine"),
}


def tarred(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def linked(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.create_system = 3
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "../solutions/sums.py")
    return buffer.getvalue()


def with_comment(comment: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.comment = comment
    return buffer.getvalue()


def notebook(*cells: dict) -> bytes:
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def code(source: str, **more) -> dict:
    lines = source.splitlines(keepends=True)
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": lines}
    return {"execution_count": None, "outputs": [], **cell, **more}


OUTPUT = {"output_type": "stream", "name": "stdout", "text": ["3\n"]}
# what lies in a release as a file -> words of the finding
FILES = {
    "hidden checks": ("assignments/sums/test_hidden.py", b"", "is not for students"),
    "mistakes": ("assignments/sums/mistakes.toml", b"", "is not for students"),
    "an alternative": ("assignments/sums/alternatives/loops.py", b"", "is not for students"),
    "equivalent mutants": ("assignments/sums/equivalent.toml", b"", "is not for students"),
    "a reference": ("solutions/sums.py", b"", "is not for students"),
    "a weakest training": ("assignments/sums/weakest.py", b"", "is not for students"),
    "a compiled module": ("sums.pyc", b"\xa7\r\r\n\0", "is compiled"),
    "Python's cache": ("__pycache__/sums.cpython-311.pyc", b"", "is in a cache, __pycache__"),
    "hypothesis's data": (".hypothesis/examples/a", b"", "is in a cache, .hypothesis"),
    "pytest's cache": (".pytest_cache/v/x", b"", "is in a cache, .pytest_cache"),
    "a notebook's checkpoint": (".ipynb_checkpoints/a.ipynb", b"{}", "is in a cache"),
    "an environment": (".venv/pyvenv.cfg", b"", "is in a cache, .venv"),
    "what macOS leaves": ("assignments/.DS_Store", b"", "is in a cache, .ds_store"),
    "git's history": (".git/HEAD", b"ref: refs/heads/main\n", "is in a history, .git"),
    "a stage's history": ("assignments/.git/HEAD", b"", "is in a history, .git"),
    "a bundle of git": ("all.bundle", b"# v2 git bundle\n", "is a history of git"),
    "an editor's copy": ("sums.py~", b"", "was left over"),
    "a zip file": ("a.zip", zipped({"a/b.py": WHOLE.encode()}), "a.zip/a/b.py would hand out"),
    "zip in zip": (
        "a.zip",
        zipped({"b.zip": zipped({"c.txt": WHOLE.encode()})}),
        "a.zip/b.zip/c.txt would hand out",
    ),
    "a secret's name in a zip file": (
        "a.zip",
        zipped({"assignments/sums/test_hidden.py": b""}),
        "is not for students",
    ),
    "a history in a zip file": ("a.zip", zipped({".git/HEAD": b""}), "is in a history"),
    "a zip file's comment": ("a.zip", with_comment(WHOLE.encode()), "would hand out"),
    "a zip file behind a picture": (
        "a.png",
        b"\x89PNG\r\n" + zipped({"a.py": WHOLE.encode()}),
        "would hand out",
    ),
    "a link": ("a.zip", linked("sums.py"), "a.zip/sums.py is a link"),
    "a broken zip file": (
        "a.zip",
        zipped({"a": b"ab" * 9}).replace(b"aKLJ", b"aLLL"),
        "looked into",
    ),
    "a tar file": ("a.tar.gz", tarred("b.py", WHOLE.encode()), "/b.py would hand out"),
    "a packed file": ("a.gz", gzip.compress(WHOLE.encode(), mtime=0), "would hand out"),
    "another packed file": ("a.xz", lzma.compress(WHOLE.encode()), "would hand out"),
    "another encoding": ("notes.txt", WHOLE.encode("utf-16"), "would hand out"),
    "a picture's text": ("a.png", b"\x89PNG\0\0tEXt" + HIDDEN.encode(), "would hand out"),
    "a notebook's cell": ("a.ipynb", notebook(code(WHOLE)), "would hand out"),
    "a cell with magics": ("a.ipynb", notebook(code("%time\n" + WHOLE)), "would hand out"),
    "a notebook's output": (
        "a.ipynb",
        notebook(code("1 + 2", outputs=[OUTPUT], execution_count=1)),
        "has an output, in cell 1",
    ),
    "that a notebook was run": (
        "a.ipynb",
        notebook(code("1"), code("1", execution_count=7)),
        "has an output, in cell 2",
    ),
    "another wheel": (
        "toolkit/autograder-9-py3-none-any.whl",
        zipped({"autograder/courses/sums.toml": b"[course]"}),
        "is no file of this toolkit",
    ),
}


@pytest.fixture(scope="module")
def auditor(known_course: Course) -> Auditor:
    return Auditor(known_course)


@pytest.fixture(scope="module")
def wheel() -> Wheel:
    return build_wheel()


@pytest.fixture(scope="module")
def whole(known_course: Course, wheel: Wheel) -> dict[str, bytes]:
    return student_release(known_course, wheel)


@pytest.fixture(scope="module")
def release(whole: dict[str, bytes]) -> dict[str, bytes]:
    """Without the wheel, which has tests of its own: the others are quicker so."""
    return {name: content for name, content in whole.items() if not name.endswith(".whl")}


def in_folder(release: dict[str, bytes], name: str, content: bytes) -> dict[str, bytes]:
    return {**release, name: content}


def in_zip(release: dict[str, bytes], name: str, content: bytes) -> dict[str, bytes]:
    return {"student.zip": zipped(in_folder(release, name, content))}


def in_notebooks(release: dict[str, bytes], name: str, content: bytes) -> dict[str, bytes]:
    clean = notebook(code("def pairs(n):\n    raise NotImplementedError\n"))
    return {"notebook.zip": zipped({"sums.ipynb": clean, name: content})}


FORMS = pytest.mark.parametrize("form", [in_folder, in_zip, in_notebooks])


def findings(auditor: Auditor, files: dict[str, bytes]) -> list[str]:
    return list(auditor.findings(files, for_students=True))


@FORMS
def test_a_clean_release_passes(auditor, whole, form):
    """So whatever is found below was planted."""
    assert findings(auditor, form(whole, "notes.md", b"Good luck.\n")) == []


@FORMS
@pytest.mark.parametrize("text, words", TEXTS.values(), ids=TEXTS)
def test_finds_what_a_text_says(auditor, release, form, text, words):
    """A secret or a trace of a machine, however it is written."""
    if form is in_notebooks:
        planted = form(release, "b.ipynb", notebook(code("1"), code(text)))
    else:
        planted = form(release, "assignments/sums/handout.md", f"# Sums\n\n{text}\n".encode())
    found = findings(auditor, planted)
    assert found, text
    where = "b.ipynb" if form is in_notebooks else "assignments/sums/handout.md"
    assert any(where in sentence and words in sentence for sentence in found), found


@pytest.mark.parametrize("text, words", TEXTS.values(), ids=TEXTS)
def test_finds_it_in_a_stub(auditor, release, text, words):
    """Behind the code that students are given, where that makes Python or none."""
    planted = {**release, "sums.py": release["sums.py"] + f"\n\n{text}\n".encode()}
    found = findings(auditor, planted)
    assert any(s.startswith("sums.py") and words in s for s in found), found


@FORMS
@pytest.mark.parametrize("name, content, words", FILES.values(), ids=FILES)
def test_finds_a_file(auditor, release, form, name, content, words):
    """By its name, by what is in it, or by what it is."""
    found = findings(auditor, form(release, name, content))
    assert any(name in sentence and words in sentence for sentence in found), found


@pytest.mark.parametrize(
    "name, content",
    [
        ("autograder/extra.py", b""),
        ("autograder/cli.py", WHOLE.encode()),
        ("autograder/assignments/course.toml", b""),
        ("course/assignments/course.toml", b""),
        ("autograder-0.1.0.dist-info/more.txt", b""),
    ],
)
def test_finds_what_does_not_belong_into_the_wheel(auditor, release, wheel, name, content):
    """The wheel holds the toolkit, file by file, and nothing else."""
    with zipfile.ZipFile(io.BytesIO(wheel.content)) as archive:
        inside = {entry: archive.read(entry) for entry in archive.namelist()}
    planted = {**release, f"toolkit/{wheel.name}": zipped({**inside, name: content})}
    (first, *_) = findings(auditor, planted)
    assert first == (
        f"toolkit/{wheel.name}/{name} is no file of this toolkit: its wheel holds nothing else"
    )


@pytest.mark.parametrize("name", ["sums.py", "README.md", "requirements.txt", ".gitignore"])
@pytest.mark.parametrize("text", [SOLUTION, HIDDEN, MISTAKE, ALTERNATIVE, EXCUSED])
def test_finds_it_in_every_file(auditor, release, name, text):
    """No file is taken on trust."""
    planted = {**release, name: release[name] + f"\n{text}\n".encode()}
    assert any(s.startswith(f"{name} would hand out") for s in findings(auditor, planted))


@pytest.mark.parametrize(
    "name, content, words",
    [FILES[name] for name in ("Python's cache", "git's history", "a link", "an editor's copy")]
    + [("a.md", TEXTS["an e-mail address"][0].encode(), "has an e-mail address")]
    + [("a.md", TEXTS["a home folder"][0].encode(), "names a folder of a machine")],
)
def test_graders_get_secrets_but_no_traces(auditor, release, name, content, words):
    """What a platform grades with holds all of the course; what is of nobody's use, it does not."""
    secret = {**release, "solutions/sums.py": WHOLE.encode(), "test_hidden.py": HIDDEN.encode()}
    assert list(auditor.findings(secret, for_students=False)) == []
    (found,) = auditor.findings({**secret, name: content}, for_students=False)
    assert name in found
    assert words in found


@pytest.mark.parametrize("below", ["", "otter/"])
def test_what_graders_hand_on_to_students_is_the_students(auditor, below):
    """otter's release has the grader's files, and in a folder of its own the students'."""
    files = {f"{below}sums/tests/a.py": WHOLE.encode()}
    assert list(auditor.findings_of(TARGETS["otter"], files, below)) == []
    files[f"{below}for-students/sums.ipynb"] = notebook(code(WHOLE))
    (found,) = auditor.findings_of(TARGETS["otter"], files, below)
    assert found.startswith(f"{below}for-students/sums.ipynb would hand out line")
    (found,) = auditor.findings_of(TARGETS["student"], {"a.py": WHOLE.encode()})
    assert found.startswith("a.py would hand out line")


@pytest.mark.parametrize(
    "text",
    [
        "Write to ada@example.org.",
        "git@github.com is no person; `x@w.view(3)`, x@w.T and inputs@weights.mT are products",
        "out = hidden@weights.view(2)",
        "see https://example.org/home/ada/ and a/tmp/b",
        "`/tmp` and `/home` are everybody's; C:\\ too",
        "import torch\nimport math\nreturn x\nself.values\n",
        "M10.5,20.25 30.125,40.0625 c0f1e2d3c4b5a69788796a5b4c3d2e1f",
        "test_channels_are_normalised_as_by_pytorch/and_another_long_name_of_a_check",
        "def f(x):\n    return x + 1\n\ndef mean(values):\n    return values.mean()\n",
    ],
)
def test_is_not_alarmed_by_what_is_harmless(auditor, release, text):
    """An audit that cries wolf is switched off."""
    for name in ("handout.md", "code.py"):
        assert findings(auditor, {**release, name: f"{text}\n".encode()}) == []


def test_a_stage_that_is_not_released_is_secret_too(toy_course):
    """The secrets are those of the whole course."""
    auditor = Auditor(toy_course.select(["words"]))
    (found,) = findings(auditor, {"README.md": b"@given(n=st.integers(-99, -1))\n"})
    assert "assignments/doubles/test_hidden.py" in found

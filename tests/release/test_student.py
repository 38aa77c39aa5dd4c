"""The student release of a small course, and the one that is committed."""

import inspect
import io
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from autograder.course import Course
from autograder.errors import CourseError
from autograder.release.archive import zipped
from autograder.release.student import (
    audit,
    differences,
    student_files,
    student_release,
    write_release,
)
from autograder.release.wheel import Wheel, build_wheel

ROOT = Path(__file__).parents[2]
COURSE = Course.load(ROOT)


def test_holds_what_students_need_and_nothing_else(toy):
    """Only files that are named in the allow-list go out, and the pictures a handout shows."""
    assert list(student_files(toy.load())) == [
        "README.md",
        "assignments/course.toml",
        "assignments/sums/assignment.toml",
        "assignments/sums/handout.md",
        "assignments/sums/sum.svg",
        "assignments/sums/test_public.py",
        "pyproject.toml",
        "sums.py",
    ]


def test_probes_and_constraints_go_out_where_there_are_any(toy):
    """Both are optional; the README's first command uses the constraints."""
    assert b"pip install PATH-TO-TOOLKIT" in student_files(toy.load())["README.md"]
    toy.write("assignments/sums/probes.py", "def probe(module):\n    return 1\n")
    toy.write("constraints.txt", "torch==2.13.0\n")
    files = student_files(toy.load())
    assert files["assignments/sums/probes.py"] == b"def probe(module):\n    return 1\n"
    assert files["constraints.txt"] == b"torch==2.13.0\n"
    assert b"pip install -c constraints.txt PATH-TO-TOOLKIT" in files["README.md"]


def test_the_release_is_itself_a_course(toy, tmp_path):
    """Its pytest finds stages, exercises and points where the plugin looks for them."""
    write_release(student_files(toy.load()), tmp_path / "out")
    released = Course.load(tmp_path / "out", released=True)
    assert released.stages == ("sums",)
    assert released.points == 3
    assert [check.visibility for check in released.assignments[0].checks] == ["public"]


def test_every_build_is_the_same_with_lf_line_ends(toy):
    """The release does not depend on the system that the course was written on."""
    files = student_files(toy.load())
    for path in toy.root.rglob("*.*"):
        if path.is_file() and path.suffix != ".pyc":
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    again = student_files(toy.load())
    assert list(again.items()) == list(files.items())
    assert not any(b"\r" in content for content in again.values())


def test_readme_has_the_stages_with_their_points(toy):
    """The table comes from the course; a bar in a title does not break it."""
    toy.edit("assignments/sums/assignment.toml", "Adding up", "Adding | up")
    readme = student_files(toy.load())["README.md"].decode()
    assert "| 1 | [`sums.py`](sums.py) | Adding \\| up | 3 |" in readme
    assert "| | | total | 3 |" in readme


def test_pyproject_is_valid(toy):
    """pytest's settings run the checks against the folder itself."""
    settings = tomllib.loads(student_files(toy.load())["pyproject.toml"].decode())
    assert settings["project"]["name"] == "sums-and-means"
    assert not any("autograder" in item for item in settings["project"]["dependencies"])
    assert settings["tool"]["pytest"]["ini_options"] == {
        "testpaths": ["assignments"],
        "autograder_submission": ".",
        "addopts": "-q --no-header -rN --import-mode=importlib",
    }


@pytest.mark.parametrize(
    "link",
    ["![a](sum.svg)", "![a](<sum.svg> 't')", '<img width="9" src="sum.svg">', "[a]: sum.svg"],
)
def test_pictures_are_found_in_every_form_of_link(toy, link):
    """Markdown inline, with a title or by reference, and HTML."""
    toy.write("assignments/sums/handout.md", f"See\n\n{link}\n")
    assert "assignments/sums/sum.svg" in student_files(toy.load())


def test_binary_pictures_are_copied_as_they_are(toy):
    """A PNG's signature has a CR LF, which has to stay."""
    png = b"\x89PNG\r\n\x1a\n\xff"
    toy.write("assignments/sums/a.png", png)
    toy.write("assignments/sums/handout.md", "![a](a.png) ![b](https://example.org/b.png)\n")
    assert student_files(toy.load())["assignments/sums/a.png"] == png


@pytest.mark.parametrize(
    "link, words",
    [
        ("gone.svg", "picture gone.svg is missing"),
        ("../../solutions/secret.svg", "outside of the stage's folder"),
        ("linked.svg", "outside of the stage's folder"),
    ],
)
def test_refuses_a_picture_that_is_not_the_stages_own(toy, link, words):
    """Neither a path nor a symbolic link brings in what lies elsewhere."""
    toy.write("solutions/secret.svg", "<svg/>")
    (toy.root / "assignments/sums/linked.svg").symlink_to(toy.root / "solutions/secret.svg")
    toy.write("assignments/sums/handout.md", f"![a]({link})\n")
    with pytest.raises(CourseError, match=rf"assignments/sums/handout\.md: .*{words}"):
        student_files(toy.load())


@pytest.mark.parametrize("name", ["solutions/sums.py", "assignments/sums/handout.md"])
def test_names_the_file_that_is_missing(toy, name):
    """A stage without a reference or a handout is not released."""
    (toy.root / name).unlink()
    with pytest.raises(CourseError, match=f"{name}: can't be read: No such file"):
        student_files(toy.load())


def test_names_the_file_that_is_no_text(toy):
    """What is not UTF-8 is not guessed at."""
    toy.write("assignments/sums/handout.md", b"\xff\xfe")
    with pytest.raises(CourseError, match=r"handout\.md: not UTF-8"):
        student_files(toy.load())


@pytest.mark.parametrize("old, new", [("def total", "def totals"), ("class Mean", "class _Mean")])
def test_refuses_a_stub_without_one_of_the_exercises(toy, old, new):
    """Students have to find what they are asked for."""
    toy.edit("solutions/sums.py", old, new)
    with pytest.raises(CourseError, match=r"solutions/sums\.py: no function or class"):
        student_files(toy.load())


def test_committed_template_is_current():
    """`autograder release` has been run since the course was last changed."""
    assert differences(student_files(COURSE), ROOT / "student_template") == []


def test_committed_template_holds_no_secret():
    """No line of a solution or of a hidden check is in any committed file, tracked or not."""
    folder = ROOT / "student_template"
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not {"__pycache__", ".pytest_cache", ".hypothesis"} & {*path.parts}
    }
    assert "README.md" in files
    audit(COURSE, files)


def _stub(stage: str) -> dict:
    path = ROOT / "student_template" / f"{stage}.py"
    scope = {"__name__": stage}
    exec(compile(path.read_text(encoding="utf-8"), path, "exec"), scope)
    return scope


def _functions(stub: dict, name: str) -> list:
    thing = stub[name]
    if not inspect.isclass(thing):
        return [thing]
    return [value for value in vars(thing).values() if inspect.isfunction(value)]


@pytest.mark.parametrize(
    "stage, name",
    [
        (assignment.stage, name)
        for assignment in COURSE.assignments
        for exercise in assignment.exercises
        for name in exercise.names
    ],
)
def test_every_exercise_of_the_committed_template_is_open(stage, name):
    """The stubs import, and each function and method of an exercise raises NotImplementedError."""
    functions = _functions(_stub(stage), name)
    assert functions
    for function in functions:
        needed = [
            parameter
            for parameter in inspect.signature(function).parameters.values()
            if parameter.default is parameter.empty
        ]
        args = [None for parameter in needed if parameter.kind is not parameter.KEYWORD_ONLY]
        options = {p.name: None for p in needed if p.kind is p.KEYWORD_ONLY}
        with pytest.raises(NotImplementedError, match=name):
            function(*args, **options)


# --- with the toolkit ------------------------------------------------------------------------

WHEEL = Wheel("autograder-0.1.0-py3-none-any.whl", b"wheel")


def test_the_release_holds_the_toolkit_and_how_to_install_it(toy):
    """Beside what the committed template has, but for the README."""
    plain, whole = student_files(toy.load()), student_release(toy.load(), WHEEL)
    assert whole.keys() - plain.keys() == {
        ".github/workflows/public-checks.yml",
        ".gitignore",
        "requirements.txt",
        f"toolkit/{WHEEL.name}",
    }
    assert {name for name in plain if plain[name] != whole[name]} == {"README.md"}
    assert whole[f"toolkit/{WHEEL.name}"] == b"wheel"
    assert list(whole) == sorted(whole)


def test_its_readme_has_two_commands_for_every_shell(toy):
    """None of them has a slash or a quote that a shell of some system would read otherwise."""
    readme = student_release(toy.load(), WHEEL)["README.md"].decode()
    start = readme.partition("## Start")[2].partition("## The stages")[0]
    (block,) = re.findall(r"```\n(.*?)```", start, re.DOTALL)
    assert block.splitlines() == [
        "python -m pip install -r requirements.txt",
        "python -m pytest",
    ]
    for system in ("macOS, Linux", "Windows, Command Prompt", "Windows, PowerShell"):
        assert f"| {system} | `" in start
    assert "PATH-TO-TOOLKIT" not in readme


def test_requirements_name_the_wheel_beside_them(toy):
    """pip reads them in the release's folder; constraints only where the course has some."""
    lines = student_release(toy.load(), WHEEL)["requirements.txt"].decode().splitlines()
    assert lines[1:] == [f"./toolkit/{WHEEL.name}"]
    toy.write("constraints.txt", "torch==2.13.0\n")
    lines = student_release(toy.load(), WHEEL)["requirements.txt"].decode().splitlines()
    assert lines[1:] == ["-c constraints.txt", f"./toolkit/{WHEEL.name}"]


def test_what_only_linux_has_is_asked_for_only_there():
    """The sandbox's libraries can't be installed on Windows, nor are they needed."""
    with zipfile.ZipFile(io.BytesIO(build_wheel().content)) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        metadata = archive.read(name).decode()
    required = re.findall(r"^Requires-Dist: (.+)$", metadata, re.MULTILINE)
    for library in ("landlockpy", "pyseccomp"):
        (line,) = [line for line in required if line.startswith(library)]
        assert line.endswith("; sys_platform == 'linux'")
    # a pin with a local version, +cpu say, is on one index only
    assert not re.search(r"^[^#]*\+", (ROOT / "constraints.txt").read_text(), re.MULTILINE)


def test_the_workflow_runs_the_readmes_commands(toy):
    """With actions at a version, and no right but to read."""
    files = student_release(toy.load(), WHEEL)
    workflow = yaml.safe_load(files[".github/workflows/public-checks.yml"])
    (job,) = workflow["jobs"].values()
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert runs == ["python -m pip install -r requirements.txt", "python -m pytest"]
    uses = [step["uses"] for step in job["steps"] if "uses" in step]
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", use) for use in uses)
    assert workflow["permissions"] == {"contents": "read"}
    assert job["timeout-minutes"] <= 30


def test_as_a_new_student_would(known_course, tmp_path):
    """Unzip, install, run, fill in one stub: its points are there. The libraries are at hand."""
    with zipfile.ZipFile(io.BytesIO(zipped(student_release(known_course, build_wheel())))) as zip_:
        zip_.extractall(tmp_path / "course")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PYTEST", "PIP"))}

    def python(*arguments: str) -> str:
        run = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=tmp_path / "course",
            env={**kept, "PYTHONPATH": str(tmp_path / "site"), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
        return run.stdout + run.stderr

    offline = ("--no-index", "--no-deps", "--target", str(tmp_path / "site"))
    python("pip", "install", *offline, "-r", "requirements.txt")
    assert (tmp_path / "site" / "autograder" / "cli.py").is_file()
    first = python("pytest")
    assert "0 of 5 exercises pass their public checks" in first
    assert "5 not implemented" in first
    assert "failed" not in first
    stub = tmp_path / "course" / "sums.py"
    done = stub.read_text().replace('raise NotImplementedError("pairs")', "return sum(range(n))")
    stub.write_text(done)
    second = python("pytest")
    assert re.search(r"^1\.1 +pairs +2 pt +✓ 1 of 1 checks pass", second, re.MULTILINE)
    assert "1 of 5 exercises pass their public checks" in second

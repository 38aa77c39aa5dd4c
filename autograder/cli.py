"""The command ``autograder``. Each command parses its arguments and calls one function.

Exit codes: 0 done (whatever the score), 1 a verification failed, 2 wrong usage or bad input,
3 the grader itself failed. Messages go to standard error, results to standard output.
"""

from __future__ import annotations

import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TextIO

import typer

from autograder import __version__
from autograder.errors import AutograderError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from autograder.course import Course
    from autograder.grading.batch import Graded
    from autograder.progress import Bar
    from autograder.report import Report
    from autograder.sandbox.workers import Zygote

app = typer.Typer(
    name="autograder",
    help="Grade neural-network assignments written with PyTorch.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

CourseOption = Annotated[
    Path | None,
    typer.Option("--course", metavar="DIR", help="The folder that holds assignments/."),
]
StageOption = Annotated[
    list[str] | None, typer.Option("--stage", metavar="STAGE", help="Only this stage; repeatable.")
]


class Device(StrEnum):
    """Where submissions compute."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


def _version(value: bool) -> None:
    if value:
        print(f"autograder {__version__}")
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def grade(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH…", help="Folders, .zip, .tar.gz, .py or .ipynb."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the results go.")],
    stage: StageOption = None,
    course: CourseOption = None,
    format: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="F",
            help="gradescope, which it is if none is named, prairielearn, autolab, classroom, "
            "junit, or json; repeatable.",
        ),
    ] = None,
    device: Annotated[
        Device,
        typer.Option(
            "--device", help="cuda: all on a GPU; auto: networks are trained on one if that works."
        ),
    ] = Device.CPU,
    allow_weak: Annotated[
        bool,
        typer.Option("--allow-weak", help="Grade where the sandbox is below its floor. Unsafe."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON lines.")] = False,
) -> None:
    """Grade submissions; each one's report.json and other formats go to DIR/<name>/."""
    _need_linux()
    from autograder.grading.batch import grade_all
    from autograder.progress import Bar
    from autograder.reports.formats import DEFAULT, known
    from autograder.sandbox.jail import hide_memory

    hide_memory()
    formats = known(format or [DEFAULT])
    selected = _course(course).select(stage or [])

    bar = Bar(len(paths))
    done: list[Graded] = []
    for graded in _until_interrupted(
        grade_all(
            *(selected, paths, out),
            allow_weak=allow_weak,
            device=device.value,
            formats=formats,
            on_start=_warn_if_weak,
            on_check=bar.show,
        ),
        bar,
    ):
        bar.clear()
        done.append(graded)
        _tell(graded, json=json)
    _write_pages(out, [graded.report for graded in done], sys.stderr if json else sys.stdout)
    if any(not graded.report.graded for graded in done if not graded.refused):
        raise typer.Exit(3)
    if any(graded.refused for graded in done):
        raise typer.Exit(2)


@app.command(hidden=True)
def gradescope(
    root: Annotated[
        Path, typer.Option("--root", metavar="DIR", help="Gradescope's folder.")
    ] = Path("/autograder"),
    course: CourseOption = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", help="The time limit, if not the course's.")
    ] = None,
) -> None:
    """Grade the submission that Gradescope has put into its folder."""
    _need_linux()
    from autograder.grading.gradescope import run
    from autograder.sandbox.jail import hide_memory

    hide_memory()
    report = run(root, _course(course), minutes=minutes)
    _print_board(report, root / "results")  # instructors see it
    if report.fault:
        _say(report.fault)
    if not report.graded:
        raise typer.Exit(3)


@app.command()
def report(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="What submissions were graded into.")
    ],
) -> None:
    """Write pages from graded results: DIR/report.html for the class, one for each submission."""
    from autograder.report import read_report

    paths = sorted(folder.glob("*/report.json"))
    if not paths:
        raise InputError(f"no results in {folder}: there is no */report.json")
    _write_pages(folder, [read_report(path) for path in paths], sys.stdout)


@app.command()
def verify(
    stage: StageOption = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the counts here; - prints.")
    ] = None,
    mutants: Annotated[
        bool, typer.Option("--mutants/--no-mutants", help="Try generic mutants of the references.")
    ] = True,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, metavar="N", help="Processes side by side.")
    ] = None,
    course: CourseOption = None,
    allow_weak: Annotated[
        bool, typer.Option("--allow-weak", help="Go on where the sandbox is below its floor.")
    ] = False,
) -> None:
    """Prove that the checks tell right from wrong; exit 1, with the culprits, where they don't."""
    _need_linux()
    from autograder.progress import Count
    from autograder.proof.summary import print_proof
    from autograder.proof.verify import verify as prove
    from autograder.report import to_json, write_atomically
    from autograder.sandbox.jail import hide_memory

    hide_memory()
    with Count("variants") as count:
        proof = prove(
            _course(course).select(stage or []),
            jobs=jobs,
            with_mutants=mutants,
            allow_weak=allow_weak,
            progress=count.show,
        )
    if json == Path("-"):
        sys.stdout.buffer.write(to_json(proof))
    else:
        print_proof(proof, sys.stdout)
    if json is not None and json != Path("-"):
        write_atomically(json, to_json(proof))
    raise typer.Exit(0 if proof.holds else 1)


@app.command()
def matrix(
    stage: StageOption = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How often, on new inputs.")] = 4,
    json: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write the figures here; - prints."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, metavar="N", help="Processes side by side.")
    ] = None,
    course: CourseOption = None,
) -> None:
    """Try every check on every mistake and mutant: which checks earn their place?"""
    _need_linux()
    from autograder.progress import Count
    from autograder.proof.matrix import measure
    from autograder.proof.summary import print_matrix
    from autograder.report import to_json, write_atomically
    from autograder.sandbox.jail import hide_memory

    hide_memory()
    selected = _course(course).select(stage or [])
    with Count("variants") as count:
        stages = measure(selected, seeds=seeds, jobs=jobs, progress=count.show)
    if json == Path("-"):
        sys.stdout.buffer.write(to_json(stages))
        return
    print_matrix(stages, sys.stdout)
    if json is not None:
        write_atomically(json, to_json(stages))


@app.command()
def calibrate(
    stage: Annotated[str, typer.Argument(metavar="STAGE", help="A stage with trainings.")],
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, metavar="N", help="Of the weakest right training.")
    ] = 300,
    mistake_seeds: Annotated[
        int, typer.Option("--mistake-seeds", min=1, metavar="N", help="Of each known mistake.")
    ] = 60,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, metavar="N", help="Processes side by side.")
    ] = None,
    course: CourseOption = None,
) -> None:
    """Measure what trainings have to reach, and how often that is unfair; it can be interrupted."""
    _need_linux()
    from autograder.progress import Count
    from autograder.proof.calibrate import calibrate as measure
    from autograder.proof.summary import print_calibration
    from autograder.sandbox.jail import hide_memory

    hide_memory()
    with Count("trainings") as count:
        found = measure(
            *(_course(course), stage),
            seeds=seeds,
            mistake_seeds=mistake_seeds,
            jobs=jobs,
            progress=count.show,
        )
    print_calibration(found, sys.stdout)


@app.command()
def release(
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Where releases go; else student_template/."),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            metavar="TARGET",
            help="student, notebook, gradescope, otter or docker; repeatable; all if none.",
        ),
    ] = None,
    stage: StageOption = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; say what would change, exit 1 if so.")
    ] = False,
    course: CourseOption = None,
) -> None:
    """Make what is handed out from the course's one source, audited."""
    from autograder.release.targets import find_targets

    targets = find_targets(target or [])
    loaded = _course(course)
    if out is None:
        if stage or {one.name for one in targets if target} - {"student"}:
            raise InputError("--stage and --target need --out DIR: where releases go")
        _release_template(loaded, check)
    else:
        from autograder.release import dist

        selected = loaded.select(stage or [])
        made = dist.make(selected, targets)
        if check:
            _say_changes(dist.changes(selected, made, out))
        dist.try_out(selected, made)
        dist.write(selected, made, out)
        for one in made:
            names = ", ".join(str(out / name) for name in one.names)
            print(f"{names}: {len(one.files)} files")
        print(out / dist.MANIFEST)


def _release_template(course: Course, check: bool) -> None:
    """Without --out: the student release that is committed beside the course."""
    from autograder.release.student import audit, differences, student_files, write_release

    folder = course.root / "student_template"
    files = student_files(course)
    audit(course, files)
    if check:
        _say_changes(differences(files, folder))
    write_release(files, folder)
    print(f"{folder}: {len(files)} files")


def _say_changes(sentences: list[str]) -> NoReturn:
    for sentence in sentences:
        print(sentence)
    raise typer.Exit(1 if sentences else 0)


@app.command()
def audit(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH…", help="Folders, archives or files.")
    ],
    target: Annotated[
        str,
        typer.Option(
            "--target", metavar="TARGET", help="What it is; other than students, graders get all."
        ),
    ] = "student",
    course: CourseOption = None,
) -> None:
    """Look for what must not be handed out, also in archives; exit 1 if there is any."""
    from autograder.release.inspection import inspect
    from autograder.release.targets import find_targets

    (kind,) = find_targets([target])
    loaded = _course(course)
    found = [sentence for path in paths for sentence in inspect(loaded, path, kind)]
    for sentence in found:
        print(sentence)
    if not found:
        print(f"nothing found in {', '.join(str(path) for path in paths)}")
    raise typer.Exit(1 if found else 0)


@app.command()
def new(
    stage: Annotated[
        str, typer.Argument(metavar="STAGE", help="The name of the module, without .py.")
    ],
    exercise: Annotated[
        list[str] | None,
        typer.Option(
            "--exercise", metavar="NAME", help="A function in it; repeatable; an example if none."
        ),
    ] = None,
    title: Annotated[
        str, typer.Option("--title", metavar="TITLE", help="What students read above the stage.")
    ] = "",
    course: Annotated[
        Path | None,
        typer.Option(
            "--course",
            metavar="DIR",
            help="The folder that holds assignments/; where it holds none, a course is begun.",
        ),
    ] = None,
) -> None:
    """Add a stage: a small working example of each of its files, to be replaced."""
    import shlex

    from autograder.course import find_course
    from autograder.new import scaffold

    root = course if course is not None else find_course(Path.cwd())
    for path in scaffold(root, stage, exercises=exercise or [], title=title):
        print(path)
    where = f" --course {shlex.quote(str(course))}" if course is not None else ""
    print(f"Next: autograder release{where} && autograder verify --stage {stage}{where}")


@app.command()
def demo(
    course: CourseOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Keep the files here.")
    ] = None,
) -> None:
    """Build a release, grade a complete, a half-done and an empty submission, show the boards."""
    _need_linux()
    import tempfile

    from autograder.demo import run_demo

    folder = out or Path(tempfile.mkdtemp(prefix="autograder-demo-"))
    reports = []
    for graded in run_demo(_course(course), folder):
        _print_board(graded.report, graded.folder)
        reports.append(graded.report)
    _write_pages(folder / "graded", reports, sys.stdout)
    print(f"The release is in {folder / 'student_template'}, the submissions in "
          f"{folder / 'submissions'}, the results in {folder / 'graded'}.")  # fmt: skip


@app.command()
def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Say what this machine has: versions, GPU, the sandbox's layers; exit 1 if it can't grade."""
    _need_linux()
    import msgspec

    from autograder.doctor import describe, examine

    health = examine()
    print(msgspec.json.encode(health).decode() if json else describe(health))
    raise typer.Exit(0 if health.strong else 1)


def _need_linux() -> None:
    if sys.platform != "linux":
        raise InputError("grading needs Linux, for its sandbox; students run pytest anywhere")


def _warn_if_weak(zygote: Zygote) -> None:
    """Only where the instructor allows it does grading begin with such a sandbox."""
    from autograder.sandbox.jail import is_strong

    if not is_strong(zygote.layers):
        _say("WARNING: the sandbox is too weak; a submission can read and forge what it likes")
        for layer, why in zygote.missing.items():
            _say(f"WARNING: no {layer}: {why}")


def _until_interrupted(graded: Iterator[Graded], bar: Bar) -> Iterator[Graded]:
    try:
        yield from graded
    except KeyboardInterrupt:
        bar.clear()
        _say("interrupted; what was graded so far has been written")
        raise


def _course(root: Path | None) -> Course:
    from autograder.course import Course, find_course

    return Course.load(root if root is not None else find_course(Path.cwd()))


def _tell(graded: Graded, *, json: bool) -> None:
    """Say what one submission came to."""
    report = graded.report
    if graded.refused:
        _say(graded.refused)
    elif not report.graded:
        _say(f"{report.submission}: not graded in full, and not by its fault: {report.fault}")
    elif report.fault:
        _say(f"{report.submission}: {report.fault}")
    if json:
        _print_score(report, graded.folder)
    elif not graded.refused:
        _print_board(report, graded.folder)


def _print_board(report: Report, folder: Path) -> None:
    from autograder.checks.board import graded_board, print_board

    print_board(graded_board(report), sys.stdout)
    for note in report.notes:
        print(note)
    found = [str(path) for path in (folder / "report.json", folder / "results.json")]
    print(f"{', '.join(path for path in found if Path(path).is_file())}\n")


def _write_pages(folder: Path, reports: list[Report], told: TextIO) -> None:
    from autograder.reports.html import write_pages

    print(write_pages(folder, reports), file=told)


def _print_score(report: Report, folder: Path) -> None:
    import msgspec

    row = {
        "submission": report.submission,
        "points": report.points,
        "max_points": report.max_points,
        "graded": report.graded,
        "folder": str(folder),
    }
    print(msgspec.json.Encoder(decimal_format="number").encode(row).decode())


def _say(sentence: str) -> None:
    print(f"autograder: {sentence}", file=sys.stderr)


def main() -> NoReturn:
    """Run the command line; an error of ours is one sentence and an exit code."""
    # ended by a platform, we clean up as on Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except AutograderError as error:
        _say(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:  # where it came between two commands of the parser's
        _say("interrupted")
        sys.exit(130)
    except OSError as error:  # standard output on a full disk, say
        _say(f"{error.filename or 'output'}: {error.strerror}")
        sys.exit(3)
    sys.exit(0)

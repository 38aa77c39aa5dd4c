"""A course as data: read from TOML, validated, frozen.

``Course.load(root)`` reads ``root/assignments/course.toml`` and every stage's
``assignment.toml``, and finds each stage's checks by parsing its test files (they are never
imported here). Anything wrong raises one ``CourseError`` that names the file and the key.
"""

from __future__ import annotations

import ast
import dataclasses
import math
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from autograder.errors import CourseError
from autograder.forbidden import Forbidden

Visibility = Literal["public", "hidden"]
VISIBILITIES: tuple[Visibility, ...] = ("public", "hidden")
# beside the standard library: a student's module of such a name would take the library's place,
# or the library its
LIBRARIES = frozenset(
    {"torch", "torchvision", "numpy", "pytest", "hypothesis", "autograder", "probes"}
)
CENT = Decimal("0.01")  # points are counted in hundredths, so that they add up exactly
MAX_POINTS = Decimal(1_000_000)


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one check may use of the machine, in the worker that runs the student's code.

    `cpu_seconds` is for the import and the check together, and is what ends a loop that never
    does. The other two are by the clock, so that a busy machine has to be allowed for: they end
    what waits for ever.
    """

    wall_seconds: float = 30.0
    cpu_seconds: float = 10.0
    import_seconds: float = 30.0
    memory_mb: int = 2048

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"`{name}` must be above 0 and finite")


class Checks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How checks are run: `examples` is the number of inputs hypothesis draws for each.

    A stage may have its own; `matrix` measures how many it takes.
    """

    examples: int = 50

    def __post_init__(self) -> None:
        if self.examples < 1:
            raise ValueError("`examples` must be at least 1")


class PointsPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What earns an exercise's points.

    With "each check" every check that passes earns its share; with "all checks" an exercise is
    worth no more than the weakest of its checks, so that one that fails costs all of it.
    """

    earned_by: Literal["each check", "all checks"] = "each check"


GradescopeVisibility = Literal["hidden", "after_due_date", "after_published", "visible"]


class VisibilityPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When students see the rows of public and of hidden checks, in Gradescope's words."""

    public: GradescopeVisibility = "visible"
    hidden: GradescopeVisibility = "after_published"


class GradescopeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What Gradescope's image and its runs are made with.

    `minutes` is the time limit in the assignment's settings there: grading ends before it does.
    `pip` are options for installing the libraries, such as ``--extra-index-url`` and the address of
    PyTorch's builds for CPUs.
    """

    minutes: float = 10.0
    pip: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 3 <= self.minutes <= 40:
            raise ValueError("`minutes` must be from 3 to 40, Gradescope's longest time limit")


class _CourseFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    stages: list[str]
    # where they are not 1, 2, 3: a release of some stages keeps the numbers that handouts name
    numbers: list[int] = []
    limits: Limits = Limits()
    checks: Checks = Checks()
    points: PointsPolicy = PointsPolicy()
    visibility: VisibilityPolicy = VisibilityPolicy()
    gradescope: GradescopeSettings = GradescopeSettings()


class Exercise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One function or class that students write, with its points.

    `covers` lists the names that the exercise is made of; it defaults to the exercise's own.
    `resolution` is the relative error, in units of the dtype's eps, that every check which
    compares floating-point answers has to notice; `verify` sees to it.
    `recipe` says that many ways are right and the outcome is judged, as of a training: no mutants
    are made of it, no failure is taken for a known mistake by its answers, and `calibrate`
    measures what it has to reach.
    `forbidden` is what its code must not use; what the whole stage forbids is added when it is
    read.
    """

    name: str
    points: Decimal
    covers: tuple[str, ...] = ()
    resolution: float = 100.0
    recipe: bool = False
    forbidden: Forbidden = Forbidden()

    def __post_init__(self) -> None:
        # the bounds keep decimal's arithmetic exact: nan, inf and 1e30 raise in it
        known = self.points.is_finite() and 0 < self.points < MAX_POINTS
        if not known or self.points % CENT:
            raise ValueError(f"`points` of {self.name!r} must be above 0, in steps of 0.01")

    @property
    def names(self) -> tuple[str, ...]:
        """The functions and classes that the exercise is made of."""
        return self.covers or (self.name,)


class _AssignmentFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    points: Decimal
    exercises: list[Exercise]
    limits: Limits | None = None
    checks: Checks | None = None
    forbidden: Forbidden = Forbidden()


CheckKey = tuple[str, Visibility, str]  # stage, visibility, name


@dataclass(frozen=True)
class Check:
    """One check as its row in a report knows it, before anything has run.

    `points` is the check's share of its exercise's points, by weight, in hundredths that add up
    to the exercise's points exactly. `title` is the first line of the check's docstring.
    """

    stage: str
    exercise: str
    name: str
    visibility: Visibility
    title: str
    weight: float
    points: Decimal

    @property
    def key(self) -> CheckKey:
        """What it is known by in a course."""
        return self.stage, self.visibility, self.name


@dataclass(frozen=True)
class Assignment:
    """One stage: a module that students complete, and how it is judged."""

    stage: str
    number: int
    title: str
    points: Decimal
    exercises: tuple[Exercise, ...]
    checks: tuple[Check, ...]
    limits: Limits
    settings: Checks
    folder: Path
    reference: Path

    @property
    def module(self) -> str:
        """The file that students hand in for this stage."""
        return f"{self.stage}.py"

    @property
    def probes(self) -> Path | None:
        """The stage's probes, where it has any."""
        path = self.folder / "probes.py"
        return path if path.is_file() else None

    @property
    def trains(self) -> bool:
        """Whether networks are trained in it whose outcome is judged."""
        return any(exercise.recipe for exercise in self.exercises)

    def exercise(self, name: str) -> Exercise:
        """The exercise of this name.

        Raises:
            KeyError: there is none.
        """
        for exercise in self.exercises:
            if exercise.name == name:
                return exercise
        raise KeyError(name)

    def checks_of(self, exercise: str, visibility: Visibility | None = None) -> list[Check]:
        """The checks of one exercise, in the order of their files."""
        return [
            check
            for check in self.checks
            if check.exercise == exercise and visibility in (None, check.visibility)
        ]


@dataclass(frozen=True)
class Course:
    """Everything an instructor maintains."""

    root: Path
    title: str
    assignments: tuple[Assignment, ...]
    visibility: VisibilityPolicy
    policy: PointsPolicy
    gradescope: GradescopeSettings

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages' names in the order of the course."""
        return tuple(assignment.stage for assignment in self.assignments)

    @property
    def modules(self) -> dict[str, tuple[str, ...]]:
        """The files that students complete, and the names that each is asked for."""
        return {
            assignment.module: tuple(
                name for exercise in assignment.exercises for name in exercise.names
            )
            for assignment in self.assignments
        }

    @property
    def points(self) -> Decimal:
        """The points of the whole course."""
        return sum((assignment.points for assignment in self.assignments), Decimal(0))

    @property
    def examples(self) -> dict[str, int]:
        """The number of inputs that hypothesis draws for each check, by stage."""
        return {assignment.stage: assignment.settings.examples for assignment in self.assignments}

    def with_examples(self, number: int) -> Course:
        """The same course with another number of inputs a check, in all stages."""
        settings = Checks(examples=number)
        changed = tuple(dataclasses.replace(a, settings=settings) for a in self.assignments)
        return dataclasses.replace(self, assignments=changed)

    def assignment(self, stage: str) -> Assignment:
        """The assignment of one stage.

        Raises:
            CourseError: the course has no such stage.
        """
        for assignment in self.assignments:
            if assignment.stage == stage:
                return assignment
        raise CourseError(f"no stage {stage!r} in this course; it has {', '.join(self.stages)}")

    def select(self, stages: list[str]) -> Course:
        """The same course with only the named stages; all of them where none is named."""
        if not stages:
            return self
        wanted = {self.assignment(stage).stage for stage in stages}
        chosen = tuple(a for a in self.assignments if a.stage in wanted)
        return dataclasses.replace(self, assignments=chosen)

    @classmethod
    def load(cls, root: Path, *, released: bool = False) -> Course:
        """Read and validate the course in ``root`` (the folder that holds ``assignments/``).

        Args:
            root: the folder.
            released: it is what students were handed out: an exercise whose checks are all
                hidden then has none.

        Raises:
            CourseError: a file is missing or wrong; one sentence with the file and the key.
        """
        root = root.resolve()
        path = root / "assignments" / "course.toml"
        if not path.is_file():
            raise CourseError(f"no course in {root}: {path.relative_to(root)} is missing")
        file = read_toml(path, _CourseFile)
        if not file.stages:
            raise CourseError(f"{path}: `stages` is empty")
        if doubled := _first_double(file.stages):
            raise CourseError(f"{path}: `stages` names {doubled!r} twice")
        numbers = file.numbers or list(range(1, len(file.stages) + 1))
        if len(numbers) != len(file.stages) or sorted({0, *numbers}) != [0, *numbers]:
            raise CourseError(f"{path}: `numbers` needs one for each stage, from 1, growing")
        assignments = tuple(
            _load_assignment(root, stage, number, file, path, released)
            for number, stage in zip(numbers, file.stages, strict=True)
        )
        return cls(*(root, file.title, assignments, file.visibility, file.points, file.gradescope))


def find_course(start: Path) -> Path:
    """The nearest folder at or above `start` that holds ``assignments/course.toml``.

    Raises:
        CourseError: there is none.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / "assignments" / "course.toml").is_file():
            return folder
    raise CourseError(
        f"no course at or above {start}: go to a folder with assignments/course.toml, "
        "or name one with --course"
    )


def stage_of(test_file: Path) -> str | None:
    """The stage that a test file judges, None where it is no check of a course."""
    if (test_file.parent / "assignment.toml").is_file():
        return test_file.parent.name
    return None


def visibility_of(test_file: Path) -> Visibility | None:
    """Whether a test file's checks are public or hidden, by its name."""
    for visibility in VISIBILITIES:
        if test_file.name == f"test_{visibility}.py":
            return visibility
    return None


def _load_assignment(
    root: Path, stage: str, number: int, defaults: _CourseFile, course_file: Path, released: bool
) -> Assignment:
    folder = root / "assignments" / stage
    if not stage.isidentifier():
        raise CourseError(f"{course_file}: `stages` has {stage!r}, which is no module name")
    if stage in sys.stdlib_module_names or stage in LIBRARIES:
        raise CourseError(f"{course_file}: `stages` has {stage!r}, which is a library's name")
    if not folder.is_dir():
        raise CourseError(f"{course_file}: `stages` names {stage!r}, but {folder} is missing")
    path = folder / "assignment.toml"
    if not path.is_file():
        raise CourseError(f"{path} is missing; {course_file} lists the stage {stage!r}")
    file = read_toml(path, _AssignmentFile)
    names = [exercise.name for exercise in file.exercises]
    if doubled := _first_double(names):
        raise CourseError(f"{path}: `exercises` names {doubled!r} twice")
    total = sum((exercise.points for exercise in file.exercises), Decimal(0))
    if total != file.points:
        raise CourseError(
            f"{path}: `points` is {file.points}, but those of the exercises add up to {total}"
        )
    found = [check for visibility in VISIBILITIES for check in _find_checks(folder, visibility)]
    for check in found:
        if check.exercise not in names:
            raise CourseError(
                f"{check.file}: {check.name} judges {check.exercise!r}, which is not among "
                f"`exercises` of {path}"
            )
    for name in names:
        if not released and not any(c.exercise == name and c.weight for c in found):
            raise CourseError(f"{path}: exercise {name!r} has no check with a weight in {folder}")
    return Assignment(
        stage=stage,
        number=number,
        title=file.title,
        points=file.points,
        exercises=tuple(
            _with_forbidden(exercise, file.forbidden, path) for exercise in file.exercises
        ),
        checks=tuple(_share_points(stage, file.exercises, found)),
        limits=file.limits or defaults.limits,
        settings=file.checks or defaults.checks,
        folder=folder,
        reference=root / "solutions" / f"{stage}.py",
    )


def _with_forbidden(exercise: Exercise, by_stage: Forbidden, path: Path) -> Exercise:
    both = by_stage | exercise.forbidden
    if both and not both.instead:
        raise CourseError(
            f"{path}: `forbidden` of exercise {exercise.name!r} needs `instead`: "
            "what students should do instead"
        )
    return msgspec.structs.replace(exercise, forbidden=both)


_Model = TypeVar("_Model")


def read_toml(path: Path, model: type[_Model]) -> _Model:
    """A TOML file of a course as a validated model.

    Raises:
        CourseError: it can't be read, is no TOML, or has a wrong key; with the file and the key.
    """
    try:
        # tomllib first: its message has the line and column
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), model)
    except tomllib.TOMLDecodeError as error:
        raise CourseError(f"{path}: not valid TOML: {error}") from error
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at ")
        key = where.strip("`").removeprefix("$").removeprefix(".")
        raise CourseError(f"{path}: {f'`{key}`: ' if key else ''}{what}") from error
    except UnicodeDecodeError as error:
        raise CourseError(f"{path}: not UTF-8 text ({error.reason})") from error
    except OSError as error:
        raise CourseError(f"{path}: can't be read: {error.strerror}") from error


def _first_double(names: list[str]) -> str | None:
    return next((name for i, name in enumerate(names) if name in names[:i]), None)


@dataclass(frozen=True)
class _FoundCheck:
    file: Path
    visibility: Visibility
    name: str
    exercise: str
    weight: float
    title: str


def _find_checks(folder: Path, visibility: Visibility) -> Iterator[_FoundCheck]:
    """The checks of one test file, read from its syntax tree.

    The rows of a report come from here, so they are the same whatever a submission does.
    """
    path = folder / f"test_{visibility}.py"
    if not path.is_file():
        return
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except (SyntaxError, ValueError) as error:
        raise CourseError(f"{path}: {error}") from error
    seen: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            raise CourseError(
                f"{path}:{node.lineno}: {node.name}: checks are functions, not classes"
            )
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test"):
            continue
        where = f"{path}:{node.lineno}: {node.name}"
        if node.name in seen:
            raise CourseError(f"{where} is defined twice; the first would never run")
        seen.add(node.name)
        exercise, weight = _read_decorator(node, where)
        docstring = ast.get_docstring(node)
        if not docstring:
            raise CourseError(f"{where} has no docstring; its first line is the check's title")
        uses = {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)}
        if visibility == "public" and "reference" in uses:
            raise CourseError(f"{where} is public and uses `reference`, which students don't have")
        title = docstring.splitlines()[0].strip()
        yield _FoundCheck(path, visibility, node.name, exercise, weight, title)


def _read_decorator(node: ast.FunctionDef, where: str) -> tuple[str, float]:
    for decorator in node.decorator_list:
        if not (
            isinstance(decorator, ast.Call)
            and isinstance(decorator.func, ast.Name)
            and decorator.func.id == "exercise"
        ):
            continue
        try:
            names = [ast.literal_eval(argument) for argument in decorator.args]
            options = {k.arg: ast.literal_eval(k.value) for k in decorator.keywords}
        except (ValueError, TypeError):
            names, options = [], {}
        weight = options.pop("weight", 1)
        if len(names) != 1 or not isinstance(names[0], str) or options:
            break
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            break
        if not 0 <= weight < math.inf:
            raise CourseError(f"{where}: `weight` must be 0 or more and finite")
        return names[0], float(weight)
    raise CourseError(f'{where} needs @exercise("name", weight=1), written with literals')


def _share_points(
    stage: str, exercises: list[Exercise], found: list[_FoundCheck]
) -> Iterator[Check]:
    """Divide each exercise's points over its checks by weight.

    The shares are differences of a rounded running sum: each is within a hundredth of its exact
    value and they add up to the exercise's points exactly.
    """
    for exercise in exercises:
        checks = [check for check in found if check.exercise == exercise.name]
        total = sum(Decimal(str(check.weight)) for check in checks)
        running, given = Decimal(0), Decimal(0)
        for check in checks:
            running += Decimal(str(check.weight))
            # in a release the checks that have weight may all be hidden
            upto = (exercise.points * running / total).quantize(CENT) if total else Decimal(0)
            yield Check(
                stage=stage,
                exercise=exercise.name,
                name=check.name,
                visibility=check.visibility,
                title=check.title,
                weight=check.weight,
                points=upto - given,
            )
            given = upto

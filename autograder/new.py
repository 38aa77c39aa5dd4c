"""A new stage in a course: a small working example of each of its files, to be replaced.

What is written is proved, handed out and graded like any other stage as it stands, so that an
instructor changes one thing at a time and `autograder verify` says which of them broke it.
"""

from __future__ import annotations

import keyword
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from autograder.course import LIBRARIES
from autograder.errors import CourseError, InputError
from autograder.release.folder import MANIFEST

_EXAMPLE = "mean_squared_error"
# of the names that the example uses, those that a function of its module would take the place of
_TAKEN = {"torch", "zip", "sum", "len", "probe"}


def scaffold(
    root: Path, stage: str, *, exercises: Sequence[str] = (), title: str = ""
) -> list[Path]:
    """Add a stage to a course; all of it is written, or nothing.

    Args:
        root: the folder that holds ``assignments/``; where it holds no course yet, one is begun.
        stage: the name of the module that students are to complete.
        exercises: the names of its functions, `mean_squared_error` where there are none.
        title: the stage's title, made from its name where empty.

    Returns:
        The files that were written, ``course.toml`` first.

    Raises:
        CourseError: ``course.toml`` is wrong.
        InputError: a name can't be used, something is there already, or can't be written.
    """
    names = list(exercises) or [_EXAMPLE]
    _check_names(stage, names)
    title = " ".join(title.split()) or stage.replace("_", " ").strip().capitalize()
    _check_root(root)
    folder, solution = root / "assignments" / stage, root / "solutions" / f"{stage}.py"
    listing = root / "assignments" / "course.toml"
    listed = _listed(listing, root, stage)
    for path in (folder, solution):
        if os.path.lexists(path):
            raise InputError(f"{path} is there already; nothing was written")
    files = _stage_files(stage, names, title)
    try:
        _write(files, folder, _module(stage, names), solution, listed, listing)
    except OSError as error:
        where, why = error.filename2 or folder, error.strerror or error
        raise InputError(f"{where} can't be written: {why}; nothing was") from error
    return [listing, *(folder / name for name in files), solution]


def _check_names(stage: str, exercises: Sequence[str]) -> None:
    if not _is_name(stage):
        raise InputError(f"{stage!r} is no module name: letters, digits and _ only")
    if stage in sys.stdlib_module_names or stage in LIBRARIES:
        raise InputError(f"{stage!r} is a library's name; a module of that name would replace it")
    for name in exercises:
        if not _is_name(name) or name.startswith("_"):
            raise InputError(f"{name!r} is no name for a function that students write")
        if name in _TAKEN:
            raise InputError(f"{name!r} is a name that the example uses itself; take another")
        if exercises.count(name) > 1:
            raise InputError(f"--exercise {name} is given twice")


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def _check_root(root: Path) -> None:
    if (root / MANIFEST).exists():
        raise InputError(f"{root} is what students are handed out; name the course it is made from")
    if (root / "assignments" / "course.toml").is_file():
        return
    for above in root.resolve().parents:
        if (above / "assignments" / "course.toml").is_file():
            raise InputError(f"{root} is no course, but lies within {above}, which is one")


def _listed(path: Path, root: Path, stage: str) -> bytes:
    """What ``course.toml`` becomes with the stage in it, comments and layout as they were."""
    if not os.path.lexists(path):
        name = root.resolve().name.replace("_", " ").replace("-", " ").strip()
        return _COURSE.format(title=_quoted(name.capitalize() or "A course"), stage=stage).encode()
    try:
        course = tomlkit.parse(path.read_bytes().decode("utf-8"))
    except TOMLKitError as error:
        raise CourseError(f"{path}: not valid TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise CourseError(f"{path}: not UTF-8 text ({error.reason})") from error
    except OSError as error:
        raise CourseError(f"{path}: can't be read: {error.strerror}") from error
    stages = course.get("stages")
    if not isinstance(stages, tomlkit.items.Array) or not all(isinstance(s, str) for s in stages):
        raise CourseError(f"{path}: `stages` is no list of names")
    if stage in stages:
        raise CourseError(f"{path}: `stages` names {stage!r} already")
    stages.append(stage)
    return tomlkit.dumps(course).encode()


def _write(
    files: dict[str, str], folder: Path, module: str, solution: Path, listed: bytes, listing: Path
) -> None:
    """Write everything beside its place, then move it there; undo that where it fails."""
    with ExitStack() as undo, ExitStack() as tidy:
        for needed in (folder.parent, solution.parent):
            _make(needed, undo)
        beside = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
        tidy.callback(shutil.rmtree, beside, ignore_errors=True)
        for name, text in files.items():
            path = beside / "stage" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        (beside / "solution.py").write_bytes(module.encode())
        (beside / "course.toml").write_bytes(listed)
        if listing.exists():
            shutil.copymode(listing, beside / "course.toml")
        _move(beside / "stage", folder, undo, shutil.rmtree)
        _move(beside / "solution.py", solution, undo, os.unlink)
        os.replace(beside / "course.toml", listing.resolve())  # what a link leads to
        undo.pop_all()


def _make(folder: Path, undo: ExitStack) -> None:
    """A folder, and those around it that are missing."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir()
        undo.callback(one.rmdir)


def _move(source: Path, target: Path, undo: ExitStack, remove: Callable[[Path], None]) -> None:
    os.rename(source, target)
    undo.callback(remove, target)


# --- what is written -------------------------------------------------------------------------


def _stage_files(stage: str, exercises: Sequence[str], title: str) -> dict[str, str]:
    def each(template: str) -> str:
        return "".join(template.format(name=name) for name in exercises)

    listed = "\n".join(f"- `{name}`: EXAMPLE, what it is for." for name in exercises)
    return {
        "assignment.toml": _ASSIGNMENT.format(title=_quoted(title), points=len(exercises))
        + each(_EXERCISE),
        "handout.md": _HANDOUT.format(title=title, stage=stage, exercises=listed),
        "test_public.py": _PUBLIC.format(stage=stage) + each(_PUBLIC_CHECKS),
        "test_hidden.py": _HIDDEN.format(stage=stage) + each(_HIDDEN_CHECKS),
        "mistakes.toml": _MISTAKES.format(stage=stage) + each(_MISTAKES_OF_ONE),
        "alternatives/in_plain_python.py": _ALTERNATIVE + each(_ALTERNATIVE_FUNCTION),
    }


def _module(stage: str, exercises: Sequence[str]) -> str:
    functions = "".join(_FUNCTION.format(name=name) for name in exercises)
    return _SOLUTION.format(stage=stage) + functions


def _quoted(text: str) -> str:
    return tomlkit.string(text).as_string()


_COURSE = """\
title = {title}  # what students read above their stages
stages = ["{stage}"]  # in the order in which students do them
"""

_ASSIGNMENT = """\
title = {title}
points = {points}  # the sum of those below
"""

_EXERCISE = """
[[exercises]]
name = "{name}"
points = 1
"""

_HANDOUT = """\
# {title}

EXAMPLE, to be replaced: the idea in a few lines, and its formula.

$$ L = \\frac{{1}}{{n}} \\sum_i (\\hat y_i - y_i)^2 $$

## By hand

Predictions 1 and 2, targets 1 and 5: the errors are 0 and −3, their squares 0 and 9, the mean 4.5.

## Your task

Complete `{stage}.py`. Each docstring says what goes in, what comes out and what raises.

{exercises}
"""

_SOLUTION = '''\
"""EXAMPLE, to be replaced: what `{stage}` is about, in a line."""

import torch
'''

_FUNCTION = '''

def {name}(y_hat: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """EXAMPLE, to be replaced: the mean squared error.

    Args:
        y_hat: predictions, any shape, floating point.
        y: targets, shape and dtype of `y_hat`.

    Returns:
        The mean of (y_hat − y)² over all elements, a 0-dimensional tensor of the inputs' dtype.
    """
    # BEGIN SOLUTION
    return ((y_hat - y) ** 2).mean()  # {name}: only what stands between the marks is secret
    # END SOLUTION
'''

_PUBLIC = '''\
"""Public checks of `{stage}`: right is what PyTorch says, or a law, or an example by hand."""

import torch
from hypothesis.strategies import sampled_from
from torch import tensor
from torch.nn.functional import mse_loss

from autograder.checks import assert_close, dims, exercise, given, tensors

FLOATS = sampled_from([torch.float32, torch.float64])
PAIRS = tensors(dims(2, high=4).map(lambda shape: (2, *shape)), dtype=FLOATS)
'''

_PUBLIC_CHECKS = '''

@exercise("{name}")
def test_{name}_by_hand(student):
    """EXAMPLE: errors of 0 and −3 have a mean square of 4.5."""
    assert_close(student.{name}(tensor([1.0, 2.0]), tensor([1.0, 5.0])), 4.5)


@exercise("{name}")
@given(pair=PAIRS)
def test_{name}_equals_pytorch(student, pair):
    """EXAMPLE: it is the value of PyTorch's own loss."""
    y_hat, y = pair
    expected = mse_loss(y_hat.double(), y.double())
    assert_close(student.{name}(y_hat, y), expected, terms=y.numel())
'''

_HIDDEN = '''\
"""Hidden checks of `{stage}`, for the grader only: the reference, and what must hold beside it."""

import torch
from hypothesis.strategies import sampled_from

from autograder.checks import assert_close, dims, exercise, given, tensors

FLOATS = sampled_from([torch.float32, torch.float64])
PAIRS = tensors(dims(2, high=4).map(lambda shape: (2, *shape)), dtype=FLOATS)
'''

_HIDDEN_CHECKS = '''

@exercise("{name}", weight=2)
@given(pair=PAIRS)
def test_{name}_equals_the_reference(student, reference, pair):
    """EXAMPLE: it is the reference's value, in the inputs' dtype."""
    y_hat, y = pair
    expected = reference.{name}(y_hat.double(), y.double())
    assert_close(student.{name}(y_hat, y), expected, dtype=y.dtype, terms=y.numel())


@exercise("{name}")
@given(pair=PAIRS)
def test_{name}_of_a_perfect_prediction(student, pair):
    """EXAMPLE: predictions that equal their targets cost nothing."""
    assert_close(student.{name}(pair[1], pair[1]), 0.0)
'''

_MISTAKES = """\
# Known-wrong variants of solutions/{stage}.py: each loses points on its own exercise and no other.
# `find` occurs once in that file, `replace` takes its place, `hint` asks and never tells.
"""

_MISTAKES_OF_ONE = """
[[mistakes]]
exercise = "{name}"
name = "EXAMPLE: summed"
find = "return ((y_hat - y) ** 2).mean()  # {name}:"
replace = "return ((y_hat - y) ** 2).sum()  # {name}:"
hint = "What becomes of your value when every sample is there twice?"

[[mistakes]]
exercise = "{name}"
name = "EXAMPLE: not squared"
find = "return ((y_hat - y) ** 2).mean()  # {name}:"
replace = "return (y_hat - y).abs().mean()  # {name}:"
hint = "An error twice as large: how many times as much does it cost?"

[[mistakes]]
exercise = "{name}"
name = "EXAMPLE: the signs cancel"
find = "return ((y_hat - y) ** 2).mean()  # {name}:"
replace = "return (y_hat - y).mean() ** 2  # {name}:"
hint = "One error of 1 and one of −1: is such a prediction perfect?"
"""

_ALTERNATIVE = '''\
"""Right in another way, and worth every point: elements one by one, in plain Python."""
'''

_ALTERNATIVE_FUNCTION = """

def {name}(y_hat, y):
    pairs = zip(y_hat.flatten().tolist(), y.flatten().tolist(), strict=True)
    squares = [(a - b) ** 2 for a, b in pairs]
    return y.new_tensor(sum(squares) / len(squares))
"""

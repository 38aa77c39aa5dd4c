"""What several folders of tests share: a running zygote, submissions, and a course to grade on."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from autograder.course import Course
from autograder.sandbox.workers import Zygote

collect_ignore = ["known_course"]  # a course is data here: its checks are run by the grader

KNOWN_COURSE = Path(__file__).parent / "known_course"


@pytest.fixture(scope="session")
def staging() -> Iterator[Path]:
    """A folder that a worker with a user of its own can enter; pytest's are for their owner."""
    with tempfile.TemporaryDirectory(prefix="autograder-tests-") as base:
        folder = Path(base)
        folder.chmod(0o711)
        yield folder


@pytest.fixture(scope="session")
def secret() -> str:
    """A variable in the environment of the grader that starts the zygote."""
    return "AUTOGRADER_TEST_SECRET"


@pytest.fixture(scope="session")
def zygote(staging: Path, secret: str) -> Iterator[Zygote]:
    """One zygote for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(secret, "hidden checks")
        with Zygote(readable=[staging]) as running:
            yield running


@pytest.fixture
def submission(staging: Path) -> Callable[..., Path]:
    """Write the given modules (``batching="…"``) into a fresh folder that workers can read."""

    def write(**modules: str | bytes) -> Path:
        folder = Path(tempfile.mkdtemp(dir=staging))
        folder.chmod(0o755)
        for stage, source in modules.items():
            path = folder / f"{stage}.py"
            if isinstance(source, bytes):
                path.write_bytes(source)
            else:
                path.write_text(dedent(source), encoding="utf-8")
            path.chmod(0o644)
        return folder

    return write


TOY_COURSE = {
    "assignments/course.toml": """
        title = "A toy course"
        stages = ["doubles", "words"]

        [checks]
        examples = 5

        [limits]
        wall_seconds = 2
        cpu_seconds = 2
        import_seconds = 2
        memory_mb = 512
        """,
    "assignments/doubles/assignment.toml": """
        title = "Doubles"
        points = 5

        [[exercises]]
        name = "double"
        points = 3

        [[exercises]]
        name = "half"
        points = 2
        """,
    "assignments/doubles/test_public.py": '''
        from autograder.checks import assert_equal, exercise, given
        from hypothesis import strategies as st

        @exercise("double")
        @given(n=st.integers(0, 99))
        def test_double_is_a_sum(student, n):
            """Twice a number is the number added to itself."""
            assert_equal(student.double(n), n + n)

        @exercise("half")
        @given(n=st.integers(0, 99))
        def test_half_of_double(student, n):
            """Half of twice a number is the number."""
            assert_equal(student.half(2 * n), n)
        ''',
    "assignments/doubles/test_hidden.py": '''
        from autograder.checks import assert_equal, exercise, given
        from hypothesis import strategies as st

        @exercise("double", weight=2)
        @given(n=st.integers(-99, -1))
        def test_double_of_negative(student, reference, n):
            """Negative numbers have doubles too."""
            assert_equal(student.double(n), reference.double(n))
        ''',
    "assignments/words/assignment.toml": """
        title = "Words"
        points = 1

        [[exercises]]
        name = "shout"
        points = 1
        """,
    "assignments/words/test_public.py": '''
        from autograder.checks import assert_equal, exercise

        @exercise("shout")
        def test_shout_is_upper_case(student):
            """A shout is in upper case."""
            assert_equal(student.shout("hey"), "HEY")
        ''',
    "solutions/doubles.py": """
        def double(n):
            # BEGIN SOLUTION
            return 2 * n
            # END SOLUTION


        def half(n):
            # BEGIN SOLUTION
            return n // 2
            # END SOLUTION
        """,
    "solutions/words.py": """
        def shout(word):
            # BEGIN SOLUTION
            return word.upper()
            # END SOLUTION
        """,
}


@pytest.fixture(scope="session")
def toy_course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course of two stages: `doubles` (double 3, half 2) and `words` (shout 1); 6 points."""
    root = tmp_path_factory.mktemp("toy_course")
    for name, text in TOY_COURSE.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip(), encoding="utf-8")
    return Course.load(root)


class CourseFolder:
    """A copy of `known_course/`, which a test may spoil."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(
            KNOWN_COURSE, root, ignore=shutil.ignore_patterns("__pycache__", ".hypothesis")
        )

    def write(self, name: str, text: str) -> None:
        """Write a file of the course."""
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Put `new` in the place of `old`, which has to be there."""
        text = (self.root / name).read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {name}"
        self.write(name, text.replace(old, new))

    def add_mistake(self, exercise: str, name: str, find: str, replace: str, hint: str) -> None:
        """One known mistake more."""
        path = self.root / "assignments/sums/mistakes.toml"
        keys = {"exercise": exercise, "name": name, "find": find, "replace": replace, "hint": hint}
        lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n[[mistakes]]\n{lines}")

    def load(self) -> Course:
        """The course as it is now."""
        return Course.load(self.root)


@pytest.fixture(scope="session")
def known_course() -> Course:
    """The course with known mistakes; its one stage `sums` has five exercises, 2 points each."""
    return Course.load(KNOWN_COURSE)


@pytest.fixture
def known(tmp_path: Path) -> CourseFolder:
    """A copy of that course."""
    return CourseFolder(tmp_path / "known_course")

"""What several folders of tests share: a running zygote, submissions, and a course to grade on."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from autograder.course import Course
from autograder.sandbox.workers import Zygote


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

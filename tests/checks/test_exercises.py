"""The decorators of a check."""

import pytest
from hypothesis import strategies as st

from autograder.checks import given


def test_drawing_by_data_is_refused_where_it_is_written() -> None:
    """`verify` could not run such an example again."""
    with pytest.raises(TypeError, match="composite"):
        given(data=st.data())


def test_any_other_strategy_will_do() -> None:
    seen = []

    @given(n=st.integers(3, 3))
    def check(n: int) -> None:
        seen.append(n)

    check()
    assert seen
    assert set(seen) == {3}

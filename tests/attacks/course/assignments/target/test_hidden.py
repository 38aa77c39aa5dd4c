from hypothesis import strategies as st

from autograder.checks import assert_close, assert_equal, dims, exercise, given, tensors

CANARY = "kestrel-hidden-5be2"  # no report may hold it


@exercise("blend")
@given(x=tensors(dims(2)))
def test_blend_is_the_references(student, reference, x):
    """Any tensor blends as the reference's does."""
    assert_close(student.blend(x), reference.blend(x))


@exercise("tally")
@given(numbers=st.lists(st.integers(0, 99), min_size=1, max_size=4))
def test_tally_is_the_references(student, reference, numbers):
    """Any numbers have the reference's tally."""
    assert_equal(student.tally(numbers), reference.tally(numbers))


@exercise("Register")
@given(start=st.integers(0, 9), numbers=st.lists(st.integers(0, 99), min_size=1, max_size=4))
def test_register_is_the_references(student, reference, start, numbers):
    """Any numbers move the register as they move the reference's."""
    expected = reference.probe.run_register(start, numbers)
    assert_equal(student.probe.run_register(start, numbers), expected)

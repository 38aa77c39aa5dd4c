from hypothesis import strategies as st

from autograder.checks import assert_close, assert_equal, assert_that, exercise, given
from autograder.checks.strategies import generators, tensors

_MANY = 40


@exercise("pairs")
@given(n=st.integers(1, 30))
def test_is_the_reference(student, reference, n):
    """The count is right."""
    assert_equal(student.pairs(n), reference.pairs(n))


@exercise("clamp")
@given(x=st.integers(11, 40))
def test_above_the_range(student, x):
    """What lies above the range becomes its upper end."""
    assert_equal(student.clamp(x, 0, 10), 10)


@exercise("clamp")
@given(x=st.integers(0, 10))
def test_in_the_range(student, x):
    """What lies in the range stays."""
    assert_equal(student.clamp(x, 0, 10), x)


@exercise("variance")
@given(values=st.integers(2, 9).flatmap(lambda n: tensors((n,))))
def test_is_close(student, reference, values):
    """The variance is right but for rounding."""
    expected = reference.variance(values.double())
    assert_close(student.variance(values), expected, scale=float(expected), terms=9)


@exercise("shuffled")
@given(generator=generators())
def test_is_mixed(student, generator):
    """Many numbers don't stay in their order."""
    found = student.shuffled(_MANY, generator)
    assert_that(found.tolist() != list(range(_MANY)), "they are in order", found)


@exercise("shuffled")
@given(generator=generators())
def test_repeats(student, generator):
    """One seed gives one order."""
    first = student.shuffled(_MANY, generator)
    assert_equal(student.shuffled(_MANY, generator), first)


@exercise("Tally")
@given(values=st.lists(st.integers(-9, 9), min_size=1, max_size=6))
def test_totals(student, reference, values):
    """A tally has the largest value and the sum."""
    assert_equal(student.probe.tally(values), reference.probe.tally(values))

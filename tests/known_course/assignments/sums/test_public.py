import torch
from hypothesis import strategies as st

from autograder.checks import assert_equal, assert_that, exercise, given
from autograder.checks.strategies import generators


@exercise("pairs")
@given(n=st.integers(1, 30))
def test_one_thing_more_pairs_with_all_others(student, n):
    """One thing more makes a pair with each of the others."""
    assert_equal(student.pairs(n + 1) - student.pairs(n), n)


@exercise("clamp")
@given(x=st.integers(1, 30))
def test_below_the_range(student, x):
    """What lies below the range becomes its lower end."""
    assert_equal(student.clamp(-x, 0, 10), 0)


@exercise("variance")
def test_two_values(student):
    """The variance of 0 and 2 is 1."""
    assert_that(float(student.variance(torch.tensor([0.0, 2.0]))) == 1, "expected 1")


@exercise("shuffled")
@given(n=st.integers(0, 30), generator=generators())
def test_is_a_permutation(student, n, generator):
    """Every number below n is there once."""
    found = student.shuffled(n, generator)
    assert_that(sorted(found.tolist()) == list(range(n)), "a number is there twice", found)


@exercise("Tally")
def test_nothing_is_the_largest_of_nothing(student):
    """An empty tally has no largest value."""
    assert_equal(student.probe.tally([])["largest"], None)

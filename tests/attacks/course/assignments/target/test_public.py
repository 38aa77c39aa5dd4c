import torch

from autograder.checks import assert_close, assert_equal, exercise


@exercise("blend")
def test_blend_of_zeros(student):
    """Zeros blend to the offset."""
    assert_close(student.blend(torch.zeros(3)), torch.full((3,), -2.40625))


@exercise("tally")
def test_tally_of_nothing(student):
    """Nothing has a tally too."""
    assert_equal(student.tally([]), {"count": 0, "code": 977})


@exercise("Register")
def test_register_of_zeros(student):
    """A register moves on when it is pushed a zero."""
    assert_equal(student.probe.run_register(0, [0, 0]), [74, 5624])

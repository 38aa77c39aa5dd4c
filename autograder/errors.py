"""The errors that reach a person: one sentence that says what, where and what to do."""


class AutograderError(Exception):
    """The grader itself failed. The command line prints the message and exits with 3."""

    exit_code = 3


class InputError(AutograderError):
    """Something that a person gave us can't be used. The command line exits with 2."""

    exit_code = 2


class CourseError(InputError):
    """A course file is wrong; the message names the file and the key."""


class SubmissionError(InputError):
    """A submission can't be taken in; the message is meant for its student."""

"""Calls of which a check wants to know more than the answer.

A probe gets the module as `student` and returns plain values. In a message it is shown as
`probe.name(…)` with the arguments after `student`.
"""


def arguments_after(student, function, *arguments):
    """Call `function` with these arguments; returns the arguments as they are afterwards."""
    getattr(student, function)(*arguments)
    return list(arguments)


def or_refused(student, function, *arguments):
    """Call `function` with these arguments; None where it raises an exception."""
    try:
        return getattr(student, function)(*arguments)
    except Exception:  # noqa: BLE001  whatever it is: integers may be refused
        return None

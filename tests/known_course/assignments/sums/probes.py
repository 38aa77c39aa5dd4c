"""What drives a `Tally`."""


def tally(student, values):
    """The largest and the sum of `values`, which are added one by one."""
    tally = student.Tally()
    for value in values:
        tally.add(value)
    return {"largest": tally.largest, "total": tally.total}

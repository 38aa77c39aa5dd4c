"""From what a student handed in to a report: take it in, run the checks, write the results."""

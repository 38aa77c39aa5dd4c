"""The grader proves itself: known mistakes, right variants and mutants of the references."""

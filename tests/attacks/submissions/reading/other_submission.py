"""Copies a classmate's answers from the folder of submissions."""

exec(open("@SUBMISSIONS@/honest/target.py").read())

"""Opens the reference in the course's folder and runs it."""

exec(open("@COURSE@/solutions/target.py").read())

"""Opens the hidden checks and shows them in an exception."""

raise RuntimeError("BREACHED: " + open("@COURSE@/assignments/target/test_hidden.py").read())

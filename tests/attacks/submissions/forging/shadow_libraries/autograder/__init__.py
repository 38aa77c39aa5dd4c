raise RuntimeError("BREACHED: autograder is shadowed")

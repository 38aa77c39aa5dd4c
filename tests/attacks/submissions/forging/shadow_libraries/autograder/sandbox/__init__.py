raise RuntimeError("BREACHED: the sandbox is shadowed")

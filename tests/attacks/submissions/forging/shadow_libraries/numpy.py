raise RuntimeError("BREACHED: numpy is shadowed")

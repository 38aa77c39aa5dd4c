raise RuntimeError("BREACHED: hypothesis is shadowed")

raise RuntimeError("BREACHED: torch is shadowed")

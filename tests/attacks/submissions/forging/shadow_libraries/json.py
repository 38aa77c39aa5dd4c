raise RuntimeError("BREACHED: json is shadowed")

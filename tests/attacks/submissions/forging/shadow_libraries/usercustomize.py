raise RuntimeError("BREACHED: usercustomize is run")

raise RuntimeError("BREACHED: sitecustomize is run")

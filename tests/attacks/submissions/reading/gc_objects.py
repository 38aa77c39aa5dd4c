"""Goes through all objects of its process for a secret that somebody left there."""

import gc

needle = "".join(["kest", "rel"])
for thing in gc.get_objects():
    for item in thing.values() if type(thing) is dict else thing if type(thing) is list else ():
        if type(item) is str and needle + "-" in item:
            raise RuntimeError(f"BREACHED: {item}")

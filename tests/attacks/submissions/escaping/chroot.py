"""Changes its root folder."""

import os

os.chroot(os.path.dirname(__file__))
raise RuntimeError("BREACHED: changed its root")

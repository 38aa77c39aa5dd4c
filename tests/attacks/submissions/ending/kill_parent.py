"""Kills its parent, the zygote."""

import os
import signal

os.kill(os.getppid(), signal.SIGKILL)
raise RuntimeError("BREACHED: killed the zygote")

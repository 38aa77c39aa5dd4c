"""Starts threads until it can't."""

import os
import threading
import time

threading.stack_size(32768)
threads = 0
try:
    while threads < 1000:
        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
        threads += 1
except RuntimeError:
    pass
if threads == 1000 and os.getuid() != 0:  # the kernel counts no threads of root's
    raise RuntimeError("BREACHED: a thousand threads")

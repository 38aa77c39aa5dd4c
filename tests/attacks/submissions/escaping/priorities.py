"""Takes the processor from its parent."""

import os

for call in (
    lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19),
    lambda: os.sched_setaffinity(os.getppid(), {0}),
    lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(99)),
):
    try:
        call()
    except OSError:
        continue
    raise RuntimeError("BREACHED: changed a priority")

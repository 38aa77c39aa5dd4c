"""Raises its own limits and lowers those of the grader."""

import os
import resource

try:
    resource.setrlimit(resource.RLIMIT_CPU, (1, resource.getrlimit(resource.RLIMIT_CPU)[1]))
except OSError:
    resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (4, 4))
raise RuntimeError("BREACHED: set a limit")

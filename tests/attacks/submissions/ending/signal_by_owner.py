"""Has the kernel send its parent a signal, as owner of a pipe on which something happens."""

import fcntl
import os
import signal

F_SETSIG = 10
ours, theirs = os.pipe()
fcntl.fcntl(ours, fcntl.F_SETOWN, os.getppid())
fcntl.fcntl(ours, F_SETSIG, signal.SIGKILL)
fcntl.fcntl(ours, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
os.write(theirs, b"x")

"""Has the kernel signal it when the grader reads the reference."""

import fcntl
import os

fd = os.open("@COURSE@/solutions", os.O_RDONLY)
fcntl.fcntl(fd, fcntl.F_NOTIFY, fcntl.DN_ACCESS)
raise RuntimeError("BREACHED: watches the course")

"""Takes the abstract name by which the next grader locks its users."""

import socket

with socket.socket(socket.AF_UNIX) as lock:
    lock.bind("\0autograder-uids-255")
    raise RuntimeError("BREACHED: bound a name")

"""Sends the grader descriptors until it has no more of its own."""

import os
import socket

from autograder.sandbox import wire

wire_socket = socket.socket(fileno=os.dup(3))
files = [os.open(__file__, os.O_RDONLY) for _ in range(40)]
for request in range(200):
    socket.send_fds(wire_socket, [b"".join(wire.encode(request, None))], files)

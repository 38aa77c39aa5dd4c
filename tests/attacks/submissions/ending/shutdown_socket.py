"""Shuts its socket down and stays, neither dead nor answering."""

import socket

socket.socket(fileno=3).shutdown(socket.SHUT_RDWR)
while True:
    pass

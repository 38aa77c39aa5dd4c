"""Talks to the services of the machine through their sockets."""

import socket

for path in ("/var/run/docker.sock", "/run/systemd/private", "/run/dbus/system_bus_socket"):
    with socket.socket(socket.AF_UNIX) as out:
        try:
            out.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            raise RuntimeError("BREACHED: may connect") from None

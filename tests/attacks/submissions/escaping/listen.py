"""Waits for connections from elsewhere."""

import socket

with socket.create_server(("127.0.0.1", 0)) as server:
    raise RuntimeError(f"BREACHED: listens on {server.getsockname()}")

"""Opens pairs of sockets and fills them."""

import socket

pairs = []
for _ in range(10_000):
    pairs.append(socket.socketpair())
    pairs[-1][0].setblocking(False)
    pairs[-1][0].send(bytes(1 << 20))
    raise RuntimeError("BREACHED: made a pair of sockets")

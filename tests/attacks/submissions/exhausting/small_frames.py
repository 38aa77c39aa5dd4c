"""Sends the grader empty frames without end."""

import os
import struct

frame = struct.pack("<4sQIQ", b"agw1", 1, 0, 0) * 1000
while True:
    os.write(3, frame)

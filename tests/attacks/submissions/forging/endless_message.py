"""Sends an exception of four megabytes past the limit that the runner keeps."""

import os

from autograder.sandbox import wire

text = "long " * 800_000
raised = {"answer": "raised", "type": text[:5], "bases": ["E"], "message": text}
os.write(3, b"".join(wire.encode(1, None)))
os.write(3, b"".join(wire.encode(2, raised)))

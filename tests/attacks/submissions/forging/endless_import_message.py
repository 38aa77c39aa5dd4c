"""Says that its import raised an exception of four megabytes."""

import os

from autograder.sandbox import wire

raised = {"answer": "raised", "type": "E", "bases": ["E"], "message": "long " * 800_000}
os.write(3, b"".join(wire.encode(1, raised)))

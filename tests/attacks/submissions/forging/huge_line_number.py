"""Says that it raised in a line whose number has five thousand digits."""

import os

from autograder.sandbox import wire

where = {"file": "target.py", "line": 16**4000, "function": "f", "source": "", "direct": True}
raised = {"answer": "raised", "type": "E", "bases": ["E"], "message": "", "where": where}
os.write(3, b"".join(wire.encode(1, None)))
for request in range(2, 20):
    os.write(3, b"".join(wire.encode(request, raised)))

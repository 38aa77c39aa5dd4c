"""Runs a program."""

import subprocess

found = subprocess.run(["/usr/bin/id"], capture_output=True, text=True)
raise RuntimeError(f"BREACHED: {found.stdout}")

"""Reads the results of submissions that were graded before."""

import os

raise RuntimeError(f"BREACHED: {os.listdir('@OUT@')}")

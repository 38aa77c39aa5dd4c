"""Hostile submissions are data here: nothing below these folders is collected or imported."""

from __future__ import annotations

import sys
from pathlib import Path

collect_ignore = ["course", "submissions", "container"]
sys.path.insert(0, str(Path(__file__).parent))  # for `batch`, which ablation.py uses too

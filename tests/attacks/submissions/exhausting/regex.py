"""Matches a pattern that backtracks for ever."""

import re

re.match(r"(a|a|aa)+$", "a" * 100 + "b")

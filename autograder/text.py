"""Text made fit to be read: what came from outside, and points."""

from __future__ import annotations

import re
from decimal import Decimal

# A student's exception or file name can say anything: colours and other codes for terminals,
# characters that are no characters, or that turn what follows around.
_CODES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]"
    r"|[\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def plain(text: str) -> str:
    """`text` without terminal codes, control characters (but tab and newline) and surrogates."""
    return _CODES.sub("", text.replace("\r\n", "\n"))


def points_text(points: Decimal) -> str:
    """Points without needless zeros: 1, 1.5, 0.33."""
    return f"{points.normalize():f}"

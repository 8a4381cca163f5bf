"""Numbers in records: as JSON has them, and as texts that write one, for CloudTrail does both for one field."""

from __future__ import annotations

import re
from typing import Any

_WRITTEN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
"""An integer or a decimal, with an optional sign, and an optional exponent."""

MAX_CHARACTERS = 40
"""No number that anybody compares is written longer; longer text is text."""


def number_of(value: Any) -> float | int | None:
    """Return the number that a JSON value is or, as text, writes; a boolean is none."""
    if isinstance(value, (int, float)):
        return None if isinstance(value, bool) else value
    if not isinstance(value, str) or len(value) > MAX_CHARACTERS or not _WRITTEN.fullmatch(value):
        return None
    try:
        return int(value)
    except ValueError:
        return float(value)

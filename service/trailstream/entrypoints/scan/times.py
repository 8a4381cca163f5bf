"""Moments and spans of time, as people write them on a command line."""

from __future__ import annotations

import argparse
import re
import time
from datetime import UTC, datetime

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(rf"(\d+(?:\.\d+)?)([{''.join(_UNITS)}])", re.ASCII)


def moment(text: str) -> float:
    """Read ``2026-11-22T18:00Z``, ``2026-11-22`` or ``7d``, which is so long ago; UTC where nothing else is said.

    Return Unix seconds.
    """
    if _SPAN.fullmatch(text):
        return time.time() - span_seconds(text)
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        message = f"{text!r} is no time (2026-11-22T18:00Z), no date (2026-11-22) and no span (7d, 24h, 30m)"
        raise argparse.ArgumentTypeError(message) from error


def span_seconds(text: str) -> float:
    """Read ``7d``: a number and s, m, h, d or w."""
    span = _SPAN.fullmatch(text)
    if span is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no span of time: 7d, 24h, 30m")
    return float(span[1]) * _UNITS[span[2]]

"""Moments as records write them, and as they are reckoned with: Unix seconds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def unix_seconds(value: Any) -> float | None:
    """Return an ISO 8601 time as Unix seconds, or None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.timestamp() if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def timestamp(seconds: float) -> str:
    """Return a moment as CloudTrail writes its own, in UTC and to the second: ``2026-11-22T18:00:00Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

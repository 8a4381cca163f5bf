"""What was found: a match, and what its rule says of it beyond what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trailstream.model.alert import Match, Severity


@dataclass(frozen=True, slots=True)
class Remarks:
    """What a rule says of one match. None: what it says of itself holds."""

    title: str | None = None
    severity: Severity | None = None
    description: str | None = None
    reference: str | None = None
    runbook: str | None = None
    dedup: str | None = None
    """Matches with the same key are one alert for a while. Empty: all matches of the rule are."""
    destinations: tuple[str, ...] | None = None
    """Names of sinks."""
    context: Mapping[str, Any] | None = None
    """What the rule adds to the alert."""


NO_REMARKS = Remarks()


@dataclass(frozen=True, slots=True)
class Finding:
    """A match that is certain."""

    match: Match
    remarks: Remarks = NO_REMARKS

"""How a rule wants its matches told: under which title, together with which others, from how many on, to whom."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shaping:
    """What a rule says of its alerts. Texts with places (``{userIdentity.arn}``) are filled from the record."""

    title: str | None = None
    """With places. None: the rule's title as it stands."""
    dedup: str | None = None
    """With places: matches with the same key are one alert for a period. None: those with the same title are."""
    period_seconds: int | None = None
    """How long that is, in event time. None: each match is an alert of its own."""
    threshold: int = 1
    """How many matches with one key within a period make the alert. Counts only where there is a period."""
    destinations: tuple[str, ...] | None = None
    """Names of sinks; empty for none at all. None: every sink."""
    runbook: str = ""


PLAIN = Shaping()
"""Of a rule that says nothing."""

DEFAULT_PERIOD_SECONDS = 60 * 60
"""Of a rule that names a key or a threshold, and no period: Panther's."""

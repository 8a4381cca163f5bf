"""What happens where rules count over time and alerts are shaped: facts, as those of :mod:`trailstream.model.facts`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trailstream.model.alert import Alert


@dataclass(frozen=True, slots=True)
class SightingsCommitted:
    """What rules count over time is kept: it outlives us."""

    sightings: int
    late: int
    """Of records older than the stated lateness: what belongs with them may be forgotten."""


@dataclass(frozen=True, slots=True)
class SightingsDropped:
    """Matches were not counted, or not looked at; or what was known of a group had to be forgotten."""

    rule_id: str
    cause: Literal["untimed", "full", "forgotten"]
    """``untimed``: the record has no eventTime. ``full``: a hot group needs them no more."""
    sightings: int


@dataclass(frozen=True, slots=True)
class WindowTold:
    """A window is noted as told; its alert is not on its way yet."""

    rule_id: str


@dataclass(frozen=True, slots=True)
class MatchesJoined:
    """Matches of a rule with a deduplication key are no alert of their own: they joined one, or there are too few."""

    rule_id: str
    matches: int


@dataclass(frozen=True, slots=True)
class AlertKept:
    """An alert goes to no sink, because its rule wants none."""

    alert: Alert

"""What counting over time speaks of: groups of matches, sightings, and the windows in which enough of them stand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Group:
    """The matches that one counting rule looks at together."""

    rule_id: str
    """Of the correlation, or of the rule whose own matches are counted."""
    values: tuple[str | None, ...]
    """What they have in common; None where the records hold nothing there, which is a value like any other."""
    key: str = field(init=False)
    """32 hex digits that stand for both."""

    def __post_init__(self) -> None:
        """Compute the key once: it is asked for at every step."""
        text = json.dumps([self.rule_id, *self.values], ensure_ascii=False, separators=(",", ":"))
        object.__setattr__(self, "key", hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32])

    def alert_id(self, start: float) -> str:
        """Return the id of the alert for the window of this group that begins then: the same whoever finds it."""
        text = f"{self.key}\n{start:.3f}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A match, as far as counting needs it."""

    time: float
    """The record's own, Unix seconds."""
    record_id: str
    rule_id: str
    """Of the rule that matched."""
    looked_at: tuple[str, ...] = ()
    """The values that a value_* correlation counts or computes with."""
    seen_at: float = 0.0
    """When it was first added, Unix seconds."""


@dataclass(frozen=True, slots=True)
class Window:
    """A span of event time in which a group had what its rule asks for. It is told once."""

    start: float
    """Event time, Unix seconds."""
    end: float
    met_at: float
    """Event time of the sighting with which the condition was met."""
    trigger: str
    """The id of the record that brought it to light: whoever reads that record again tells it again."""
    matches: int
    """Records that stood in it when it was told."""
    number: float
    """What was compared with the rule's bound."""
    record_ids: tuple[str, ...]
    """Of the first of them."""

    def overlaps(self, other: Window) -> bool:
        """Say whether they have more than an end in common."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Told:
    """What an alert says of the window that it stands for."""

    group: Mapping[str, str | None]
    window: Window

"""What counting finds."""

from __future__ import annotations

from dataclasses import dataclass

from trailstream.model.finding import Finding
from trailstream.model.record import Record
from trailstream.model.window import Group, Window
from trailstream.rules.correlation import Correlation


@dataclass(frozen=True, slots=True)
class Firing:
    """A window that is to be told."""

    correlation: Correlation
    group: Group
    window: Window
    finding: Finding | None = None
    """By which it came to light; None where that was the end of the window."""

    @property
    def is_own(self) -> bool:
        """Whether the rule counts its own matches: then the alert is that of one of them."""
        return self.finding is not None and self.finding.match.rule is self.correlation.info

    @property
    def record(self) -> Record:
        """What a correlation above looks at: what the group has in common, and the record by which it came to light."""
        return (self.finding.match.record if self.finding is not None else {}) | self.values

    @property
    def values(self) -> dict[str, str]:
        """What the group has in common, by the names of its fields."""
        named = zip(self.correlation.group_by, self.group.values, strict=True)
        return {name: value for name, value in named if value is not None}

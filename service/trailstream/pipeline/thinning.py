"""What of a hot group need not be kept: its state stays bounded however often a rule matches.

Time is cut into slots of the correlation's timespan. Of each slot so many sightings of a group are kept as decide, and
beyond them only those that bring a value or a rule that is new there. This process counts only what it has added
itself, so workers that share a store may keep as much again each.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from trailstream.model.window import Group, Sighting
from trailstream.rules.correlation import Correlation, Kind
from trailstream.rules.windows import fixed_start, most_kept

MOST_REMEMBERED = 200_000
"""Sightings of all slots together; the slots that were not added to for longest are begun afresh."""

_OF_WHAT_IS_NEW = {Kind.VALUE_COUNT, Kind.TEMPORAL, Kind.TEMPORAL_ORDERED}
"""What of a value or a rule decides is that it was there."""


@dataclass(slots=True)
class _Slot:
    kept: set[int] = field(default_factory=set)
    """Hashes of the sightings: a repeat adds nothing."""
    things: set[int] = field(default_factory=set)
    """Hashes of the rules and values."""

    def admits(self, sighting: Sighting, most: int, *, what_is_new: bool) -> bool:
        thing = hash((sighting.rule_id, sighting.looked_at))
        identity = hash((sighting.time, sighting.record_id, thing))
        if (
            len(self.kept) >= most
            and identity not in self.kept
            and not (what_is_new and thing not in self.things and len(self.things) < most)
        ):
            return False
        self.kept.add(identity)
        self.things.add(thing)
        return True


class Thinning:
    """Remembers what was kept of the groups that were last added to."""

    def __init__(self) -> None:
        self._slots: OrderedDict[tuple[str, float], _Slot] = OrderedDict()
        self._remembered = 0

    def kept(self, correlation: Correlation, group: Group, sightings: Sequence[Sighting]) -> list[Sighting]:
        """Return those that are to be kept."""
        most, what_is_new = most_kept(correlation), correlation.kind in _OF_WHAT_IS_NEW
        kept: list[Sighting] = []
        for sighting in sightings:
            slot = self._slot(group.key, fixed_start(correlation, sighting.time))
            before = len(slot.kept)
            if slot.admits(sighting, most, what_is_new=what_is_new):
                kept.append(sighting)
            self._remembered += len(slot.kept) - before
        self._forget()
        return kept

    def _slot(self, group_key: str, start: float) -> _Slot:
        slot = self._slots.setdefault((group_key, start), _Slot())
        self._slots.move_to_end((group_key, start))
        return slot

    def _forget(self) -> None:
        while self._remembered > MOST_REMEMBERED and len(self._slots) > 1:
            _, slot = self._slots.popitem(last=False)
            self._remembered -= len(slot.kept)

"""Sightings and windows in this process's memory: for a scan and the tools for rules, which end with what they read."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

from trailstream.model.window import Group, Sighting, Window
from trailstream.pipeline.ports import Judgement, Known, Visit

MOST_GROUPS = 100_000
"""Those of which nothing was seen for longest are forgotten beyond."""
KEPT_FOR_EACH_WANTED = 4
"""Sightings of a group for each that is looked at around one moment; the earlier ones are forgotten beyond."""
MOST_WAITING_SIGHTINGS = 100_000
"""Of a group whose windows are judged when everything was read."""


def _order(sighting: Sighting) -> tuple[float, str, str, tuple[str, ...]]:
    return sighting.time, sighting.record_id, sighting.rule_id, sighting.looked_at


_time = attrgetter("time")


@dataclass(slots=True)
class _Held:
    rule_id: str
    sightings: list[Sighting] = field(default_factory=list)
    """In order."""
    windows: dict[float, Window] = field(default_factory=dict)
    """By their start."""

    def add(self, sighting: Sighting) -> None:
        place = bisect_left(self.sightings, _order(sighting), key=_order)
        if place == len(self.sightings) or _order(self.sightings[place]) != _order(sighting):
            insort(self.sightings, sighting, key=_order)

    def trim(self, most: int) -> bool:
        """Forget the earlier half where there are more; say whether that was so."""
        too_many = len(self.sightings) > most
        if too_many:
            del self.sightings[: len(self.sightings) // 2]
        return too_many

    def tell(self, window: Window) -> Window:
        overlapping = (other for other in self.windows.values() if window.overlaps(other))
        stands = next(overlapping, window)
        self.windows[stands.start] = stands
        return stands

    def known(self, visit: Visit) -> Known:
        first = bisect_left(self.sightings, visit.since, key=_time)
        last = bisect_right(self.sightings, visit.until, key=_time)
        windows = (self.windows[start] for start in sorted(self.windows))
        return Known(
            self.sightings[max(first, last - visit.at_most) : last],
            [window for window in windows if visit.since - visit.span <= window.start <= visit.until],
        )


class MemoryWindows:
    """See :class:`trailstream.pipeline.ports.WindowStore`. Nothing expires; beyond a bound, groups are forgotten."""

    def __init__(self, *, most_groups: int = MOST_GROUPS, on_forgotten: Callable[[str], None] = lambda _: None) -> None:
        """Call ``on_forgotten`` with the id of its rule for each group that had to make room, or to shrink."""
        self._most_groups = most_groups
        self._on_forgotten = on_forgotten
        self._groups: OrderedDict[str, _Held] = OrderedDict()
        self._judgements: dict[Judgement, None] = {}

    async def visit(self, visits: Sequence[Visit], *, now: float) -> Sequence[Known]:
        """See :class:`trailstream.pipeline.ports.WindowStore`."""
        for visit in visits:
            held = self._held(visit.group)
            for sighting in visit.sightings:
                held.add(replace(sighting, seen_at=now))
            self._judgements.update(dict.fromkeys(visit.judgements))
            most = MOST_WAITING_SIGHTINGS if visit.judgements else KEPT_FOR_EACH_WANTED * visit.at_most
            if visit.sightings and held.trim(most):  # who only looks needs no room
                self._on_forgotten(visit.group.rule_id)
        return [self._held(visit.group).known(visit) for visit in visits]

    async def tell(self, windows: Sequence[tuple[Group, Window]], *, keep_until: float) -> Sequence[Window]:
        """See :class:`trailstream.pipeline.ports.WindowStore`."""
        del keep_until
        return [self._held(group).tell(window) for group, window in windows]

    async def due(self, *, now: float, at_most: int) -> Sequence[Judgement]:
        """See :class:`trailstream.pipeline.ports.WindowStore`."""
        due = [judgement for judgement in self._judgements if judgement.at <= now]
        return sorted(due, key=lambda judgement: judgement.at)[:at_most]

    async def judged(self, judgements: Sequence[Judgement]) -> None:
        """See :class:`trailstream.pipeline.ports.WindowStore`."""
        for judgement in judgements:
            self._judgements.pop(judgement, None)

    def _held(self, group: Group) -> _Held:
        held = self._groups.setdefault(group.key, _Held(group.rule_id))
        self._groups.move_to_end(group.key)
        if len(self._groups) > self._most_groups:
            _, forgotten = self._groups.popitem(last=False)
            self._on_forgotten(forgotten.rule_id)
        return held

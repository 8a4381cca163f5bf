"""Sightings of one group -> the windows in which a correlation holds. Pure, in event time, whatever the arrival order.

A condition that stays true as sightings are added is judged at once, in windows that begin at any sighting and hold
what comes within the timespan, its end included. Windows that are told never overlap: what comes within the timespan
of the start of one that was told belongs to it.

Any other condition (fewer than, exactly, an average, something that did *not* happen) is known only when everything
is there. It is judged in fixed windows, one after the other since 1970, so that the windows of a group are the same
for whoever looks and however late; the end of one is the start of the next and belongs to that.
"""

from __future__ import annotations

import math
import operator
import statistics
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from trailstream.model.window import Sighting, Window
from trailstream.rules.correlation import Bound, Correlation, Kind
from trailstream.rules.moments import denies, earliest, in_order, times_by_rule

MOST_KEPT = 5000
"""Sightings of a group within one timespan, where the correlation's own number asks for no more."""
LOOKED_AT = 4
"""Timespans that a piece of work looks at: its own, the one before, the one after, and one more for what came twice."""
NAMED_RECORDS = 20
"""Whose ids a window keeps."""

_GROWING_NUMBERS = {Kind.EVENT_COUNT, Kind.VALUE_COUNT, Kind.VALUE_SUM, Kind.TEMPORAL, Kind.TEMPORAL_ORDERED}


def grows(correlation: Correlation) -> bool:
    """Say whether the condition, once true of a window, stays so: then it is judged at once.

    A sum is taken for one that grows: values below zero are none that records add up.
    """
    if correlation.expression is not None:
        return not denies(correlation.expression)
    return correlation.kind in _GROWING_NUMBERS and all(
        bound.operator in ("gt", "gte") for bound in _bounds(correlation)
    )


def most_kept(correlation: Correlation) -> int:
    """Return how many sightings within one timespan are enough to decide, or else as many as anybody should keep."""
    numbers = (min(bound.number, 2**31) for bound in _bounds(correlation))
    return max([MOST_KEPT, *(2 * math.ceil(number) + 2 for number in numbers)])


def most_sightings(correlation: Correlation) -> int:
    """Return how many sightings are looked at together."""
    return LOOKED_AT * most_kept(correlation)


def growing_windows(
    correlation: Correlation, sightings: Sequence[Sighting], told: Iterable[Window], touched: Collection[str]
) -> list[Window]:
    """Return the windows that hold and are to be told now, given those that were told.

    ``sightings`` are in order. ``touched`` are the ids of the records that the caller has just added: a window without
    any of them is for whoever added its own, who will see it too.
    """
    span = correlation.timespan_seconds
    times = [sighting.time for sighting in sightings]
    starts = [window.start for window in told]
    ours = [sighting.time for sighting in sightings if sighting.record_id in touched]
    met_at = _met_at(correlation, sightings)
    found: list[Window] = []
    for start in _starts(correlation, sightings):
        if any(abs(start - other) <= span for other in starts) or not _any_within(ours, start, start + span):
            continue
        first, end = bisect_left(times, start), bisect_right(times, start + span)
        met = met_at(first, end)
        if met is None:
            continue
        within = sightings[first:end]
        mine = [sighting for sighting in within if sighting.record_id in touched]
        trigger = next((sighting for sighting in mine if sighting.time >= met), mine[-1])
        found.append(_window(correlation, within, start, met, trigger.record_id))
        starts.append(start)
    return found


def _any_within(times: Sequence[float], since: float, until: float) -> bool:
    place = bisect_left(times, since)
    return place < len(times) and times[place] <= until


def _starts(correlation: Correlation, sightings: Sequence[Sighting]) -> Iterable[float]:
    """Return the moments at which a window may begin: in an order, with the first that is wanted."""
    if correlation.kind is Kind.TEMPORAL_ORDERED and correlation.expression is None:
        begins = correlation.sources[0].rule_id
        return dict.fromkeys(sighting.time for sighting in sightings if sighting.rule_id == begins)
    return dict.fromkeys(sighting.time for sighting in sightings)


def fixed_start(correlation: Correlation, time: float) -> float:
    """Return where the fixed window begins that this moment stands in."""
    return time // correlation.timespan_seconds * correlation.timespan_seconds


def fixed_window(correlation: Correlation, start: float, sightings: Sequence[Sighting]) -> Window | None:
    """Return the fixed window that begins there, with all its sightings, if the condition holds in it."""
    end = start + correlation.timespan_seconds
    within = [sighting for sighting in sightings if start <= sighting.time < end]
    if not within:
        return None
    if correlation.expression is None:
        holds = _holds(correlation, _number(correlation, within))
    else:
        holds = earliest(correlation, correlation.expression, start, end, times_by_rule(within)) <= end
    return _window(correlation, within, start, end, "") if holds else None


def _window(correlation: Correlation, within: Sequence[Sighting], start: float, met: float, trigger: str) -> Window:
    ids = tuple(dict.fromkeys(sighting.record_id for sighting in within))
    return Window(
        start=start,
        end=start + correlation.timespan_seconds,
        met_at=met,
        trigger=trigger,
        matches=len(ids),
        number=_number(correlation, within),
        record_ids=ids[:NAMED_RECORDS],
    )


def _bounds(correlation: Correlation) -> Sequence[Bound]:
    """Return what its number must be: of a temporal one that says nothing, that of all of its rules."""
    said = [bound for bound in (correlation.bound, correlation.also) if bound is not None]
    return said or ([Bound("gte", len(correlation.sources))] if correlation.expression is None else [])


def _holds(correlation: Correlation, number: float) -> bool:
    return all(bound.holds(number) for bound in _bounds(correlation))


def _number(correlation: Correlation, within: Sequence[Sighting]) -> float:
    """Return what the correlation measures in a window that is not empty."""
    match correlation.kind:
        case Kind.EVENT_COUNT:
            return len({sighting.record_id for sighting in within})
        case Kind.VALUE_COUNT:
            return len({sighting.looked_at for sighting in within})
        case Kind.TEMPORAL:
            return len({sighting.rule_id for sighting in within})
        case Kind.TEMPORAL_ORDERED:
            return in_order(correlation, within[0].time, math.inf, times_by_rule(within))[0]
        case kind:
            values = [_value(sighting) for sighting in within]
            return _OF_VALUES[kind](values, correlation.percentile)


def _percentile(values: Sequence[float], percentile: int | None) -> float:
    """Return the nearest-rank percentile: a value that is there, with so many per cent at or below it."""
    rank = math.ceil((50 if percentile is None else percentile) / 100 * len(values))
    return sorted(values)[max(0, rank - 1)]


_OF_VALUES: Mapping[Kind, Callable[[Sequence[float], int | None], float]] = {
    Kind.VALUE_SUM: lambda values, _: math.fsum(values),
    Kind.VALUE_AVG: lambda values, _: statistics.fmean(values),
    Kind.VALUE_MEDIAN: lambda values, _: statistics.median(values),
    Kind.VALUE_PERCENTILE: _percentile,
}


def _value(sighting: Sighting) -> float:
    return float(sighting.looked_at[0])


_MetAt = Callable[[int, int], float | None]
"""Of the window of the sightings from one position up to another, neither of which ever goes back: when it was met."""


def _met_at(correlation: Correlation, sightings: Sequence[Sighting]) -> _MetAt:
    expression, span = correlation.expression, correlation.timespan_seconds
    if expression is None and correlation.kind is not Kind.TEMPORAL_ORDERED:
        return _counted(correlation, sightings)
    times = times_by_rule(sightings)

    def met_at(first: int, _end: int) -> float | None:
        start = sightings[first].time
        if expression is None:
            number, at = in_order(correlation, start, start + span, times)
            return at if _holds(correlation, number) else None
        at = earliest(correlation, expression, start, start + span, times)
        return at if at <= start + span else None

    return met_at


def _counted(correlation: Correlation, sightings: Sequence[Sighting]) -> _MetAt:
    tally = _TALLIES[correlation.kind]()
    held_from = held_to = 0

    def met_at(first: int, end: int) -> float | None:
        nonlocal held_from, held_to
        for sighting in sightings[held_to:end]:
            tally.change(sighting, 1)
        for sighting in sightings[held_from:first]:
            tally.change(sighting, -1)
        held_from, held_to = first, end
        if not _holds(correlation, tally.number):
            return None
        from_the_start = _TALLIES[correlation.kind]()
        for sighting in sightings[first:end]:
            from_the_start.change(sighting, 1)
            if _holds(correlation, from_the_start.number):
                return sighting.time
        return None

    return met_at


class _Different:
    """How many different things of a kind stand in a window that moves on."""

    def __init__(self, of: Callable[[Sighting], object]) -> None:
        self._of = of
        self._held: Counter[object] = Counter()

    def change(self, sighting: Sighting, by: int) -> None:
        thing = self._of(sighting)
        self._held[thing] += by
        if not self._held[thing]:
            del self._held[thing]

    @property
    def number(self) -> float:
        return len(self._held)


class _Total:
    """The sum of the values in a window that moves on."""

    def __init__(self) -> None:
        self.number = 0.0

    def change(self, sighting: Sighting, by: int) -> None:
        self.number += by * _value(sighting)


_TALLIES: Mapping[Kind, Callable[[], _Different | _Total]] = {
    Kind.EVENT_COUNT: lambda: _Different(operator.attrgetter("record_id")),
    Kind.VALUE_COUNT: lambda: _Different(operator.attrgetter("looked_at")),
    Kind.TEMPORAL: lambda: _Different(operator.attrgetter("rule_id")),
    Kind.VALUE_SUM: _Total,
}

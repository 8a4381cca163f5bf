"""The moments at which rules matched -> when that which a temporal correlation asks of them came true."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from trailstream.model.window import Sighting
from trailstream.rules.correlation import AllHappened, AnyHappened, Correlation, Expression, Kind, NotHappened

Times: TypeAlias = Mapping[str, Sequence[float]]
"""When each rule matched, in order, by its id."""


def times_by_rule(sightings: Iterable[Sighting]) -> Times:
    """Return when each rule matched, of sightings that are in order."""
    times: dict[str, list[float]] = {}
    for sighting in sightings:
        times.setdefault(sighting.rule_id, []).append(sighting.time)
    return times


def denies(expression: Expression) -> bool:
    """Say whether it asks anywhere that something did not happen."""
    match expression:
        case NotHappened():
            return True
        case AllHappened(parts) | AnyHappened(parts):
            return any(map(denies, parts))
        case _:
            return False


def earliest(correlation: Correlation, expression: Expression, since: float, until: float, times: Times) -> float:
    """Return the earliest moment from ``since`` on by which the expression has come true, infinity for none.

    In order, each part of a conjunction begins where the one before it has come true; at the same moment is in order.
    """
    match expression:
        case AllHappened(parts) if correlation.kind is Kind.TEMPORAL_ORDERED:
            for part in parts:
                since = earliest(correlation, part, since, until, times)
            return since
        case AllHappened(parts):
            return max((earliest(correlation, part, since, until, times) for part in parts), default=since)
        case AnyHappened(parts):
            return min((earliest(correlation, part, since, until, times) for part in parts), default=math.inf)
        case NotHappened(part):
            return since if earliest(correlation, part, since, until, times) > until else math.inf
        case rule_id:
            return _next(times.get(rule_id, ()), since)


def _next(times: Sequence[float], since: float) -> float:
    place = bisect_left(times, since)
    return times[place] if place < len(times) else math.inf


def in_order(correlation: Correlation, since: float, until: float, times: Times) -> tuple[int, float]:
    """Return how many of the sources come in their order, from the first on, and when the last of those came.

    A rule that is named twice has to match twice.
    """
    used: Counter[str] = Counter()
    for number, source in enumerate(correlation.sources):
        of_rule = times.get(source.rule_id, ())
        place = max(bisect_left(of_rule, since), used[source.rule_id])
        if place == len(of_rule) or of_rule[place] > until:
            return number, since
        since, used[source.rule_id] = of_rule[place], place + 1
    return len(correlation.sources), since

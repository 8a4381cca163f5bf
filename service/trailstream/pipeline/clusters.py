"""Matches -> clusters: what belongs to one group and lies so near in event time that it is counted together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from trailstream.model.finding import Finding
from trailstream.model.record import Record, record_id
from trailstream.model.times import unix_seconds
from trailstream.model.window import Group, Sighting
from trailstream.rules.correlation import Bound, Correlation, Kind, Source
from trailstream.rules.rule import Rule
from trailstream.rules.sightings import bounded, groups_of, sightings_of, sources_by_rule
from trailstream.rules.templates import dedup_key

LATEST_TIME = 32_503_680_000.0
"""The year 3000: no clock shows it, and what lies beyond is no time of a record."""
DEDUP = "dedup"
"""The name of the one thing that the matches of a rule's own count have in common."""


@dataclass(frozen=True, slots=True)
class TimedMatch:
    """A match of a rule, or a window of a correlation that was told, at its time."""

    rule_id: str
    record: Record
    record_id: str
    time: float
    finding: Finding | None
    """By which it came to light; None where that was the end of a window."""

    @classmethod
    def of(cls, finding: Finding) -> TimedMatch | None:
        """Return the match with its record's time, or None where the record has none that can be counted at."""
        if (time := time_of(finding)) is None:
            return None
        match = finding.match
        return cls(match.rule.id, match.record, bounded(record_id(match.record)), time, finding)


def time_of(finding: Finding) -> float | None:
    """Return the Unix seconds that its record is counted at, if it says a time that can be one."""
    time = unix_seconds(finding.match.record.get("eventTime"))
    return time if time is not None and 0 <= time < LATEST_TIME else None


@dataclass(slots=True)
class Cluster:
    """What a piece of work adds to one group, within one timespan."""

    correlation: Correlation
    group: Group
    sightings: list[Sighting] = field(default_factory=list)
    matches: dict[str, TimedMatch] = field(default_factory=dict)
    """By the id of the record."""


_Seen = tuple[Correlation, Group, TimedMatch, Sighting]


class Groups:
    """Which groups the matches of one set of rules belong to."""

    def __init__(self, rules: Iterable[Rule], correlations: Iterable[Correlation]) -> None:
        self.own = {rule.info.id: count for rule in rules if (count := count_of(rule)) is not None}
        """How the rules count their own matches that do, by their ids."""
        self.sources = sources_by_rule(correlations)
        """Who looks at the matches of each rule and correlation, by its id."""

    def clusters(self, matches: Iterable[TimedMatch]) -> Iterator[Cluster]:
        """Yield what belongs to one group and lies within one timespan: more is never looked at together."""
        by_group: dict[str, list[_Seen]] = {}
        for match in matches:
            for correlation, source, group in self._of(match):
                sightings = sightings_of(correlation, source, match.record, match.record_id, match.time)
                seen = by_group.setdefault(group.key, [])
                seen += [(correlation, group, match, sighting) for sighting in sightings]
        for seen in by_group.values():
            cluster: Cluster | None = None
            for correlation, group, match, sighting in sorted(seen, key=lambda each: each[2].time):
                if cluster is None or match.time > cluster.sightings[0].time + correlation.timespan_seconds:
                    if cluster is not None:
                        yield cluster
                    cluster = Cluster(correlation, group)
                cluster.sightings.append(sighting)
                cluster.matches[match.record_id] = match
            if cluster is not None:
                yield cluster

    def _of(self, match: TimedMatch) -> Iterator[tuple[Correlation, Source, Group]]:
        for correlation, source in self.sources.get(match.rule_id, ()):
            for group in groups_of(correlation, source, match.record):
                yield correlation, source, group
        if match.rule_id in self.own and match.finding is not None:
            own = self.own[match.rule_id]
            yield own, own.sources[0], _own_group(match.finding)


def count_of(rule: Rule) -> Correlation | None:
    """Return how a rule's own matches are counted, where it says a period: so many with one key, within that."""
    shaping = rule.info.shaping
    if shaping.period_seconds is None or not rule.alerts:
        return None
    return Correlation(
        info=rule.info,
        kind=Kind.EVENT_COUNT,
        sources=(Source(rule.info.id, ()),),
        group_by=(DEDUP,),
        timespan_seconds=shaping.period_seconds,
        bound=Bound("gte", shaping.threshold),
    )


def _own_group(finding: Finding) -> Group:
    return Group(finding.match.rule.id, (bounded(dedup_key(finding)),))

"""Sigma's correlations and older aggregations, from their text to the alerts, through either door."""

from __future__ import annotations

from typing import Any

import pytest

from doors import BOTH, Entrance, World, created, log
from samples import topic_record

NOW = 1_767_323_100.0
"""A while after the records' time, 2026-01-02T03:00:00Z."""

SOURCE = "logsource: {product: aws, service: cloudtrail}\n"


def rule(name: str, event: str, more: str = "") -> str:
    return (
        f"title: {name}\nname: {name}\n{SOURCE}detection: {{sel: {{eventName: {event}}}, condition: sel}}\n{more}---\n"
    )


def correlation(title: str, body: str) -> str:
    return f"title: {title}\nname: {title}\ncorrelation: {{{body}}}\n---\n"


def aggregation(condition: str) -> str:
    detections = "one: {eventName: One}, two: {eventName: Two}, three: {eventName: Three}, timeframe: 5m"
    return f"title: Old\n{SOURCE}detection: {{{detections}, condition: '{condition}'}}\nlevel: low\n"


def records(*said: tuple[str, int] | tuple[str, int, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return records of these names, at these seconds after three o'clock, by one address unless they say another."""
    found = []
    for number, (name, second, *more) in enumerate(said):
        minutes, seconds = divmod(second, 60)
        fields = {"eventTime": f"2026-01-02T03:{minutes:02}:{seconds:02}Z", "sourceIPAddress": "192.0.2.7"}
        found.append(topic_record(number, name, **(fields | (more[0] if more else {}))))
    return found


ONE_TWO = rule("one", "One") + rule("two", "Two")
ELSEWHERE = {"sourceIPAddress": "192.0.2.8"}

FIRES: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "an event count": (
        rule("one", "One") + correlation("C", "type: event_count, rules: one, timespan: 5m, condition: {gte: 2}"),
        records(("One", 0), ("One", 299)),
    ),
    "a range": (
        rule("one", "One")
        + correlation("C", "type: event_count, rules: one, timespan: 5m, condition: {gt: 1, neq: 1}"),
        records(("One", 0), ("One", 10), ("One", 20)),
    ),
    "a value count": (
        rule("one", "One")
        + correlation("C", "type: value_count, rules: one, timespan: 5m, condition: {gte: 2, field: sourceIPAddress}"),
        records(("One", 0), ("One", 10, ELSEWHERE)),
    ),
    "a temporal one": (
        ONE_TWO + correlation("C", "type: temporal, rules: [one, two], group-by: [sourceIPAddress], timespan: 5m"),
        records(("Two", 0), ("One", 10)),
    ),
    "an ordered one": (
        ONE_TWO + correlation("C", "type: temporal_ordered, rules: [one, two], timespan: 5m"),
        records(("Two", 0), ("One", 10), ("Two", 20)),
    ),
    "one that names a rule twice": (
        rule("one", "One") + correlation("C", "type: temporal_ordered, rules: [one, one], timespan: 5m"),
        records(("One", 0), ("One", 0)),
    ),
    "an extended condition": (
        ONE_TWO
        + rule("three", "Three")
        + correlation("C", "type: temporal, timespan: 5m, condition: one and (two or three)"),
        records(("One", 0), ("Three", 10)),
    ),
    "aliases": (
        ONE_TWO
        + correlation(
            "C",
            "type: temporal, rules: [one, two], group-by: [who], timespan: 5m, "
            "aliases: {who: {one: requestParameters.from, two: sourceIPAddress}}",
        ),
        records(("One", 0, ELSEWHERE | {"requestParameters": {"from": "192.0.2.7"}}), ("Two", 10)),
    ),
    "a correlation on a correlation": (
        ONE_TWO
        + correlation("C", "type: temporal_ordered, rules: [many, two], group-by: [sourceIPAddress], timespan: 1h")
        + correlation(
            "many", "type: event_count, rules: [one], group-by: [awsRegion], timespan: 5m, condition: {gte: 2}"
        ),
        records(("One", 0), ("One", 10), ("Two", 600)),
    ),
    "count()": (aggregation("one | count() > 1"), records(("One", 0), ("One", 10))),
    "count() by": (
        aggregation("one or two | count() by sourceIPAddress, awsRegion >= 2"),
        records(("One", 0), ("Two", 10)),
    ),
    "count(field)": (aggregation("one | count(sourceIPAddress) > 1"), records(("One", 0), ("One", 10, ELSEWHERE))),
    "near": (aggregation("one | near two and three"), records(("Three", 0), ("One", 10), ("Two", 20))),
    "sum": (
        aggregation("one | sum(additionalEventData.bytesTransferredOut) by sourceIPAddress > 100"),
        records(*(("One", second, {"additionalEventData": {"bytesTransferredOut": 60}}) for second in (0, 10))),
    ),
}
SILENT: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "an event count, too slow": (FIRES["an event count"][0], records(("One", 0), ("One", 301))),
    "a value count, one value": (FIRES["a value count"][0], records(("One", 0), ("One", 10))),
    "a temporal one, in two groups": (FIRES["a temporal one"][0], records(("Two", 0), ("One", 10, ELSEWHERE))),
    "an ordered one, the wrong way": (FIRES["an ordered one"][0], records(("Two", 0), ("One", 10))),
    "one that names a rule twice, one record": (FIRES["one that names a rule twice"][0], records(("One", 0))),
    "an extended condition, half": (FIRES["an extended condition"][0], records(("Three", 0), ("Two", 10))),
    "aliases, other values": (FIRES["aliases"][0], records(("One", 0), ("Two", 10))),
    "a correlation on a correlation, half": (
        FIRES["a correlation on a correlation"][0],
        records(("One", 0), ("Two", 600)),
    ),
    "count(), too few": (FIRES["count()"][0], records(("One", 0), ("Two", 10))),
    "count(field), one value": (FIRES["count(field)"][0], records(("One", 0), ("One", 10))),
    "near, not all": (FIRES["near"][0], records(("Three", 0), ("One", 10))),
}


async def alerted(entrance: Entrance, rules: str, found: list[dict[str, Any]]) -> list[str]:
    world = World(rules=[("rules.yml", rules)], now=NOW)
    world.store.put("logs", "0", log(*found))
    await entrance(world, [created("0")])
    return [alert.rule.title for alert in world.sinks[0].accepted]


@BOTH
@pytest.mark.parametrize("case", FIRES)
async def test_what_a_correlation_waits_for_alerts_once_and_in_its_name(entrance: Entrance, case: str) -> None:
    assert await alerted(entrance, *FIRES[case]) == ["Old" if "Old" in FIRES[case][0] else "C"]


@BOTH
@pytest.mark.parametrize("case", SILENT)
async def test_what_it_waits_for_in_vain_alerts_nobody(entrance: Entrance, case: str) -> None:
    assert await alerted(entrance, *SILENT[case]) == []

"""How a rule has its matches told, through either door: from which number on, once in a period, and where."""

from __future__ import annotations

from typing import Any

import pytest

from counting_rig import world_of
from doors import BOTH, Entrance, created, settled
from fakes import FakeSink
from samples import topic_record
from trailstream.model.counting import AlertKept, MatchesJoined
from trailstream.model.delivery import Done

SHAPED = """
id: topic-created
title: "{userIdentity.arn} made {requestParameters.name} ({no.such.field})"
severity: low
threshold: 2
dedup: "{userIdentity.arn}"
dedup_period_minutes: 10
runbook: https://example.org/runbook
destinations: [fake]
pattern: {eventName: [CreateTopic]}
"""


def made(number: int, minute: int, user: str = "alice", **fields: Any) -> dict[str, Any]:
    time = f"2026-01-02T03:{minute:02}:00Z"
    return topic_record(number, **{"eventTime": time, "userIdentity": {"arn": user}} | fields)


@BOTH
async def test_matches_with_one_key_within_the_period_are_one_alert_from_the_threshold_on(entrance: Entrance) -> None:
    one_by_one = [made(1, 0), made(2, 1, "bob"), made(3, 2), made(4, 9), made(5, 11), made(6, 12)]
    world = world_of(*([record] for record in one_by_one), rules=(("topic.yaml", SHAPED),))
    for number in range(len(one_by_one)):
        await entrance(world, [created(str(number))])
    first, second = world.sinks[0].accepted
    assert (first.event_id, first.dedup, first.runbook) == ("CreateTopic-3", "alice", "https://example.org/runbook")
    assert first.headline == "alice made alarms (-)"
    assert first.told is not None
    assert first.told.window.matches == 2
    assert second.event_id == "CreateTopic-6"
    assert sum(fact.matches for fact in world.of(MatchesJoined)) == 4


@BOTH
async def test_without_a_threshold_the_first_match_is_the_alert(entrance: Entrance) -> None:
    rule = SHAPED.replace("threshold: 2\n", "")
    world = world_of([made(n, n) for n in range(4)], [made(9, 9)], rules=(("topic.yaml", rule),))
    await entrance(world, [created("0")])
    await entrance(world, [created("1")])
    assert [alert.event_id for alert in world.sinks[0].accepted] == ["CreateTopic-0"]


@BOTH
async def test_a_match_that_cannot_be_counted_is_told_alone(entrance: Entrance) -> None:
    world = world_of([made(1, 1, eventTime=None)], rules=(("topic.yaml", SHAPED),))
    await entrance(world, [created("0")])
    assert [alert.event_id for alert in world.sinks[0].accepted] == ["CreateTopic-1"]


@BOTH
@pytest.mark.parametrize(
    ("destinations", "first", "second"), [("[other]", 0, 1), ("[fake, other]", 1, 1), ("[]", 0, 0), ("[gone]", 1, 1)]
)
async def test_an_alert_goes_where_its_rule_wants_it(
    entrance: Entrance, destinations: str, first: int, second: int
) -> None:
    rule = f"id: t\ntitle: t\nseverity: low\ndestinations: {destinations}\npattern: {{eventName: [CreateTopic]}}\n"
    sinks = [FakeSink(), FakeSink(name="other")]
    world = world_of([topic_record()], rules=(("topic.yaml", rule),), sinks=sinks)
    await entrance(world, [created("0")])
    assert [len(sink.accepted) for sink in sinks] == [first, second]
    assert len(world.of(AlertKept)) == (destinations == "[]")
    assert {type(outcome) for outcome in settled(world)} == {Done}

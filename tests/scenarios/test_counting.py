"""Rules that look at more than one record, through either door: what is told once, and what is told at all."""

from __future__ import annotations

import json

import pytest

from counting_rig import BRUTE_FORCE, BRUTE_FORCE_ID, FAILED_LOGIN, NOW, FailingWindows, failed, world_of
from doors import BOTH, KEY, Entrance, created, log, settled
from fakes import FakeQuarantine, FakeSink
from samples import topic_record
from trailstream.adapters.ledgers.nothing import NoLedger
from trailstream.model.alert import Alert
from trailstream.model.counting import SightingsCommitted, SightingsDropped
from trailstream.model.delivery import Done, Retry
from trailstream.model.errors import (
    AlertRefusedError,
    QuarantineUnavailableError,
    SinkUnavailableError,
    TrailstreamError,
)
from trailstream.model.facts import ErrorHappened, PutAside
from trailstream.model.window import Group


@BOTH
async def test_a_correlation_alerts_once_for_the_records_of_a_window_and_its_rule_not_at_all(
    entrance: Entrance,
) -> None:
    world = world_of([failed(n) for n in range(1, 6)], [failed(n) for n in range(6, 9)])
    await entrance(world, [created("0")])
    await entrance(world, [created("1")])
    (alert,) = world.sinks[0].accepted
    assert alert.rule.id == BRUTE_FORCE_ID
    assert alert.headline == "5 failed logins from 192.0.2.7"
    assert alert.told is not None
    assert alert.told.group == {"sourceIPAddress": "192.0.2.7"}
    assert (alert.told.window.matches, alert.told.window.record_ids[0]) == (5, "ConsoleLogin-1")
    assert (alert.event_name, alert.source_ip, alert.object) == ("ConsoleLogin", "192.0.2.7", "s3://logs/0")
    assert {type(outcome) for outcome in settled(world)} == {Done}


@BOTH
async def test_records_of_many_objects_and_of_inline_messages_are_counted_together(entrance: Entrance) -> None:
    world = world_of([failed(3)], [failed(1)], [failed(2), failed(4, ip="198.51.100.1")])
    await entrance(world, [created("0", "1"), created("2")])
    (alert,) = world.sinks[0].accepted
    assert alert.told is not None
    assert alert.told.window.record_ids == ("ConsoleLogin-1", "ConsoleLogin-2", "ConsoleLogin-3")


@BOTH
async def test_a_record_counts_once_however_often_it_is_delivered(entrance: Entrance) -> None:
    twice = [failed(1), failed(1), failed(2)]
    world = world_of(twice, twice)
    await entrance(world, [created("0"), created("0"), created("1")])
    assert world.alerts == []


@BOTH
async def test_the_id_of_an_aggregate_alert_is_that_of_its_rule_group_and_start(entrance: Entrance) -> None:
    world = world_of([failed(n) for n in (1, 2, 3)])
    await entrance(world, [created("0")])
    start = 1_767_322_801.0
    assert world.alerts == [Group(BRUTE_FORCE_ID, ("192.0.2.7",)).alert_id(start)]


@BOTH
async def test_records_without_the_group_field_are_a_group_of_their_own(entrance: Entrance) -> None:
    world = world_of([failed(n, sourceIPAddress=None) for n in (1, 2)] + [failed(3)])
    await entrance(world, [created("0")])
    assert world.alerts == []
    world.store.put("logs", "1", log(failed(4, sourceIPAddress=None)))
    await entrance(world, [created("1")])
    (alert,) = world.sinks[0].accepted
    assert alert.headline == "3 failed logins from -"


@BOTH
@pytest.mark.parametrize(("at", "after"), [("visit", False), ("visit", True), ("tell", False), ("tell", True)])
async def test_a_store_that_fails_makes_the_delivery_come_again_and_nothing_is_lost_or_counted_twice(
    entrance: Entrance, at: str, *, after: bool
) -> None:
    world = world_of([failed(n) for n in (1, 2, 3)], windows=FailingWindows(at=at, after=after), ledger=NoLedger())
    await entrance(world, [created("0")])
    assert [type(outcome) for outcome in settled(world)] == [Retry]
    assert [fact.code for fact in world.of(ErrorHappened)] == ["windows_unavailable"]
    assert world.alerts == []
    await entrance(world, [created("0")])
    (alert,) = world.sinks[0].accepted
    assert alert.told is not None
    assert alert.told.window.matches == 3


@BOTH
async def test_an_alert_that_was_noted_and_not_accepted_is_told_again_under_its_id(entrance: Entrance) -> None:
    down: list[TrailstreamError | None] = [SinkUnavailableError("down")]
    sink = FakeSink(verdict=lambda _alert: down[0])
    world = world_of([failed(n) for n in (1, 2, 3)], [failed(4)], sinks=[sink])
    await entrance(world, [created("0")])
    assert world.alerts == []
    down[0] = None
    await entrance(world, [created("1")])
    assert world.alerts == [], "that window is told by whoever reads the record that brought it to light"
    await entrance(world, [created("0")])
    assert len(world.alerts) == 1


@BOTH
async def test_what_was_seen_before_a_damaged_end_is_counted(entrance: Entrance) -> None:
    world = world_of()
    whole = log(*(failed(n) for n in range(1, 200)))
    world.store.put("logs", KEY, whole[: len(whole) // 2])
    await entrance(world, [created(KEY)])
    assert len(world.alerts) == 1
    assert Done not in {type(outcome) for outcome in settled(world)}


@BOTH
async def test_a_match_without_a_time_is_not_counted_and_that_is_said(entrance: Entrance) -> None:
    world = world_of([failed(n, eventTime="yesterday") for n in (1, 2, 3)])
    await entrance(world, [created("0")])
    assert world.alerts == []
    assert {(fact.cause, fact.sightings) for fact in world.of(SightingsDropped)} == {("untimed", 1)}
    assert len(world.of(SightingsDropped)) == 3


@BOTH
async def test_a_record_that_comes_late_is_counted_with_what_is_known_and_said_to_be_late(entrance: Entrance) -> None:
    world = world_of([failed(n) for n in (1, 2)], [failed(3)])
    await entrance(world, [created("0")])
    world.now = NOW + 2 * 86_400
    await entrance(world, [created("1")])
    assert len(world.alerts) == 1
    assert [(fact.sightings, fact.late) for fact in world.of(SightingsCommitted)] == [(2, 0), (1, 1)]


NESTED = """
title: Many failed logins, then a success
id: 0e45c7a4-0000-4000-8000-000000000004
status: test
level: critical
correlation:
  type: temporal_ordered
  rules: [brute_force, login]
  group-by: [sourceIPAddress]
  timespan: 10m
"""
LOGIN = """
title: Login
name: login
id: 0e45c7a4-0000-4000-8000-000000000003
status: test
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: ConsoleLogin, responseElements.ConsoleLogin: Success}
  condition: selection
"""


@BOTH
async def test_a_correlation_of_a_correlation_sees_its_windows(entrance: Entrance) -> None:
    rules = (
        ("failed.yml", FAILED_LOGIN),
        ("brute.yml", BRUTE_FORCE.replace("id: 0e", "name: brute_force\nid: 0e")),
        ("login.yml", LOGIN),
        ("nested.yml", NESTED),
    )
    success = failed(9, errorMessage=None, responseElements={"ConsoleLogin": "Success"})
    early = failed(100, second=0, errorMessage=None, responseElements={"ConsoleLogin": "Success"})
    world = world_of([success], [failed(n) for n in (1, 2, 3)], [early], rules=rules)
    await entrance(world, [created("2")])
    await entrance(world, [created("1")])
    assert world.alerts == []
    await entrance(world, [created("0")])
    (alert,) = world.sinks[0].accepted
    assert alert.rule.id == "0e45c7a4-0000-4000-8000-000000000004"
    assert alert.told is not None
    assert alert.told.window.matches == 2


FEW = """
title: Fewer than three
id: 0e45c7a4-0000-4000-8000-000000000005
status: test
correlation:
  type: event_count
  rules: [failed_login]
  group-by: [sourceIPAddress]
  timespan: 5m
  condition: {lt: 3}
"""


@BOTH
async def test_what_is_known_only_at_the_end_of_a_window_is_told_after_it(entrance: Entrance) -> None:
    rules = (("failed.yml", FAILED_LOGIN), ("few.yml", FEW))
    many = [failed(n, ip="198.51.100.1") for n in (11, 12, 13)]
    world = world_of([failed(1)], [failed(2), *many], [failed(700)], rules=rules)
    world.now = NOW - 250
    await entrance(world, [created("0")])
    await entrance(world, [created("1")])
    assert world.alerts == []
    world.now = NOW + 3600
    await entrance(world, [created("2")])
    (first, second) = world.sinks[0].accepted
    assert first.told is not None
    assert (first.told.group, first.told.window.matches) == ({"sourceIPAddress": "192.0.2.7"}, 2)
    assert first.event_time == "2026-01-02T03:05:00Z"
    assert second.told is not None
    assert second.told.window.matches == 1


@BOTH
async def test_of_ended_windows_one_whose_alert_is_refused_holds_back_none_of_the_others(entrance: Entrance) -> None:
    def refuse_one(alert: Alert) -> TrailstreamError | None:
        refused = alert.told is not None and alert.told.group == {"sourceIPAddress": "192.0.2.7"}
        return AlertRefusedError("never") if refused else None

    rules = (("failed.yml", FAILED_LOGIN), ("few.yml", FEW))
    world = world_of([failed(1), failed(2, ip="198.51.100.1")], rules=rules, sinks=[FakeSink(verdict=refuse_one)])
    world.now = NOW + 3600
    await entrance(world, [created("0")])
    assert [alert.told.group for alert in world.sinks[0].accepted if alert.told] == [
        {"sourceIPAddress": "198.51.100.1"}
    ]
    assert [fact.code for fact in world.of(ErrorHappened)] == ["alert_refused"]


@BOTH
async def test_an_ended_window_whose_alert_is_refused_is_kept_in_the_quarantine_once_that_takes_it(
    entrance: Entrance,
) -> None:
    quarantine = FakeQuarantine(failure=QuarantineUnavailableError("disk full"))
    rules = (("failed.yml", FAILED_LOGIN), ("few.yml", FEW))
    sink = FakeSink(verdict=lambda _alert: AlertRefusedError("never"))
    world = world_of([failed(1)], [], rules=rules, sinks=[sink], quarantine=quarantine, ledger=NoLedger())
    world.now = NOW + 3600
    await entrance(world, [created("0")])
    assert not quarantine.entries
    quarantine.failure = None
    for _ in range(2):
        await entrance(world, [created("1")])
    [kept] = quarantine.entries.values()
    assert json.loads(kept.body)["window"]["record_ids"] == ["ConsoleLogin-1"]
    assert (kept.kind, kept.code, kept.about) == ("alert", "alert_refused", f"{kept.message_id} {sink.name}")
    assert len(world.of(PutAside)) == 1, "a window is judged once"


@BOTH
async def test_an_ended_window_whose_alert_a_sink_cannot_take_now_is_told_when_it_can(entrance: Entrance) -> None:
    down: list[TrailstreamError | None] = [SinkUnavailableError("down")]
    rules = (("failed.yml", FAILED_LOGIN), ("few.yml", FEW))
    world = world_of([failed(1)], [], rules=rules, sinks=[FakeSink(verdict=lambda _alert: down[0])])
    world.now = NOW + 3600
    await entrance(world, [created("0")])
    assert world.alerts == []
    down[0] = None
    await entrance(world, [created("1")])
    assert len(world.alerts) == 1
    await entrance(world, [created("1")])
    assert len(world.alerts) == 1


@BOTH
async def test_what_joins_a_window_that_was_told_is_not_written_again(entrance: Entrance) -> None:
    windows = FailingWindows(times=0)
    world = world_of([failed(n) for n in (1, 2, 3)], [failed(n) for n in (4, 5)], windows=windows)
    await entrance(world, [created("0", "1")])
    assert [len(visit.sightings) for visit in windows.visits] == [3]
    assert len(world.alerts) == 1


@BOTH
async def test_where_no_rule_counts_the_store_is_not_asked(entrance: Entrance) -> None:
    rules = (("topic.yaml", "id: t\ntitle: t\nseverity: low\npattern: {eventName: [CreateTopic]}\n"),)
    world = world_of([topic_record()], rules=rules, windows=FailingWindows())
    await entrance(world, [created("0")])
    assert len(world.alerts) == 1

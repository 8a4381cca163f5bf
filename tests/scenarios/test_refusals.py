"""What can never succeed is refused with its reason and costs nothing of what stands beside it, through either door."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from doors import BOTH, KEY, Entrance, World, created, cut, log, settled
from fakes import FakeQuarantine, FakeSink
from samples import RULE, topic_record
from trailstream.model.alert import Alert, RuleInfo, Severity
from trailstream.model.delivery import Done, Reject, Retry
from trailstream.model.errors import AlertRefusedError, QuarantineUnavailableError, TrailstreamError
from trailstream.model.facts import DeliveryReceived, ErrorHappened, ObjectProcessed, PutAside
from trailstream.pipeline.allow_list import AllowList
from trailstream.pipeline.ports import SetAside
from trailstream.rules.condition import AllOf, Field
from trailstream.rules.predicate import Predicate
from trailstream.rules.rule import Rule


@BOTH
async def test_one_bad_object_among_good_ones_rejects_the_message_after_the_good_are_alerted(
    entrance: Entrance,
) -> None:
    world = World()
    world.store.put("logs", "bad", gzip.compress(b"nothing of the kind"))
    world.store.put("logs", "good", log(topic_record(1)))
    assert await entrance(world, [created("bad", "good")]) == []
    assert settled(world) == [Reject("malformed_json")]
    assert len(world.alerts) == 1


@BOTH
async def test_what_stands_before_the_damage_is_alerted_and_the_object_is_not_forgotten(entrance: Entrance) -> None:
    world = World()
    world.store.put("logs", KEY, cut(topic_record(1), topic_record(2)))
    assert await entrance(world, [created(KEY)]) == []
    assert settled(world) == [Reject("truncated_json")]
    assert len(world.alerts) == 2


@BOTH
async def test_a_record_that_is_none_fails_the_object_after_its_neighbours_are_alerted(entrance: Entrance) -> None:
    world = World()
    world.store.put("logs", KEY, log(topic_record(1), "no record", topic_record(2)))
    assert await entrance(world, [created(KEY)]) == []
    assert settled(world) == [Reject("not_a_record")]
    assert len(world.alerts) == 2


@BOTH
async def test_an_alert_that_is_refused_holds_back_none_that_come_later(entrance: Entrance) -> None:
    def verdict(alert: Alert) -> TrailstreamError | None:
        return AlertRefusedError("not this one") if alert.event_id == "CreateTopic-0" else None

    world = World(sinks=[FakeSink(verdict=verdict)])
    world.store.put("logs", KEY, log(*(topic_record(number) for number in range(350))))
    assert await entrance(world, [created(KEY)]) == []
    assert len(world.alerts) == 349


@BOTH
async def test_a_bug_in_what_keeps_reasons_takes_down_none_of_the_others(entrance: Entrance) -> None:
    class Buggy(FakeQuarantine):
        async def put(self, entry: SetAside) -> None:
            raise ZeroDivisionError(entry.message_id)

    world = World(quarantine=Buggy())
    world.store.put("logs", KEY, log(topic_record()))
    assert await entrance(world, ["nobody understands this", created(KEY)]) == [created(KEY)]
    assert sorted(type(outcome).__name__ for outcome in settled(world)) == ["Done", "Retry"]
    assert "ZeroDivisionError" in next(fact.detail for fact in world.of(ErrorHappened) if fact.code == "unexpected")


@BOTH
async def test_the_reason_of_a_reject_is_kept_by_the_messages_id(entrance: Entrance) -> None:
    quarantine = FakeQuarantine()
    world = World(quarantine=quarantine)
    world.store.put("logs", KEY, b"no log at all")
    await entrance(world, [created(KEY)])
    [received] = world.of(DeliveryReceived)
    kept = (await quarantine.reasons([received.delivery.id]))[received.delivery.id]
    assert kept.kind == "delivery"
    assert kept.code == settled(world)[0].code
    assert kept.body == received.delivery.body
    assert kept.code in kept.detail


@BOTH
async def test_a_reject_whose_reason_cannot_be_kept_comes_again(entrance: Entrance) -> None:
    world = World(quarantine=FakeQuarantine(failure=QuarantineUnavailableError("disk full")))
    world.store.put("logs", KEY, b"no log at all")
    assert await entrance(world, [created(KEY)]) == []
    assert settled(world) == [Retry(settled(world)[0].delay_seconds, "quarantine_unavailable")]
    assert [fact.code for fact in world.of(ErrorHappened)] == ["malformed_json", "quarantine_unavailable"]


@BOTH
async def test_a_refused_alert_that_cannot_be_kept_comes_again_and_is_told_of_once(entrance: Entrance) -> None:
    quarantine = FakeQuarantine(failure=QuarantineUnavailableError("disk full"))
    world = World(quarantine=quarantine, sinks=[FakeSink(verdict=refusing(topic_record()))])
    world.store.put("logs", KEY, log(topic_record(), topic_record(9)))
    assert await entrance(world, [created(KEY)]) == []
    assert settled(world) == [Retry(settled(world)[0].delay_seconds, "quarantine_unavailable")]
    told = [(fact.code, fact.alert is not None) for fact in world.of(ErrorHappened)]
    assert told == [("alert_refused", True), ("quarantine_unavailable", True)]


def refusing(*records: dict[str, Any]) -> Callable[[Alert], TrailstreamError | None]:
    identities = {record["eventID"] for record in records}
    return lambda alert: AlertRefusedError("its message is not valid") if alert.event_id in identities else None


@BOTH
async def test_a_sink_that_refuses_everything_is_at_fault_and_not_each_alert(entrance: Entrance) -> None:
    quarantine = FakeQuarantine()
    world = World(quarantine=quarantine, sinks=[FakeSink(verdict=lambda _: AlertRefusedError("Invalid TopicArn"))])
    world.store.put("logs", KEY, log(*map(topic_record, range(50))))
    assert await entrance(world, [created(KEY)]) == []
    assert [type(outcome) for outcome in settled(world)] == [Reject]
    assert {entry.kind for entry in quarantine.entries.values()} == {"delivery"}


@BOTH
async def test_an_alert_that_a_sink_refuses_is_set_aside_and_its_delivery_is_done(entrance: Entrance) -> None:
    quarantine = FakeQuarantine()
    world = World(quarantine=quarantine, sinks=[FakeSink(verdict=refusing(topic_record()))])
    world.store.put("logs", KEY, log(topic_record(), topic_record(9)))
    assert await entrance(world, [created(KEY)]) == [created(KEY)]
    [aside] = world.of(PutAside)
    assert (aside.alert.rule.id, aside.code) == (RULE.id, "alert_refused")
    [kept] = quarantine.entries.values()
    assert json.loads(kept.body)["eventID"] == topic_record()["eventID"]
    assert RULE.id in kept.detail
    assert "its message is not valid" in kept.detail


@BOTH
async def test_every_alert_that_is_refused_is_kept_beside_the_others_of_its_delivery(entrance: Entrance) -> None:
    quarantine = FakeQuarantine()
    verdict = refusing(topic_record(1), topic_record(2))
    world = World(quarantine=quarantine, sinks=[FakeSink(name, verdict=verdict) for name in ("one", "two")])
    world.store.put("logs", KEY, log(topic_record(1), topic_record(2), topic_record(9)))
    assert await entrance(world, [created(KEY)]) == [created(KEY)]
    assert len(quarantine.entries) == 4


@BOTH
@pytest.mark.parametrize("body", ["Hello from SQS!", "{}", '{"Records":[]}', "[" * 50_000])
async def test_what_is_not_understood_is_rejected_and_never_forgotten(entrance: Entrance, body: str) -> None:
    world = World()
    assert await entrance(world, [body]) == []
    assert settled(world) == [Reject("not_understood")]


DEEP: dict[str, Any] = {"requestParameters": {"deep": {"er": 1}}}


def failing_rule(event_name: str) -> Rule:
    def fail(_: object) -> bool:
        raise RecursionError("too deep for this rule")

    info = RuleInfo("failing", "It raises", Severity.LOW, "event-pattern", "failing.yaml")
    name = Field(("eventName",), Predicate("is", lambda value: value == event_name, values=frozenset([event_name])))
    return Rule(info, AllOf((name, Field(("requestParameters", "deep", "er"), Predicate("raises", fail)))))


@BOTH
async def test_a_rule_that_raises_keeps_the_delivery_after_the_other_rules_alerts_are_sent(entrance: Entrance) -> None:
    world = World(more_rules=[failing_rule("CreateTopic")])
    world.store.put("logs", KEY, log(topic_record(1, **DEEP), topic_record(2, **DEEP)))
    inline = json.dumps(
        {"detail-type": "AWS API Call via CloudTrail", "source": "aws.sns", "detail": topic_record(3, **DEEP)}
    )
    assert await entrance(world, [created(KEY), inline]) == []
    assert settled(world) == [Reject("rule_failed")] * 2
    assert len(world.alerts) == 3


@BOTH
async def test_a_message_cannot_make_us_read_elsewhere_or_for_an_account_that_is_not_ours(entrance: Entrance) -> None:
    world = World(allowed=AllowList(buckets=["logs"], accounts=["111122223333"]))
    stranger = KEY.replace("111122223333", "999999999999")
    for bucket, key in (("logs", KEY), ("elsewhere", KEY), ("logs", stranger), ("logs", "no/account.json.gz")):
        world.store.put(bucket, key, log(topic_record()))
    inline = json.dumps({"detail-type": "AWS API Call via CloudTrail", "source": "aws.sns", "detail": topic_record()})
    refused = [created(KEY, bucket="elsewhere"), created(stranger), created("no/account.json.gz"), inline]
    assert await entrance(world, [created(KEY), *refused]) == [created(KEY)]
    assert len(world.alerts) == 1
    assert [ref.uri for ref in world.store.opened] == [f"s3://logs/{KEY}"]
    assert [outcome for outcome in settled(world) if outcome != Done()] == [Reject("not_allowed")] * 4
    seen = {fact.account for fact in world.of(ObjectProcessed)}
    assert seen == {"111122223333"}, "nobody else becomes a metric series"

"""What becomes of a delivery does not depend on the door it came through."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from doors import Entrance, World, created, lambda_door, via_lambda, via_worker
from fakes import FakeLedger, FakeQuarantine, FakeSink
from samples import CREATE_TOPIC_RULE, RULE, topic_record
from trailstream.adapters.ledgers.nothing import NoLedger
from trailstream.entrypoints.aws_lambda import DeliveriesFailedError
from trailstream.model.alert import Alert, RuleInfo, Severity, alert_id
from trailstream.model.delivery import Done, Reject, Retry
from trailstream.model.errors import (
    AlertRefusedError,
    ObjectDeniedError,
    ObjectUnavailableError,
    QuarantineUnavailableError,
    SinkUnavailableError,
    TrailstreamError,
)
from trailstream.model.facts import (
    AlertAccepted,
    AlertOverBudget,
    AlertRepeated,
    DeliveryReceived,
    DeliverySettled,
    EntrySkipped,
    ErrorHappened,
    ObjectProcessed,
    OwnRecordMatched,
    PutAside,
    StormReported,
)
from trailstream.model.principal import Principal
from trailstream.pipeline.allow_list import AllowList
from trailstream.pipeline.ports import SetAside
from trailstream.rules.condition import All, Field
from trailstream.rules.predicate import Predicate
from trailstream.rules.rule import Rule

BOTH = pytest.mark.parametrize("entrance", [via_worker, via_lambda])
KEY = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/02/log.json.gz"


def log(*records: Any) -> bytes:
    return gzip.compress(json.dumps({"Records": records}, separators=(",", ":")).encode())


def pretty(*records: Any) -> bytes:
    return gzip.compress(json.dumps({"Records": records}, indent=2).encode())


def cut(*records: Any) -> bytes:
    """A log whose JSON stops in the middle of the record after these."""
    text = json.dumps({"Records": [*records, topic_record(99)]}, separators=(",", ":")).encode()
    return gzip.compress(text[:-200])


def settled(world: World) -> list[Any]:
    return [fact.outcome for fact in world.of(DeliverySettled)]


@BOTH
async def test_an_object_with_a_match_gives_an_alert_and_is_forgotten(entrance: Entrance) -> None:
    world = World()
    world.store.put("logs", KEY, log(topic_record(), topic_record(name="GetTopicAttributes")))
    message = created(KEY)
    assert await entrance(world, [message]) == [message]
    (alert,) = world.sinks[0].accepted
    assert (alert.rule.id, alert.account, alert.event_name) == ("sns-topic-created", "123456789012", "CreateTopic")
    assert json.loads(alert.record_json) == topic_record()
    assert alert.object == f"s3://logs/{KEY}"


@BOTH
async def test_only_deliveries_that_fully_succeeded_are_forgotten(entrance: Entrance) -> None:
    world = World()
    for key in ("good", "cut", "down"):
        world.store.put("logs", key, cut(topic_record(1)) if key == "cut" else log(topic_record(2)))
    world.store.fail(world.store.put("logs", "down", log(topic_record(3))), ObjectUnavailableError("503"), times=9)
    messages = {name: created(name) for name in ("good", "cut", "down", "missing")} | {"junk": "Hello from SQS!"}
    assert await entrance(world, list(messages.values())) == [messages["good"]]
    assert {type(outcome) for outcome in settled(world)} == {Done, Retry, Reject}


@BOTH
async def test_every_object_of_a_message_is_read_and_they_settle_together(entrance: Entrance) -> None:
    world = World()
    for number, key in enumerate(("one", "two", "three")):
        world.store.put("logs", key, log(topic_record(number)))
    message = created("one", "two", "three")
    assert await entrance(world, [message]) == [message]
    assert len(world.alerts) == 3


@BOTH
async def test_one_unavailable_object_among_bad_ones_makes_the_message_come_again(entrance: Entrance) -> None:
    world = World()
    world.store.put("logs", "good", log(topic_record(1)))
    world.store.put("logs", "bad", gzip.compress(b"nothing of the kind"))
    world.store.fail(world.store.put("logs", "down", b""), ObjectUnavailableError("503"), times=9)
    assert await entrance(world, [created("good", "bad", "down")]) == []
    assert isinstance(settled(world)[0], Retry)
    assert len(world.alerts) == 1


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
@pytest.mark.parametrize(
    ("error", "outcome"), [(SinkUnavailableError("throttled"), Retry), (AlertRefusedError("no such topic"), Reject)]
)
async def test_an_alert_that_is_not_accepted_keeps_the_delivery(
    entrance: Entrance, error: TrailstreamError, outcome: type
) -> None:
    def verdict(alert: Alert) -> TrailstreamError | None:
        return error if alert.event_id == "CreateTopic-1" else None

    world = World(sinks=[FakeSink(verdict=verdict)])
    world.store.put("logs", KEY, log(*(topic_record(number) for number in range(3))))
    assert await entrance(world, [created(KEY)]) == []
    assert isinstance(settled(world)[0], outcome)
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
async def test_every_sink_must_accept(entrance: Entrance) -> None:
    refusing = FakeSink(name="second", verdict=lambda _: SinkUnavailableError("down"))
    world = World(sinks=[FakeSink(), refusing])
    world.store.put("logs", KEY, log(topic_record()))
    assert await entrance(world, [created(KEY)]) == []
    assert [fact.sink for fact in world.of(AlertAccepted)] == ["fake"]


@BOTH
async def test_a_delivery_that_comes_again_gives_the_same_alert_id_again_where_nothing_remembers(
    entrance: Entrance,
) -> None:
    world = World(ledger=NoLedger())
    world.store.put("logs", KEY, log(topic_record()))
    for _ in range(2):
        await entrance(world, [created(KEY)])
    assert len(world.alerts) == 2
    assert len(set(world.alerts)) == 1


@BOTH
async def test_a_ledger_gives_one_alert_whether_the_notice_the_object_or_the_record_comes_twice(
    entrance: Entrance,
) -> None:
    world = World()
    for key in ("one", "its-copy"):
        world.store.put("logs", key, log(topic_record(), topic_record(), topic_record(2)))
    await entrance(world, [created("one"), created("one"), created("its-copy")])
    await entrance(world, [created("one")])
    assert len(world.alerts) == len(set(world.alerts)) == 2
    assert len(world.of(AlertRepeated)) == 4 * 3 - 2
    assert {type(outcome) for outcome in settled(world)} == {Done}


@BOTH
async def test_the_same_act_seen_by_two_accounts_gives_two_alerts(entrance: Entrance) -> None:
    world = World()
    shared = [topic_record(number, sharedEventID="1b0d8f6c-0000-4000-8000-000000000001") for number in (1, 2)]
    world.store.put("logs", KEY, log(*shared))
    await entrance(world, [created(KEY)])
    assert len(set(world.alerts)) == 2


@BOTH
async def test_an_alert_that_another_holder_is_sending_makes_the_delivery_come_again_after_its_claim(
    entrance: Entrance,
) -> None:
    ledger = FakeLedger()
    world = World(ledger=ledger, claim_seconds=3600)
    world.store.put("logs", KEY, log(topic_record(1), topic_record(2)))
    first = alert_id(RULE.id, topic_record(1)["eventID"])
    await ledger.claim("fake", [first], holder="another", now=time.time(), until=time.time() + 3000)
    assert await entrance(world, [created(KEY)]) == []
    assert len(world.alerts) == 1, "the other alert went out"
    [outcome] = settled(world)
    assert isinstance(outcome, Retry)
    assert outcome.code == "alert_claimed"
    assert 2900 < outcome.delay_seconds <= 3000


@BOTH
async def test_beyond_its_budget_a_rules_matches_are_counted_in_storm_alerts_that_name_their_objects(
    entrance: Entrance,
) -> None:
    world = World(budget=3)
    keys = ["AWSLogs/111122223333/one", "AWSLogs/111122223333/two"]
    for key, numbers in zip(keys, (range(10), range(10, 30)), strict=True):
        world.store.put("logs", key, log(*map(topic_record, numbers)))
    bodies = [created(key) for key in keys]
    assert sorted(await entrance(world, bodies)) == sorted(bodies)
    storms = [json.loads(alert.record_json)["storm"] for alert in world.sinks[0].accepted[3:]]
    assert sum(storm["matches"] for storm in storms) == 27
    assert sum(sum(storm["objects"].values()) for storm in storms) == 27
    assert {uri for storm in storms for uri in storm["objects"]} <= {f"s3://logs/{key}" for key in keys}
    assert [told.matches for told in world.of(StormReported)] == [storm["matches"] for storm in storms]
    assert len(world.of(AlertOverBudget)) == 27
    assert len(storms) == 1 or entrance is via_worker, "a worker that stops tells of each storm at once"


@BOTH
async def test_a_delivery_is_not_done_while_the_storm_alert_that_counts_it_was_not_accepted(entrance: Entrance) -> None:
    def no_storms(alert: Alert) -> TrailstreamError | None:
        return SinkUnavailableError("down") if alert.rule.title.startswith("Storm") else None

    world = World(budget=1, sinks=[FakeSink(verdict=no_storms)])
    world.store.put("logs", KEY, log(topic_record(1), topic_record(2)))
    assert await entrance(world, [created(KEY)]) == []
    assert [type(outcome) for outcome in settled(world)] == [Retry]


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
async def test_a_noisy_rule_hides_nothing_of_another(entrance: Entrance) -> None:
    other = CREATE_TOPIC_RULE.replace("sns-topic-created", "another").replace("CreateTopic", "DeleteTopic")
    world = World(budget=2, rules=[("one.yaml", CREATE_TOPIC_RULE), ("two.yaml", other)])
    quiet = topic_record(99, "DeleteTopic")
    world.store.put("logs", KEY, log(*map(topic_record, range(50)), quiet))
    await entrance(world, [created(KEY)])
    assert [alert.event_id for alert in world.sinks[0].accepted if alert.rule.id == "another"] == [quiet["eventID"]]


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
    assert (aside.kind, aside.code) == ("alert", "alert_refused")
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
async def test_a_record_without_an_id_is_recognised_by_its_content_whichever_reader_took_it(entrance: Entrance) -> None:
    nameless = {name: value for name, value in topic_record().items() if name != "eventID"}
    world = World()
    world.store.put("logs", "fast", log(nameless))
    world.store.put("logs", "slow", pretty(nameless))
    await entrance(world, [created("fast", "slow")])
    assert len(world.alerts) == 1
    assert len(world.of(AlertRepeated)) == 1
    assert {fact.reader for fact in world.of(ObjectProcessed)} == {"fast", "ijson"}


@BOTH
async def test_a_record_inside_an_eventbridge_event_gives_an_alert(entrance: Entrance) -> None:
    world = World()
    event = json.dumps({"detail-type": "AWS API Call via CloudTrail", "source": "aws.sns", "detail": topic_record()})
    assert await entrance(world, [event]) == [event]
    (alert,) = world.sinks[0].accepted
    assert alert.object is None
    assert json.loads(alert.record_json) == topic_record()


@BOTH
async def test_what_asks_for_no_work_is_forgotten_and_counted_by_its_reason(entrance: Entrance) -> None:
    world = World()
    messages = [
        json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"}),
        "CloudTrail validation message.",
        created("AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/01/02/digest.json.gz"),
        created(KEY).replace("ObjectCreated:Put", "ObjectRemoved:Delete"),
    ]
    assert sorted(await entrance(world, messages)) == sorted(messages)
    reasons = sorted(fact.skip.reason for fact in world.of(EntrySkipped))
    assert reasons == ["cloudtrail_digest", "not_created", "test_event", "validation_message"]
    assert world.store.opened == []


@BOTH
@pytest.mark.parametrize("body", ["Hello from SQS!", "{}", '{"Records":[]}', "[" * 50_000])
async def test_what_is_not_understood_is_rejected_and_never_forgotten(entrance: Entrance, body: str) -> None:
    world = World()
    assert await entrance(world, [body]) == []
    assert settled(world) == [Reject("not_understood")]


@BOTH
async def test_a_denied_topic_creation_has_no_response_and_is_alerted_like_any_other(entrance: Entrance) -> None:
    world = World()
    denied = topic_record(1, responseElements=None, errorCode="AccessDenied")
    world.store.put("logs", KEY, log(denied))
    message = created(KEY)
    assert await entrance(world, [message]) == [message]
    assert world.sinks[0].accepted[0].error_code == "AccessDenied"


@BOTH
async def test_an_insight_record_without_source_name_or_identity_disturbs_nothing(entrance: Entrance) -> None:
    insight = {"eventVersion": "1.07", "eventTime": "2026-01-02T03:04:05Z", "eventType": "AwsCloudTrailInsight"}
    world = World()
    world.store.put("logs", KEY, log(insight | {"eventID": "i", "insightDetails": {"state": "Start"}}, topic_record()))
    message = created(KEY)
    assert await entrance(world, [message]) == [message]
    assert len(world.alerts) == 1


@BOTH
async def test_a_denied_object_is_tried_again_since_a_policy_can_be_mended(entrance: Entrance) -> None:
    world = World()
    world.store.fail(world.store.put("logs", KEY, log(topic_record())), ObjectDeniedError("403"))
    assert await entrance(world, [created(KEY)]) == []
    assert [type(outcome) for outcome in settled(world)] == [Retry]


@BOTH
async def test_a_body_that_is_cut_on_the_way_is_tried_again_and_not_taken_for_damage(entrance: Entrance) -> None:
    world = World()
    ref = world.store.put("logs", KEY, log(topic_record(1), topic_record(2)))
    world.store.fail(ref, ObjectUnavailableError("connection reset"), after_bytes=40)
    assert await entrance(world, [created(KEY)]) == []
    assert [fact.code for fact in world.of(ErrorHappened)] == ["object_unavailable"]


@BOTH
async def test_a_bug_that_one_delivery_brings_to_light_leaves_the_others_alone(entrance: Entrance) -> None:
    world = World()
    world.store.put("logs", "good", log(topic_record()))
    buggy = world.store.put("logs", "buggy", log(topic_record()))
    world.store.fail(buggy, ZeroDivisionError("a bug of ours"))  # type: ignore[arg-type]  # that is what makes it one
    good = created("good")
    assert await entrance(world, [good, created("buggy")]) == [good]
    (error,) = world.of(ErrorHappened)
    assert error.code == "unexpected"
    assert "ZeroDivisionError: a bug of ours" in error.detail


@BOTH
async def test_a_bug_that_one_object_brings_to_light_costs_no_alert_of_the_others_in_its_message(
    entrance: Entrance,
) -> None:
    world = World()
    buggy = world.store.put("logs", "buggy", log(*(topic_record(number) for number in range(300))))
    world.store.fail(buggy, ZeroDivisionError("a bug of ours"), after_bytes=10**6)  # type: ignore[arg-type]
    world.store.put("logs", "good", log(topic_record(7)))
    assert await entrance(world, [created("buggy", "good")]) == []
    assert [type(outcome) for outcome in settled(world)] == [Retry]
    assert len(world.alerts) > 201, "what waited when the bug showed was not sent"


DEEP: dict[str, Any] = {"requestParameters": {"deep": {"er": 1}}}


def failing_rule(event_name: str) -> Rule:
    def fail(_: object) -> bool:
        raise RecursionError("too deep for this rule")

    info = RuleInfo("failing", "It raises", Severity.LOW, "event-pattern", "failing.yaml")
    name = Field(("eventName",), Predicate("is", lambda value: value == event_name, values=frozenset([event_name])))
    return Rule(info, All((name, Field(("requestParameters", "deep", "er"), Predicate("raises", fail)))))


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
async def test_an_object_that_is_cut_on_the_way_is_tried_again_although_one_of_its_alerts_is_refused(
    entrance: Entrance,
) -> None:
    world = World(sinks=[FakeSink(verdict=lambda _: AlertRefusedError("not this one"))])
    ref = world.store.put("logs", KEY, log(*(topic_record(number) for number in range(300))))
    world.store.fail(ref, ObjectUnavailableError("connection reset"), after_bytes=10**6)
    assert await entrance(world, [created(KEY)]) == []
    assert [type(outcome) for outcome in settled(world)] == [Retry]


async def test_from_an_asynchronous_source_a_failure_is_raised_so_that_lambda_tries_again() -> None:
    world = World()
    event = json.loads(created("missing"))
    async with lambda_door(world) as door:
        with pytest.raises(DeliveriesFailedError, match="object_missing"):
            await door.answer(event, request_id="r", remaining_seconds=60)


async def test_from_an_asynchronous_source_success_returns_nothing_to_report() -> None:
    world = World()
    world.store.put("logs", KEY, log(topic_record()))
    async with lambda_door(world) as door:
        assert await door.answer(json.loads(created(KEY)), request_id="r", remaining_seconds=60) == {}
    assert len(world.alerts) == 1


async def test_sns_hands_lambda_several_notifications_and_each_is_read() -> None:
    world = World()
    for number, key in enumerate(("one", "two")):
        world.store.put("logs", key, log(topic_record(number)))
    event = {
        "Records": [
            {"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": {"Type": "Notification", "Message": created(key)}}
            for key in ("one", "two")
        ]
    }
    async with lambda_door(world) as door:
        assert await door.answer(event, request_id="r", remaining_seconds=60) == {}
    assert len(world.alerts) == 2


async def test_what_the_invocation_has_no_time_for_is_reported_as_failed_and_the_rest_is_not() -> None:
    world = World()
    world.store.put("logs", "slow", log(topic_record(1)))
    skipped = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent"})

    async def for_ever() -> None:
        await asyncio.sleep(3600)

    world.store.pause = for_ever
    assert await via_lambda(world, [created("slow"), skipped], seconds=0.2) == [skipped]
    assert [fact.code for fact in world.of(ErrorHappened)] == ["out_of_time"]


async def test_a_lambda_tells_of_a_storm_in_time_although_another_delivery_takes_too_long() -> None:
    slow = "AWSLogs/111122223333/slow"

    async def pause() -> None:
        if world.store.opened[-1].key == slow:
            await asyncio.sleep(3600)

    world = World(budget=1)
    world.store.pause = pause
    world.store.put("logs", KEY, log(*map(topic_record, range(3))))
    world.store.put("logs", slow, log())
    storm, late = created(KEY), created(slow)

    class Later(FakeSink):
        async def send(self, alerts: Sequence[Alert]) -> Sequence[TrailstreamError | None]:
            await asyncio.sleep(0.01)
            return await super().send(alerts)

    world.sinks = [Later()]
    assert await via_lambda(world, [storm, late], seconds=1) == [storm]
    assert [fact.matches for fact in world.of(StormReported)] == [2]


async def test_metrics_are_flushed_before_the_answer_also_when_it_is_an_error() -> None:
    flushed: list[None] = []
    async with lambda_door(World(), flush=lambda: flushed.append(None)) as door:
        with pytest.raises(DeliveriesFailedError):
            await door.answer({"what": "is this"}, request_id="r", remaining_seconds=60)
    assert len(flushed) == 1


@BOTH
async def test_alerts_that_cause_the_records_of_the_next_alerts_become_few_and_are_counted(entrance: Entrance) -> None:
    """A rule on Publish, and a trail that records what is published to the alert topic itself."""
    own = "arn:aws:sts::111122223333:assumed-role/trailstream/worker"
    rule = CREATE_TOPIC_RULE.replace("CreateTopic", "PublishBatch")
    world = World(own=Principal(own), rules=[("publish.yaml", rule)], budget=50)
    numbers = itertools.count()

    def published(times: int) -> list[dict[str, Any]]:
        actor = {"type": "AssumedRole", "arn": own}
        return [topic_record(next(numbers), "PublishBatch", userIdentity=actor) for _ in range(times)]

    records = published(200)
    rounds = []
    for number in range(6):
        calls = len(world.sinks[0].calls)
        world.store.put("logs", str(number), log(*records))
        await entrance(world, [created(str(number))])
        records = published(len(world.sinks[0].calls) - calls)
        rounds.append(len(records))
    assert rounds[0] <= 50
    assert rounds == sorted(rounds, reverse=True)
    assert rounds[-1] == 1
    assert len(world.of(OwnRecordMatched)) == 200 + sum(rounds[:-1])


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

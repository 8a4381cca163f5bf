"""A delivery is done when all that it asked for is done, and comes again when it may succeed; through either door."""

from __future__ import annotations

import gzip
import json

import pytest

from doors import BOTH, KEY, Entrance, World, created, cut, log, settled
from fakes import FakeSink
from samples import topic_record
from trailstream.model.alert import Alert
from trailstream.model.delivery import Done, Reject, Retry
from trailstream.model.errors import (
    AlertRefusedError,
    ObjectDeniedError,
    ObjectUnavailableError,
    RoleDeniedError,
    SinkUnavailableError,
    TrailstreamError,
)
from trailstream.model.facts import AlertAccepted, BreakerOpened, EntrySkipped, ErrorHappened


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
async def test_every_sink_must_accept(entrance: Entrance) -> None:
    refusing = FakeSink(name="second", verdict=lambda _: SinkUnavailableError("down"))
    world = World(sinks=[FakeSink(), refusing])
    world.store.put("logs", KEY, log(topic_record()))
    assert await entrance(world, [created(KEY)]) == []
    assert [fact.sink for fact in world.of(AlertAccepted)] == ["fake"]


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
async def test_a_role_that_is_denied_makes_its_bucket_come_again_and_holds_up_no_other(entrance: Entrance) -> None:
    world = World(failures_to_pause=1)
    world.store.put("logs", KEY, log(topic_record(1)))
    theirs = world.store.put("trail-of-theirs", KEY, log(topic_record(2)))
    world.store.fail(theirs, RoleDeniedError("role arn:aws:iam::444455556666:role/reader: AccessDenied"), times=9)
    ours = created(KEY)
    assert await entrance(world, [created(KEY, bucket="trail-of-theirs"), ours]) == [ours]
    assert sorted(outcome.code for outcome in settled(world) if isinstance(outcome, Retry)) == ["role_denied"]
    assert world.of(BreakerOpened) == []


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


@BOTH
async def test_an_object_that_is_cut_on_the_way_is_tried_again_although_one_of_its_alerts_is_refused(
    entrance: Entrance,
) -> None:
    world = World(sinks=[FakeSink(verdict=lambda _: AlertRefusedError("not this one"))])
    ref = world.store.put("logs", KEY, log(*(topic_record(number) for number in range(300))))
    world.store.fail(ref, ObjectUnavailableError("connection reset"), after_bytes=10**6)
    assert await entrance(world, [created(KEY)]) == []
    assert [type(outcome) for outcome in settled(world)] == [Retry]

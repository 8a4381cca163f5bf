"""What was told before is not told again, and what would be told too often is counted; through either door."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

from doors import BOTH, KEY, Entrance, World, created, log, pretty, settled, via_worker
from fakes import FakeLedger, FakeSink
from samples import CREATE_TOPIC_RULE, RULE, topic_record
from trailstream.adapters.ledgers.nothing import NoLedger
from trailstream.model.alert import Alert, alert_id
from trailstream.model.delivery import Done, Retry
from trailstream.model.errors import SinkUnavailableError, TrailstreamError
from trailstream.model.facts import AlertOverBudget, AlertRepeated, ObjectProcessed, OwnRecordMatched, StormReported
from trailstream.model.principal import Principal


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
async def test_a_noisy_rule_hides_nothing_of_another(entrance: Entrance) -> None:
    other = CREATE_TOPIC_RULE.replace("sns-topic-created", "another").replace("CreateTopic", "DeleteTopic")
    world = World(budget=2, rules=[("one.yaml", CREATE_TOPIC_RULE), ("two.yaml", other)])
    quiet = topic_record(99, "DeleteTopic")
    world.store.put("logs", KEY, log(*map(topic_record, range(50)), quiet))
    await entrance(world, [created(KEY)])
    assert [alert.event_id for alert in world.sinks[0].accepted if alert.rule.id == "another"] == [quiet["eventID"]]


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

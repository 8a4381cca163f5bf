"""What only the Lambda door knows: sources that wait for no answer, notifications in one event, the end of its time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from doors import KEY, World, created, lambda_door, log, via_lambda
from fakes import FakeSink
from samples import topic_record
from trailstream.entrypoints.aws_lambda import DeliveriesFailedError
from trailstream.model.alert import Alert
from trailstream.model.errors import TrailstreamError
from trailstream.model.facts import ErrorHappened, StormReported


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

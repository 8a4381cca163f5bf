"""The whole core over fakes, entered through either door: a scenario says what is there, and sees what became of it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from fakes import FakeObjectStore, FakeQueue, FakeSink
from samples import CREATE_TOPIC_RULE
from trailstream.entrypoints.aws_lambda import SPARE_SHARE, LambdaDoor
from trailstream.model.facts import Fact
from trailstream.model.limits import ReaderChoice, ReadLimits
from trailstream.pipeline.consumer import Consumer, ConsumerSettings
from trailstream.pipeline.handler import Handler
from trailstream.pipeline.retry import Backoff
from trailstream.rules.loading import load
from trailstream.rules.rule import Rule
from trailstream.rules.ruleset import Ruleset


@dataclass
class World:
    """What surrounds the core: objects, sinks, rules, and what happened."""

    store: FakeObjectStore = field(default_factory=FakeObjectStore)
    sinks: list[FakeSink] = field(default_factory=lambda: [FakeSink()])
    rules: Sequence[tuple[str, str]] = (("sns.yaml", CREATE_TOPIC_RULE),)
    more_rules: Sequence[Rule] = ()
    limits: ReadLimits = field(default_factory=ReadLimits)
    reader: ReaderChoice = "auto"
    facts: list[Fact] = field(default_factory=list)

    @property
    def alerts(self) -> list[str]:
        """The ids of the alerts that the first sink accepted, in order."""
        return [alert.id for alert in self.sinks[0].accepted]

    def handler(self) -> Handler:
        loaded = load(self.rules)
        assert not loaded.problems
        return Handler(
            store=self.store,
            sinks=self.sinks,
            ruleset=Ruleset([*loaded.rules, *self.more_rules]),
            limits=self.limits,
            reader=self.reader,
            backoff=Backoff(600, 600),
            emit=self.facts.append,
            clock=time.time,
        )

    def of(self, kind: type[Fact]) -> list[Any]:
        return [fact for fact in self.facts if isinstance(fact, kind)]


class Entrance(Protocol):
    """Deliver these messages; return the bodies of those that were forgotten."""

    async def __call__(self, world: World, bodies: Sequence[str]) -> list[str]: ...


async def via_worker(world: World, bodies: Sequence[str]) -> list[str]:
    queue = FakeQueue()
    sent = {queue.send(body): body for body in bodies}
    consumer = Consumer(
        queue=queue,
        handle=world.handler().handle,
        settings=ConsumerSettings(
            slots=8,
            poll_wait_seconds=1,
            visibility_seconds=60,
            reject_visibility_seconds=600,
            shutdown_grace_seconds=10,
            poll_backoff=Backoff(0.01, 0.01),
        ),
        emit=world.facts.append,
    )
    running = asyncio.create_task(consumer.run())
    while queue.waiting:  # noqa: ASYNC110 - watched from outside
        await asyncio.sleep(0.005)
    consumer.stop()
    await running
    return [sent[identity] for identity in queue.deleted]


async def via_lambda(world: World, bodies: Sequence[str], *, seconds: float = 60) -> list[str]:
    event = {
        "Records": [
            {
                "eventSource": "aws:sqs",
                "messageId": str(number),
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1"},
            }
            for number, body in enumerate(bodies)
        ]
    }
    answer = await lambda_door(world).answer(event, request_id="request", remaining_seconds=seconds / (1 - SPARE_SHARE))
    failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    return [body for number, body in enumerate(bodies) if str(number) not in failed]


def lambda_door(world: World, *, flush: Callable[[], None] = lambda: None) -> LambdaDoor:
    return LambdaDoor(handle=world.handler().handle, emit=world.facts.append, flush=flush, clock=time.time)


def created(*keys: str, bucket: str = "logs") -> str:
    """An S3 notification of these objects; the keys need no encoding."""
    return json.dumps(
        {
            "Records": [
                {
                    "eventVersion": "2.1",
                    "eventSource": "aws:s3",
                    "eventName": "ObjectCreated:Put",
                    "eventTime": "2026-01-02T03:04:05.000Z",
                    "s3": {"bucket": {"name": bucket}, "object": {"key": key}},
                }
                for key in keys
            ]
        }
    )

"""The whole core over fakes, entered through either door: a scenario says what is there, and sees what became of it."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest

from fake_queue import FakeQueue
from fakes import FakeLedger, FakeObjectStore, FakeSink
from samples import CREATE_TOPIC_RULE, topic_record
from trailstream.adapters.windows.memory import MemoryWindows
from trailstream.bootstrap.python_rules import open_judge
from trailstream.config.settings import PythonRulesSettings
from trailstream.entrypoints.aws_lambda import SPARE_SHARE, LambdaDoor
from trailstream.model.facts import DeliverySettled, Fact
from trailstream.model.limits import ReaderChoice, ReadLimits
from trailstream.model.principal import Principal
from trailstream.pipeline.allow_list import AllowList
from trailstream.pipeline.aside import Aside
from trailstream.pipeline.breaker import Breaker
from trailstream.pipeline.consumer import Consumer, ConsumerSettings
from trailstream.pipeline.counting import Counting, CountingSettings
from trailstream.pipeline.courier import Courier, CourierSettings
from trailstream.pipeline.detections import Detections
from trailstream.pipeline.examiner import Examiner
from trailstream.pipeline.fair_share import FairShare
from trailstream.pipeline.handler import Handler
from trailstream.pipeline.ports import Ledger, Quarantine, Sink, WindowStore
from trailstream.pipeline.retry import Backoff
from trailstream.pipeline.retry_policy import RetryPolicy
from trailstream.pipeline.storms import Storms
from trailstream.pipeline.window_ends import WindowEnds
from trailstream.rules.loading import load
from trailstream.rules.rule import Rule
from trailstream.rules.ruleset import Ruleset


@dataclass(frozen=True)
class Core:
    handler: Handler
    couriers: Sequence[Courier]
    window_ends: WindowEnds

    def end_storms(self) -> None:
        for courier in self.couriers:
            courier.end_storms(for_good=True)


@dataclass
class World:
    """What surrounds the core: objects, sinks, rules, and what happened."""

    store: FakeObjectStore = field(default_factory=FakeObjectStore)
    sinks: list[FakeSink] = field(default_factory=lambda: [FakeSink()])
    rules: Sequence[tuple[str, str]] = (("sns.yaml", CREATE_TOPIC_RULE),)
    more_rules: Sequence[Rule] = ()
    limits: ReadLimits = field(default_factory=ReadLimits)
    reader: ReaderChoice = "auto"
    ledger: Ledger = field(default_factory=FakeLedger)
    quarantine: Quarantine | None = None
    own: Principal | None = None
    allowed: AllowList = field(default_factory=AllowList)
    claim_seconds: float = 60
    budget: int = 1_000_000
    """Alerts of its own that a rule may have."""
    failures_to_pause: int = 1_000_000
    """Failures in a row of the object store, or of a sink, that open its breaker."""
    facts: list[Fact] = field(default_factory=list)
    windows: WindowStore = field(default_factory=MemoryWindows)
    python: PythonRulesSettings = field(default_factory=PythonRulesSettings)
    now: float | None = None
    """The time that counting goes by, where that is not the real one."""

    @property
    def alerts(self) -> list[str]:
        """The ids of the alerts that the first sink accepted, in order."""
        return [alert.id for alert in self.sinks[0].accepted]

    @asynccontextmanager
    async def core(self) -> AsyncIterator[Core]:
        """The core with its couriers at work while the block runs."""
        loaded = load(self.rules)
        assert not loaded.problems
        rules = [*loaded.rules, *self.more_rules]
        counting = Counting(
            rules,
            loaded.correlations,
            store=self.windows,
            settings=CountingSettings(settle_seconds=0),
            emit=self.facts.append,
            clock=lambda: self.now or time.time(),
        )
        detections = Detections(Ruleset(rules), counting)
        async with (
            open_judge(rules, None, settings=self.python, emit=self.facts.append) as judge,
            self._core_of(detections.judged_by(judge)) as core,
        ):
            yield core

    @asynccontextmanager
    async def _core_of(self, detections: Detections) -> AsyncIterator[Core]:
        couriers = [self._courier(sink) for sink in self.sinks]
        ends = WindowEnds(
            detections=lambda: nullcontext(detections),
            couriers=couriers,
            end_storms=lambda: None,
            emit=self.facts.append,
        )
        async with AsyncExitStack() as stack:
            for courier in couriers:
                await stack.enter_async_context(courier.at_work())
            yield Core(
                Handler(
                    examiner=self._examiner(couriers),
                    aside=self.aside,
                    detections=lambda: nullcontext(detections),
                    policy=RetryPolicy(Backoff(600, 600)),
                    emit=self.facts.append,
                    clock=time.time,
                ),
                couriers,
                ends,
            )

    def _examiner(self, couriers: Sequence[Courier]) -> Examiner:
        return Examiner(
            store=self.store,
            store_breaker=self.breaker,
            couriers=couriers,
            allowed=self.allowed,
            share=FairShare(4),
            limits=self.limits,
            reader=self.reader,
            own=self.own,
            emit=self.facts.append,
            clock=time.time,
        )

    def _courier(self, sink: Sink) -> Courier:
        return Courier(
            sink=sink,
            ledger=self.ledger,
            aside=self.aside,
            storms=Storms(budget=self.budget, period_seconds=600),
            breaker=self.breaker,
            settings=CourierSettings(
                claim_seconds=self.claim_seconds,
                remember_seconds=86_400,
                patience_seconds=0,
                backoff=Backoff(0, 0),
                when_ledger_down="delay",
            ),
            emit=self.facts.append,
            clock=time.time,
            chance=lambda: 0.5,
        )

    @property
    def aside(self) -> Aside | None:
        if self.quarantine is None:
            return None
        return Aside(quarantine=self.quarantine, emit=self.facts.append, clock=time.time)

    @property
    def breaker(self) -> Breaker:
        return Breaker(
            "none", failures=self.failures_to_pause, backoff=Backoff(0, 0), clock=time.monotonic, emit=self.facts.append
        )

    def of(self, kind: type[Fact]) -> list[Any]:
        return [fact for fact in self.facts if isinstance(fact, kind)]


class Entrance(Protocol):
    """Deliver these messages; return the bodies of those that were forgotten."""

    async def __call__(self, world: World, bodies: Sequence[str]) -> list[str]: ...


async def via_worker(world: World, bodies: Sequence[str]) -> list[str]:
    queue = FakeQueue()
    sent = {queue.send(body): body for body in bodies}
    async with world.core() as core:
        consumer = Consumer(
            queue=queue,
            handle=core.handler.handle,
            breakers=[],
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
        core.end_storms()
        await running
        await core.window_ends.look()
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
    async with lambda_door(world) as door:
        answer = await door.answer(event, request_id="request", remaining_seconds=seconds / (1 - SPARE_SHARE))
    failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    return [body for number, body in enumerate(bodies) if str(number) not in failed]


@asynccontextmanager
async def lambda_door(world: World, *, flush: Callable[[], None] = lambda: None) -> AsyncIterator[LambdaDoor]:
    async with world.core() as core:
        yield LambdaDoor(
            handle=core.handler.handle,
            end_storms=core.end_storms,
            look_for_ended_windows=core.window_ends.look,
            emit=world.facts.append,
            flush=flush,
            clock=time.time,
        )


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


BOTH = pytest.mark.parametrize("entrance", [via_worker, via_lambda])
KEY = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/02/log.json.gz"


def log(*records: Any) -> bytes:
    """An object as CloudTrail writes it."""
    return gzip.compress(json.dumps({"Records": records}, separators=(",", ":")).encode())


def pretty(*records: Any) -> bytes:
    """An object that the fast reader leaves to the other one."""
    return gzip.compress(json.dumps({"Records": records}, indent=2).encode())


def cut(*records: Any) -> bytes:
    """A log whose JSON stops in the middle of the record after these."""
    text = json.dumps({"Records": [*records, topic_record(99)]}, separators=(",", ":")).encode()
    return gzip.compress(text[:-200])


def settled(world: World) -> list[Any]:
    """What became of each delivery, in the order of their ends."""
    return [fact.outcome for fact in world.of(DeliverySettled)]

"""A consumer at work on a queue that is held in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from fake_queue import FakeQueue
from trailstream.model.delivery import Deferred, Delivery, Done, Outcome
from trailstream.model.facts import Fact
from trailstream.pipeline.breaker import Breaker
from trailstream.pipeline.consumer import Consumer, ConsumerSettings
from trailstream.pipeline.retry import Backoff

SETTINGS = ConsumerSettings(
    slots=4,
    poll_wait_seconds=1,
    visibility_seconds=1,
    reject_visibility_seconds=0,
    shutdown_grace_seconds=2,
    poll_backoff=Backoff(0.01, 0.02),
)
Handle = Callable[[Delivery], Awaitable[Outcome | Deferred]]


class Rig:
    def __init__(
        self, queue: FakeQueue, handle: Handle, settings: ConsumerSettings, breakers: Sequence[Breaker]
    ) -> None:
        self.facts: list[Fact] = []
        self.consumer = Consumer(
            queue=queue, handle=handle, breakers=breakers, settings=settings, emit=self.facts.append
        )

    def of(self, kind: type[Fact]) -> list[Fact]:
        return [fact for fact in self.facts if isinstance(fact, kind)]


@asynccontextmanager
async def consuming(
    queue: FakeQueue, handle: Handle, breakers: Sequence[Breaker] = (), **changes: object
) -> AsyncIterator[Rig]:
    rig = Rig(queue, handle, replace(SETTINGS, **changes), breakers)  # type: ignore[arg-type]  # each test names fields
    running = asyncio.create_task(rig.consumer.run())
    try:
        yield rig
    finally:
        rig.consumer.stop()
        await running


async def until(condition: Callable[[], bool], *, seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a test watches from outside
            await asyncio.sleep(0.005)


async def done(_: Delivery) -> Outcome:
    return Done()

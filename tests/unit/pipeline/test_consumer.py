"""What is received, how much at a time, and what becomes of it at the end."""

from __future__ import annotations

import asyncio
import time

from consumer_rig import consuming, done, until
from fake_queue import FakeQueue
from trailstream.model.delivery import Deferred, Delivery, Done, Outcome
from trailstream.model.errors import QueueUnavailableError
from trailstream.model.facts import ErrorHappened, Fact, QueuePolled, ReceivingPaused, SlotsChanged, VisibilityExtended
from trailstream.pipeline.breaker import Breaker
from trailstream.pipeline.retry import Backoff


async def test_no_more_messages_are_held_than_there_are_slots() -> None:
    queue = FakeQueue()
    for number in range(12):
        queue.send(f"{number}")
    release = asyncio.Event()

    async def handle(_: Delivery) -> Outcome:
        await release.wait()
        return Done()

    async with consuming(queue, handle, slots=3) as rig:
        await until(lambda: len(queue.in_flight) == 3)
        await asyncio.sleep(0.1)
        assert len(queue.in_flight) == 3
        assert len(queue.waiting) == 9
        release.set()
        await until(lambda: len(queue.deleted) == 12)
    assert max(fact.held for fact in rig.facts if isinstance(fact, SlotsChanged)) == 3


async def test_one_slow_delivery_does_not_hold_up_the_others() -> None:
    queue = FakeQueue()
    slow = queue.send("slow")
    for number in range(30):
        queue.send(f"{number}")
    release = asyncio.Event()

    async def handle(delivery: Delivery) -> Outcome:
        if delivery.body == "slow":
            await release.wait()
        return Done()

    async with consuming(queue, handle, slots=2):
        await until(lambda: len(queue.deleted) == 30)
        assert slow not in queue.deleted
        release.set()


async def test_a_queue_that_is_down_is_asked_again_until_it_answers() -> None:
    queue = FakeQueue()
    message = queue.send("m")
    queue.fail("receive", QueueUnavailableError("down"), times=5)

    async with consuming(queue, done) as rig:
        await until(lambda: queue.deleted == [message])
    polls = [fact.code for fact in rig.facts if isinstance(fact, QueuePolled)]
    assert polls[:5] == ["queue_unavailable"] * 5


async def test_stopping_finishes_what_was_begun_and_takes_nothing_new() -> None:
    queue = FakeQueue()
    message = queue.send("begun")
    begun, release = asyncio.Event(), asyncio.Event()

    async def handle(_: Delivery) -> Outcome:
        begun.set()
        await release.wait()
        return Done()

    async with consuming(queue, handle) as rig:
        await begun.wait()
        rig.consumer.stop()
        later = queue.send("later")
        await asyncio.sleep(0.1)
        release.set()
    assert queue.deleted == [message]
    assert queue.receive_counts[later] == 0


async def test_what_is_unsettled_at_the_end_of_the_grace_time_is_handed_back_at_once() -> None:
    queue = FakeQueue()
    message = queue.send("endless")
    begun = asyncio.Event()

    async def handle(_: Delivery) -> Outcome:
        begun.set()
        await asyncio.sleep(3600)
        return Done()

    async with consuming(queue, handle, shutdown_grace_seconds=0.1, visibility_seconds=300):
        await begun.wait()
    assert queue.deleted == []
    assert queue.waiting == [message]


async def test_nothing_is_received_while_a_breaker_is_open() -> None:
    facts: list[Fact] = []
    breaker = Breaker("object_store", failures=1, backoff=Backoff(0.05, 0.05), clock=time.monotonic, emit=facts.append)
    breaker.failed()
    queue = FakeQueue()
    queue.send("a")
    async with consuming(queue, done, [breaker]) as rig:
        await until(lambda: bool(rig.of(ReceivingPaused)))
        assert queue.receive_counts.total() == 0
        await until(lambda: queue.receive_counts.total() == 1)


async def test_a_trial_receives_no_more_than_the_breaker_allows() -> None:
    facts: list[Fact] = []
    breaker = Breaker(
        "object_store", failures=1, backoff=Backoff(0, 0), clock=time.monotonic, emit=facts.append, trial_messages=1
    )
    breaker.failed()
    queue = FakeQueue()
    for _ in range(3):
        queue.send("a")
    async with consuming(queue, done, [breaker]):
        await until(lambda: len(queue.deleted) == 3)
    assert {asked for name, asked in queue.calls if name == "receive"} == {1}


async def test_a_trial_waits_for_what_becomes_of_its_message_before_it_receives_another() -> None:
    facts: list[Fact] = []
    breaker = Breaker(
        "object_store", failures=1, backoff=Backoff(0, 0), clock=time.monotonic, emit=facts.append, trial_messages=1
    )
    breaker.failed()
    answered = asyncio.Event()

    async def handle(_: Delivery) -> Outcome:
        await answered.wait()
        breaker.succeeded()
        return Done()

    queue = FakeQueue()
    for _ in range(12):
        queue.send("a")
    async with consuming(queue, handle, [breaker], slots=12) as rig:
        await asyncio.sleep(0.2)
        assert queue.receive_counts.total() == 1
        assert len(rig.of(ReceivingPaused)) < 5, "it does not turn round and round meanwhile"
        answered.set()
        await until(lambda: len(queue.deleted) == 12)


async def test_what_only_waits_for_a_storm_to_be_told_takes_no_slot_but_stays_hidden() -> None:
    told = asyncio.Event()

    async def later() -> Outcome:
        await told.wait()
        return Done()

    async def handle(delivery: Delivery) -> Outcome | Deferred:
        return Deferred(later()) if delivery.body == "storm" else Done()

    queue = FakeQueue()
    storms = [queue.send("storm") for _ in range(6)]
    async with consuming(queue, handle, slots=2) as rig:
        await until(lambda: queue.receive_counts.total() == 6)
        queue.send("plain")
        await until(lambda: len(queue.deleted) == 1)
        await until(lambda: len(rig.of(VisibilityExtended)) >= 4)
        assert all(queue.hidden_seconds(message) > 0 for message in storms)
        assert rig.of(SlotsChanged)[-1] == SlotsChanged(0, 2)
        told.set()
        await until(lambda: len(queue.deleted) == 7)
    assert set(queue.receive_counts.values()) == {1}


async def test_what_sqs_would_show_again_anyway_is_handed_back_with_the_reason() -> None:
    async def for_ever(_: Delivery) -> Outcome:
        await asyncio.sleep(3600)
        return Done()

    queue = FakeQueue()
    queue.send("a")
    async with consuming(queue, for_ever, longest_hidden_seconds=2.1) as rig:
        await until(lambda: queue.receive_counts.total() == 2)
        [error, *_] = rig.of(ErrorHappened)
        assert isinstance(error, ErrorHappened)
        assert error.code == "held_too_long"


async def test_it_knows_for_how_long_the_oldest_that_is_worked_on_has_been_held() -> None:
    told = asyncio.Event()

    async def later() -> Outcome:
        await told.wait()
        return Done()

    async def handle(delivery: Delivery) -> Outcome | Deferred:
        if delivery.body == "storm":
            return Deferred(later())
        return await later()

    queue = FakeQueue()
    queue.send("storm")
    async with consuming(queue, handle) as rig:
        await until(lambda: queue.receive_counts.total() == 1)
        await asyncio.sleep(0.05)
        assert rig.consumer.oldest_seconds() == 0, "what only waits for a storm loses no work when it is stopped"
        queue.send("object")
        await until(lambda: rig.consumer.oldest_seconds() > 0.05)
        told.set()
        await until(lambda: len(queue.deleted) == 2)
        assert rig.consumer.oldest_seconds() == 0

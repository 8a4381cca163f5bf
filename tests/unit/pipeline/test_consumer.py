from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from fakes import FakeQueue
from trailstream.model.delivery import Deferred, Delivery, Done, Outcome, Reject, Retry
from trailstream.model.errors import QueueUnavailableError
from trailstream.model.facts import (
    DeliveriesForgotten,
    ErrorHappened,
    Fact,
    QueuePolled,
    ReceivingPaused,
    SlotsChanged,
    VisibilityExtended,
)
from trailstream.pipeline.breaker import Breaker
from trailstream.pipeline.consumer import Consumer, ConsumerSettings
from trailstream.pipeline.custody import FORGET_ATTEMPTS
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


async def test_a_done_delivery_is_deleted_and_nothing_else_is() -> None:
    queue = FakeQueue()
    ids = {name: queue.send(name) for name in ("done", "retry", "reject")}
    outcomes: dict[str, Outcome] = {"done": Done(), "retry": Retry(30), "reject": Reject("no")}

    async def handle(delivery: Delivery) -> Outcome:
        return outcomes[delivery.body]

    async with consuming(queue, handle, reject_visibility_seconds=30):
        await until(lambda: queue.deleted == [ids["done"]] and len(queue.in_flight) == 2)
        await asyncio.sleep(0.05)
    assert queue.deleted == [ids["done"]]
    assert queue.dead_letters == []


async def test_a_rejected_delivery_ends_in_the_dead_letter_queue() -> None:
    queue = FakeQueue(max_receive_count=3)
    message = queue.send("nobody understands this")

    async def handle(_: Delivery) -> Outcome:
        return Reject("not_understood")

    async with consuming(queue, handle):
        await until(lambda: queue.dead_letters == ["nobody understands this"])
    assert queue.receive_counts[message] == 3
    assert queue.deleted == []


async def test_a_failed_delivery_comes_back_after_the_wait_that_its_outcome_names() -> None:
    queue = FakeQueue()
    message = queue.send("m")

    async def handle(_: Delivery) -> Outcome:
        return Retry(600)

    async with consuming(queue, handle):
        await until(lambda: queue.hidden_seconds(message) > 500)
        await asyncio.sleep(0.5)  # a heartbeat later it is still what was asked for
        assert queue.hidden_seconds(message) > 500


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


async def test_a_delivery_that_takes_three_times_its_visibility_is_received_once() -> None:
    queue = FakeQueue()
    message = queue.send("slow")

    async def handle(_: Delivery) -> Outcome:
        await asyncio.sleep(3)
        return Done()

    async with consuming(queue, handle) as rig:
        await until(lambda: queue.deleted == [message])
    assert queue.receive_counts[message] == 1
    assert len(rig.of(VisibilityExtended)) >= 6


async def test_a_message_that_waits_to_be_deleted_is_still_extended() -> None:
    queue = FakeQueue()
    message = queue.send("m")
    queue.fail("delete", QueueUnavailableError("down"), times=3)

    async with consuming(queue, done, poll_backoff=Backoff(0.5, 0.5)):
        await until(lambda: queue.deleted == [message])
    assert queue.receive_counts[message] == 1


async def test_deletes_share_calls() -> None:
    queue = FakeQueue()
    for number in range(40):
        queue.send(f"{number}")

    async with consuming(queue, done, slots=40) as rig:
        await until(lambda: len(queue.deleted) == 40)
    assert len(rig.of(DeliveriesForgotten)) <= 10


async def test_one_entry_of_a_batch_that_is_not_deleted_is_tried_again_and_then_let_go() -> None:
    queue = FakeQueue()
    stubborn, easy = queue.send("stubborn"), queue.send("easy")
    queue.refused_receipts[stubborn] = "ReceiptHandleIsInvalid"

    async with consuming(queue, done) as rig:
        await until(lambda: any(isinstance(fact, ErrorHappened) and fact.stage == "settle" for fact in rig.facts))
        assert queue.deleted == [easy]
    asked = [call for call in queue.calls if call[0] == "delete" and f"{stubborn}/1" in str(call[1])]
    assert len(asked) == FORGET_ATTEMPTS


async def test_a_queue_that_is_down_is_asked_again_until_it_answers() -> None:
    queue = FakeQueue()
    message = queue.send("m")
    queue.fail("receive", QueueUnavailableError("down"), times=5)

    async with consuming(queue, done) as rig:
        await until(lambda: queue.deleted == [message])
    polls = [fact.code for fact in rig.facts if isinstance(fact, QueuePolled)]
    assert polls[:5] == ["queue_unavailable"] * 5


class SlowQueue(FakeQueue):
    """Its visibility calls take their time, and some never end."""

    def __init__(self, seconds: float, *, hanging: int = 0) -> None:
        super().__init__()
        self._seconds = seconds
        self._hanging = hanging

    async def change_visibility(self, seconds_by_receipt: Mapping[str, int]) -> Mapping[str, str | None]:
        if self._hanging:
            self._hanging -= 1
            await asyncio.sleep(3600)
        await asyncio.sleep(self._seconds)
        return await super().change_visibility(seconds_by_receipt)


async def test_many_deliveries_that_fail_together_do_not_starve_the_heartbeat_of_the_others() -> None:
    queue = SlowQueue(0.1)
    working = [queue.send("works") for _ in range(5)]
    for _ in range(60):
        queue.send("fails")

    async def handle(delivery: Delivery) -> Outcome:
        if delivery.body == "works":
            await asyncio.sleep(2.5)
            return Done()
        return Retry(600)

    async with consuming(queue, handle, slots=70):
        await until(lambda: len(queue.deleted) == 5)
    assert set(queue.deleted) == set(working)
    assert set(queue.receive_counts.values()) == {1}


async def test_a_visibility_call_that_hangs_costs_no_message_its_visibility() -> None:
    queue = SlowQueue(0, hanging=1)
    message = queue.send("m")

    async def handle(_: Delivery) -> Outcome:
        await asyncio.sleep(2)
        return Done()

    async with consuming(queue, handle):
        await until(lambda: queue.deleted == [message])
    assert queue.receive_counts[message] == 1


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


@pytest.mark.parametrize("failing", ["change_visibility", "delete"])
async def test_a_heartbeat_or_delete_that_fails_once_loses_nothing(failing: str) -> None:
    queue = FakeQueue()
    message = queue.send("m")
    queue.fail(failing, QueueUnavailableError("hiccup"))

    async def handle(_: Delivery) -> Outcome:
        await asyncio.sleep(1.2)
        return Done()

    async with consuming(queue, handle):
        await until(lambda: queue.deleted == [message])
    assert queue.receive_counts[message] == 1


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


async def test_a_message_that_is_not_deleted_holds_up_none_of_the_others() -> None:
    queue = FakeQueue()
    stubborn = queue.send("stubborn")
    queue.refused_receipts[stubborn] = "InternalError"
    async with consuming(queue, done, poll_backoff=Backoff(0.5, 0.5)) as rig:
        await until(lambda: bool(rig.of(DeliveriesForgotten)))
        others = [queue.send("other") for _ in range(3)]
        await until(lambda: sorted(queue.deleted) == sorted(others), seconds=0.4)
        queue.refused_receipts.clear()
        await until(lambda: stubborn in queue.deleted)


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

"""What is held stays hidden, and the queue is told what became of it: a consumer's custody."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from consumer_rig import consuming, done, until
from fake_queue import FakeQueue
from trailstream.model.delivery import Delivery, Done, Outcome, Reject, Retry
from trailstream.model.errors import QueueUnavailableError
from trailstream.model.facts import DeliveriesForgotten, ErrorHappened, VisibilityExtended
from trailstream.pipeline.custody import FORGET_ATTEMPTS
from trailstream.pipeline.retry import Backoff


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

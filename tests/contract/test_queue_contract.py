"""What the core relies on in any queue: held by the fake and by SQS alike."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from fake_queue import FakeClock, FakeQueue
from trailstream.adapters.sqs import SqsQueue
from trailstream.pipeline.ports import Held, Queue, QueueFacts


@dataclass
class Kit:
    queue: Queue
    put: Callable[[str], Awaitable[object]]
    elapse: Callable[[float], Awaitable[None]]
    """Let seconds go by."""
    dead_letters: Callable[[], Awaitable[list[str]]]

    async def receive(self, *, at_most: int = 10, wait_seconds: int = 0, visibility_seconds: int = 30) -> list[Held]:
        held = await self.queue.receive(
            at_most=at_most, wait_seconds=wait_seconds, visibility_seconds=visibility_seconds
        )
        return list(held)

    async def receive_one(self, *, visibility_seconds: int = 30) -> Held:
        (held,) = await self.receive(visibility_seconds=visibility_seconds)
        return held


@pytest.fixture(params=["fake", "sqs"])
async def kit(request: pytest.FixtureRequest) -> AsyncIterator[Kit]:
    if request.param == "fake":
        clock = FakeClock()
        fake = FakeQueue(clock, max_receive_count=2)

        async def put_in_memory(body: str) -> None:
            fake.send(body)

        async def dead_in_memory() -> list[str]:
            return fake.dead_letters

        yield Kit(fake, put_in_memory, clock.advance, dead_in_memory)
        return
    async with request.getfixturevalue("endpoint").clients() as aws:
        client = await aws.sqs()
        dead = (await client.create_queue(QueueName="dead", Attributes={"MessageRetentionPeriod": "1209600"}))[
            "QueueUrl"
        ]
        arn = (await client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"]))["Attributes"]["QueueArn"]
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
        url = (await client.create_queue(QueueName="logs", Attributes={"RedrivePolicy": policy}))["QueueUrl"]

        async def put_in_sqs(body: str) -> None:
            await client.send_message(QueueUrl=url, MessageBody=body)

        async def dead_in_sqs() -> list[str]:
            return [message["Body"] for message in (await client.receive_message(QueueUrl=dead)).get("Messages", [])]

        yield Kit(SqsQueue(client=await aws.lean_sqs(), queue_url=url), put_in_sqs, asyncio.sleep, dead_in_sqs)


async def test_a_queue_says_how_long_it_keeps_and_how_often_it_hands_out(kit: Kit) -> None:
    assert await kit.queue.describe() == QueueFacts(
        max_receive_count=2,
        retention_seconds=345_600,
        dead_letter_retention_seconds=1_209_600,
    )


async def test_a_message_arrives_whole_with_its_first_receive_counted(kit: Kit) -> None:
    await kit.put("körper\n\t\N{CRAB}")
    held = await kit.receive_one()
    assert held.delivery.body == "körper\n\t\N{CRAB}"
    assert held.delivery.receive_count == 1
    assert held.delivery.id
    assert held.delivery.sent_at is not None
    assert abs(held.delivery.received_at - held.delivery.sent_at) < 10


async def test_no_more_is_handed_out_than_was_asked_for(kit: Kit) -> None:
    for number in range(3):
        await kit.put(str(number))
    first = await kit.receive(at_most=2)
    assert len(first) == 2
    assert len(await kit.receive(at_most=10)) == 1


async def test_a_held_message_is_hidden_until_its_visibility_ends_and_then_counts_up(kit: Kit) -> None:
    await kit.put("body")
    await kit.receive_one(visibility_seconds=1)
    assert await kit.receive() == []
    await kit.elapse(1.2)
    assert (await kit.receive_one()).delivery.receive_count == 2


async def test_an_extended_message_stays_hidden(kit: Kit) -> None:
    await kit.put("body")
    held = await kit.receive_one(visibility_seconds=1)
    assert await kit.queue.change_visibility({held.receipt: 60}) == {held.receipt: None}
    await kit.elapse(1.2)
    assert await kit.receive() == []


async def test_a_message_handed_back_is_visible_at_once(kit: Kit) -> None:
    await kit.put("body")
    held = await kit.receive_one()
    assert await kit.queue.change_visibility({held.receipt: 0}) == {held.receipt: None}
    assert (await kit.receive_one()).delivery.id == held.delivery.id


async def test_a_deleted_message_is_gone_and_deleting_it_again_is_harmless(kit: Kit) -> None:
    await kit.put("body")
    held = await kit.receive_one(visibility_seconds=1)
    assert await kit.queue.delete([held.receipt]) == [None]
    assert len(await kit.queue.delete([held.receipt])) == 1  # AWS says yes, others say that the receipt is stale
    await kit.elapse(1.2)
    assert await kit.receive() == []


async def test_results_stand_in_the_order_of_the_receipts(kit: Kit) -> None:
    for number in range(3):
        await kit.put(str(number))
    held = await kit.receive()
    receipts = [held[0].receipt, "no receipt", held[1].receipt]
    first, second, third = await kit.queue.delete(receipts)
    assert (first, third) == (None, None)
    assert second
    changed = await kit.queue.change_visibility({"no receipt": 5, held[2].receipt: 5})
    assert list(changed) == ["no receipt", held[2].receipt]
    assert changed["no receipt"]
    assert changed[held[2].receipt] is None


async def test_an_old_receipt_deletes_nothing_once_the_message_was_received_again(kit: Kit) -> None:
    await kit.put("body")
    old = await kit.receive_one(visibility_seconds=1)
    await kit.elapse(1.2)
    new = await kit.receive_one(visibility_seconds=30)
    await kit.queue.delete([old.receipt])
    assert await kit.queue.change_visibility({new.receipt: 30}) == {new.receipt: None}


async def test_a_message_received_too_often_goes_to_the_dead_letter_queue(kit: Kit) -> None:
    await kit.put("poison")
    for _ in range(2):
        await kit.queue.change_visibility({(await kit.receive_one()).receipt: 0})
    assert await kit.receive() == []
    assert await kit.dead_letters() == ["poison"]


async def test_a_long_poll_wakes_when_a_message_arrives(kit: Kit) -> None:
    waiting = asyncio.create_task(kit.receive(wait_seconds=20))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await kit.put("body")
    async with asyncio.timeout(5):
        (held,) = await waiting
    assert held.delivery.body == "body"


async def test_a_long_poll_ends_empty_when_its_time_is_over(kit: Kit) -> None:
    waiting = asyncio.create_task(kit.receive(wait_seconds=1))
    await asyncio.sleep(0.1)
    await kit.elapse(1)
    async with asyncio.timeout(5):
        assert await waiting == []


async def test_a_cancelled_long_poll_ends_and_loses_nothing(kit: Kit) -> None:
    waiting = asyncio.create_task(kit.receive(wait_seconds=20, visibility_seconds=1))
    await asyncio.sleep(0.1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await kit.put("body")
    await kit.elapse(1.2)
    assert (await kit.receive_one()).delivery.body == "body"


async def test_asking_for_nothing_is_no_call_and_no_error(kit: Kit) -> None:
    assert list(await kit.queue.delete([])) == []
    assert dict(await kit.queue.change_visibility({})) == {}
